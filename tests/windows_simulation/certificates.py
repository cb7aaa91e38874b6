# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models of win_certificate_store, win_certificate_info and win_acl, and what Windows does with a PFX."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from windows_simulation.errors import ModuleFailed, NotModelled

# Object identifier of PBES2, which brings AES: what Windows before build 17763 does not read.
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_WRONG = "Failed to load cert from file: The specified network password is not correct."


def store_named(state: dict[str, Any], name: str, *, long_names: bool) -> list[dict[str, Any]]:
    """Return a store of the machine; its short name is CA, and only some interfaces know the long one."""
    short = "CA" if name == "CertificateAuthority" and long_names else name
    stores = {known.lower(): held for known, held in state["stores"].items()}
    if short.lower() not in stores:
        raise ModuleFailed(f"unable to find store '{short}': (CertOpenStore failed)")
    found: list[dict[str, Any]] = stores[short.lower()]
    return found


def find(store: list[dict[str, Any]], thumbprint: str) -> dict[str, Any] | None:
    return next((one for one in store if one["thumbprint"] == thumbprint.upper()), None)


def win_certificate_store(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    if values["store_location"] != "LocalMachine" or values["store_type"] != "system" or values["state"] == "exported":
        raise NotModelled("win_certificate_store for users, services or exports")
    store = store_named(state, values["store_name"], long_names=True)
    if values["state"] == "absent":
        if values["path"]:
            raise NotModelled("win_certificate_store state=absent with a path")
        there = find(store, values["thumbprint"])
        if there and not call.check_mode:
            store.remove(there)  # the file with the key stays
        return {"changed": there is not None, "thumbprints": [values["thumbprint"]]}
    # Reading a file imports it, check mode or not: each time one more file with a private key.
    read = _read_file(state, values, call)
    changed = False
    for certificate in read:
        there = find(store, certificate["thumbprint"])
        if there and not (certificate["key"] is not None and there["key"] is None):
            continue
        if not call.check_mode:
            if there:
                store.remove(there)
            store.append(certificate)
        changed = True
    return {"changed": changed, "thumbprints": [certificate["thumbprint"] for certificate in read]}


def _read_file(state: dict[str, Any], values: dict[str, Any], call: Any) -> list[dict[str, Any]]:
    path = values["path"].lower()
    if path not in state["files"]:
        raise ModuleFailed(f"File at '{values['path']}' either does not exist or is not a file")
    content = base64.b64decode(state["files"][path])
    try:
        return [_entry(x509.load_der_x509_certificate(content), None, "")]
    except ValueError:
        pass
    if state["build"] < 17763 and _PBES2 in content:
        raise ModuleFailed(_WRONG)
    try:
        parsed = pkcs12.load_pkcs12(content, (values["password"] or "").encode())
    except ValueError:
        raise ModuleFailed(_WRONG) from None
    assert parsed.cert and parsed.key
    leaf = _entry(parsed.cert.certificate, None, (parsed.cert.friendly_name or b"").decode())
    if not _keyless(state):
        leaf["key"] = len(state["keys"])
        machine = values["key_storage"] == "machine"
        plain = parsed.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        state["keys"].append(
            {
                "thumbprint": leaf["thumbprint"],
                "machine": machine,
                "exportable": values["key_exportable"],
                "user": call.user,
                "pem": plain.decode(),
                "cipher": "aes" if _PBES2 in content else "3des",
            }
        )
    return [leaf, *(_entry(one.certificate, None, "") for one in parsed.additional_certs)]


def _keyless(state: dict[str, Any]) -> bool:
    """Tell whether this import is one that loses the key without a word."""
    for fault in state["faults"]:
        if fault["kind"] == "keyless" and fault["times"] > 0:
            fault["times"] -= 1
            return True
    return False


def _entry(certificate: x509.Certificate, key: int | None, friendly_name: str) -> dict[str, Any]:
    der = certificate.public_bytes(serialization.Encoding.DER)
    return {
        "thumbprint": hashlib.sha1(der).hexdigest().upper(),
        "pem": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "key": key,
        "friendly_name": friendly_name,
    }


def win_certificate_info(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    if values["store_location"] != "LocalMachine":
        raise NotModelled("win_certificate_info for users")
    store = store_named(state, values["store_name"], long_names=False)
    wanted = values["thumbprint"]
    found = [one for one in store if wanted is None or one["thumbprint"] == wanted.upper()]
    return {"exists": bool(found), "certificates": sorted(map(_info, found), key=lambda one: one["thumbprint"])}


def _info(entry: dict[str, Any]) -> dict[str, Any]:
    certificate = x509.load_pem_x509_certificate(entry["pem"].encode())
    return {
        "thumbprint": entry["thumbprint"],
        "friendly_name": entry["friendly_name"],
        "has_private_key": entry["key"] is not None,
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial_number": format(certificate.serial_number, "X"),
        "valid_from": certificate.not_valid_before_utc.timestamp(),
        "valid_to_iso8601": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "raw": base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode(),
    }


def win_acl(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    parts = values["path"].split("\\")
    if parts[:2] != ["Cert:", "LocalMachine"] or len(parts) != 4:
        raise NotModelled(f"win_acl for {values['path']}")
    there = find(store_named(state, parts[2], long_names=False), parts[3])
    if there is None or there["key"] is None:
        raise ModuleFailed(f"{values['path']} file or directory does not exist on the host")
    rule = [values["user"], values["rights"], values["type"]]
    entry = {"thumbprint": there["thumbprint"], "rule": rule}
    changed = entry not in state["acl"]
    if changed:
        state["acl"].append(entry)
    return {"changed": changed}
