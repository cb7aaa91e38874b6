# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leaf, chain and private key, checked to belong together. Runs on the controller, in memory only."""

from __future__ import annotations

import datetime
import fnmatch
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.certops.acm.plugins.module_utils.errors import BundleError
from ansible_collections.certops.acm.plugins.module_utils.text import shown

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

# As servers write them in their configuration: nothing else can be part of a name, and so nothing can end it.
_DNS_NAME = re.compile(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")
_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class LeafInfo:
    """What can be read from a leaf alone.

    Attributes:
        fingerprint: SHA-256 of the leaf, lowercase hex.
        serial: lowercase hex without leading zeros.
        names: DNS names and IP addresses of the leaf, in its order.
        not_before, not_after: ISO 8601 in UTC.
        key_algorithm: ACM's name for it, such as ``RSA_2048`` or ``EC_prime256v1``.
    """

    fingerprint: str
    serial: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    key_algorithm: str


@dataclass(frozen=True)
class Bundle:
    """A leaf with its chain and its plain private key (PEM), and what the leaf says."""

    certificate: str
    chain: str
    private_key: str = field(repr=False)
    fingerprint: str
    serial: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    key_algorithm: str
    issuer: str

    @property
    def info(self) -> LeafInfo:
        return LeafInfo(
            self.fingerprint, self.serial, self.names, self.not_before, self.not_after, self.key_algorithm
        )  # fmt: skip


def leaf_info(certificate: str) -> LeafInfo:
    """Return what the leaf in ``certificate`` (PEM, exactly one certificate) says."""
    return _info(_load_leaf(certificate))


def der(certificate: str) -> bytes:
    """Return the one certificate in ``certificate`` (PEM) as DER."""
    return _load_leaf(certificate).public_bytes(serialization.Encoding.DER)


def check_chain(certificate: str, chain: str) -> tuple[str, str]:
    """Check that ``chain`` signs the leaf, in order; return both again as clean PEM."""
    leaf = _load_leaf(certificate)
    links = _load_chain(chain, leaf)
    return _pem(leaf), "".join(_pem(link) for link in links)


def open_bundle(certificate: str, chain: str, encrypted_private_key: str, passphrase: str | None) -> Bundle:
    """Open the key and check that leaf, chain and key belong together.

    Args:
        certificate: the leaf, PEM.
        chain: the intermediates, and perhaps the root, PEM, without the leaf, each signing the one before it.
        encrypted_private_key: PEM; PKCS#8 as ACM exports it, or a plain key.
        passphrase: opens the key; not looked at when the key is plain.

    Raises:
        BundleError: one sentence that says which part is wrong; it never holds a part of the key.
    """
    leaf = _load_leaf(certificate)
    links = _load_chain(chain, leaf)
    key = _load_key(encrypted_private_key, passphrase)
    if not hmac.compare_digest(_public_bytes(key.public_key()), _public_bytes(leaf.public_key())):
        raise BundleError(
            "the private key does not belong to the certificate: leaf and key come from different exports, "
            "export the certificate again and use all three parts of that one export"
        )
    info = _info(leaf)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Bundle(
        certificate=_pem(leaf),
        chain="".join(_pem(link) for link in links),
        private_key=plain.decode("ascii"),
        issuer=leaf.issuer.rfc4514_string(),
        fingerprint=info.fingerprint,
        serial=info.serial,
        names=info.names,
        not_before=info.not_before,
        not_after=info.not_after,
        key_algorithm=info.key_algorithm,
    )


def make_pkcs12(certificate: str, chain: str, private_key: str, *, password: str, name: str) -> bytes:
    """Return a PKCS#12 file with leaf, chain and key, as Java (8u301 and later) and OpenSSL 3 read it.

    Args:
        private_key: plain, PEM, as ``open_bundle`` returned it.
        name: the friendly name (Java: alias) of the entry.
    """
    key = _load_key(private_key, None)
    return pkcs12.serialize_key_and_certificates(
        name.encode("utf-8"),
        key,
        _load_leaf(certificate),
        _load_certificates(chain, "chain"),
        serialization.BestAvailableEncryption(password.encode("utf-8")),
    )


def password_verifier(password: str, fingerprint: str) -> str:
    """Return what tells two passwords apart without telling either; the fingerprint is the salt."""
    return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), bytes.fromhex(fingerprint), 100_000).hex()


def check_validity(
    info: LeafInfo | Bundle, now: datetime.datetime, *, server_names: Sequence[str] = (), min_remaining: float = 0
) -> None:
    """Raise BundleError unless the leaf is valid at ``now`` and covers ``server_names``.

    Args:
        info: of the leaf.
        now: an aware time.
        server_names: each must be covered; a wildcard of the certificate stands for one label.
        min_remaining: seconds of validity that must remain.
    """
    names = ", ".join(info.names)
    if now < _time(info.not_before):
        raise BundleError(
            f"the certificate for {names} is not valid before {info.not_before}, and the controller's clock says "
            f"{_iso(now)}: check the clock of the controller"
        )
    if now >= _time(info.not_after):
        raise BundleError(
            f"the certificate for {names} expired at {info.not_after} (valid since {info.not_before}): "
            "renew it in ACM, then export it again"
        )
    if (_time(info.not_after) - now).total_seconds() < min_remaining:
        raise BundleError(
            f"the certificate for {names} is valid until {info.not_after} only, less than the "
            f"{min_remaining / 86400:g} days that must remain: renew it in ACM, then export it again"
        )
    missing = [wanted for wanted in server_names if not any(covers(name, wanted) for name in info.names)]
    if missing:
        raise BundleError(
            f"the certificate does not cover {', '.join(missing)}; its names are {names}: "
            "correct server_names or choose a certificate that has them"
        )


def covers(name: str, wanted: str) -> bool:
    """Tell whether a name of a certificate, perhaps a wildcard, covers the name of a server."""
    name, wanted = _ascii_name(name), _ascii_name(wanted)
    if name == wanted:
        return True
    # RFC 6125: the wildcard is the whole leftmost label and stands for exactly one.
    first, _dot, rest = wanted.partition(".")
    return first != "" and name == f"*.{rest}"


def _ascii_name(name: str) -> str:
    name = name.rstrip(".").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _require_cryptography() -> None:
    if not HAS_CRYPTOGRAPHY:
        raise BundleError(
            "the Python library cryptography is missing where ansible-playbook runs: pip install cryptography"
        )


def _load_certificates(text: str, what: str) -> list[x509.Certificate]:
    _require_cryptography()
    kinds = [match.group(1) for match in _PEM_BLOCK.finditer(text)]
    if any(fnmatch.fnmatch(kind, "*PRIVATE KEY") for kind in kinds):
        raise BundleError(f"the {what} holds a private key: pass the key as private_key only")
    try:
        return x509.load_pem_x509_certificates(text.encode("utf-8"))
    except ValueError:
        raise BundleError(
            f"the {what} is not readable as PEM: pass it as ACM exported it, with its BEGIN and END lines"
        ) from None


def _load_leaf(text: str) -> x509.Certificate:
    if not text.strip():
        raise BundleError("the certificate is empty: pass the leaf as ACM exported it")
    found = _load_certificates(text, "certificate")
    if len(found) != 1:
        raise BundleError(
            f"the certificate holds {len(found)} certificates instead of one: pass the leaf alone, the rest as chain"
        )
    return found[0]


def _load_chain(text: str, leaf: x509.Certificate) -> list[x509.Certificate]:
    if not text or not text.strip():
        raise BundleError(
            "the chain is missing: without it most clients refuse the certificate; pass the CertificateChain "
            "that ACM's export returned"
        )
    links = _load_certificates(text, "chain")
    if leaf in links:
        raise BundleError("the chain holds the leaf itself: pass the chain without the leaf, as ACM exported it")
    for position, (child, parent) in enumerate(zip([leaf, *links], links)):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise BundleError(_chain_complaint(position, child, parent, links)) from None
    return links


def _chain_complaint(
    position: int, child: x509.Certificate, parent: x509.Certificate, links: list[x509.Certificate]
) -> str:
    who = "the leaf" if position == 0 else f"number {position} of the chain"
    if any(link is not parent and link.subject == child.issuer for link in links):
        return f"the chain is in the wrong order: what signs {who} does not follow it; pass it as ACM exported it"
    return (
        f"the chain does not sign the certificate: {who} was issued by {child.issuer.rfc4514_string()}, "
        f"but number {position + 1} of the chain is {parent.subject.rfc4514_string()}; leaf and chain must come "
        "from the same export"
    )


def _load_key(text: str, passphrase: str | None) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    blocks = [match.group(1) for match in _PEM_BLOCK.finditer(text or "")]
    if len(blocks) != 1 or not blocks[0].endswith("PRIVATE KEY"):
        raise BundleError(
            "the private key is not readable: pass exactly one PEM private key, with its BEGIN and END lines"
        )
    encrypted = "ENCRYPTED" in blocks[0] or "ENCRYPTED" in text.split("\n\n", 1)[0]
    if encrypted and not passphrase:
        raise BundleError("the private key is encrypted and no passphrase was given: pass the passphrase of its export")
    password = passphrase.encode("utf-8") if encrypted and passphrase else None
    key: PrivateKeyTypes
    try:
        key = serialization.load_pem_private_key(text.encode("utf-8"), password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own text is dropped on purpose: it may quote what it could not read.
        raise BundleError(
            "the passphrase does not open the private key: use the passphrase of this very export (there is one "
            "for each serial), or export the certificate again"
            if encrypted
            else "the private key is not readable: its PEM is damaged or of an unknown kind"
        ) from None
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        return key
    raise BundleError("the private key is neither RSA nor EC, which no certificate exported by ACM has")


def _public_bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _info(leaf: x509.Certificate) -> LeafInfo:
    return LeafInfo(
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
        serial=format(leaf.serial_number, "x"),
        names=_names(leaf),
        not_before=_iso(_aware(leaf, "not_valid_before")),
        not_after=_iso(_aware(leaf, "not_valid_after")),
        key_algorithm=_key_algorithm(leaf.public_key()),
    )


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = [str(one.value) for one in leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
        return tuple(name for name in common if _DNS_NAME.fullmatch(name))
    found = [str(item.value) for item in alternative if isinstance(item, (x509.DNSName, x509.IPAddress))]
    for item in alternative:
        if isinstance(item, x509.DNSName) and not _DNS_NAME.fullmatch(item.value):
            raise BundleError(
                f"the certificate holds the name '{shown(item.value)}', which is not a DNS name: "
                "names end up in the configuration of servers, so request one without it"
            )
    return tuple(dict.fromkeys(found))


def _key_algorithm(key: PublicKeyTypes) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC_" + {"secp256r1": "prime256v1"}.get(key.curve.name, key.curve.name)
    raise BundleError("the key of the certificate is neither RSA nor EC, which no certificate exported by ACM has")


def _aware(leaf: x509.Certificate, attribute: str) -> datetime.datetime:
    # The aware attributes came with cryptography 42; the naive ones are deprecated since.
    found = getattr(leaf, attribute + "_utc", None)
    result: datetime.datetime = found or getattr(leaf, attribute).replace(tzinfo=datetime.timezone.utc)
    return result


def _iso(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
