# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of cert_deploy: opens the key in memory, checks the bundle, sends one transaction."""

from __future__ import annotations

import base64
import datetime
from dataclasses import asdict
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import bundle
from ansible_collections.certops.acm.plugins.module_utils.errors import BundleError
from ansible_collections.certops.acm.plugins.plugin_utils.pipelined_action import PipelinedAction


class ActionModule(PipelinedAction):
    module = "certops.acm.cert_deploy"
    returns = frozenset(
        [
            "status",
            "step",
            "fingerprint",
            "serial",
            "not_after",
            "names",
            "previous_fingerprint",
            "served_fingerprint",
            "served",
            "actions",
        ]
    )

    def prepare(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Replace the encrypted key by the plain one and drop the passphrase."""
        passphrase, password = (arguments.pop(name, None) for name in ("passphrase", "pkcs12_password"))
        if arguments.get("state", "present") != "present":
            for name in ("certificate", "chain", "private_key"):
                arguments.pop(name, None)
            return arguments
        try:
            sent = _checked(arguments, passphrase, key_needed=not self._task.check_mode)
            return {**sent, "pkcs12": _pkcs12(sent, password)} if _wants_pkcs12(arguments) else sent
        except BundleError as error:
            return {"failed": True, "changed": False, "msg": str(error), "status": "failed", "step": "check bundle"}


def _checked(arguments: dict[str, Any], passphrase: Any, *, key_needed: bool) -> dict[str, Any]:
    certificate, chain = (_text(arguments, name) for name in ("certificate", "chain"))
    key = _text(arguments, "private_key")
    if key or key_needed:
        if not key:
            raise BundleError("private_key is missing: pass the encrypted_private_key that acm_export_cert returned")
        opened = bundle.open_bundle(certificate, chain, key, None if passphrase is None else str(passphrase))
        certificate, chain, key, info = opened.certificate, opened.chain, opened.private_key, opened.info
    else:
        certificate, chain = bundle.check_chain(certificate, chain)
        info = bundle.leaf_info(certificate)
    names = arguments.get("server_names") or []
    names = [names] if isinstance(names, str) else [str(name) for name in names]
    bundle.check_validity(info, datetime.datetime.now(datetime.timezone.utc), server_names=names)
    sent = {**arguments, "certificate": certificate, "chain": chain, "certificate_info": asdict(info)}
    sent.pop("private_key", None)
    return {**sent, "private_key": key} if key else sent


def _wants_pkcs12(arguments: dict[str, Any]) -> bool:
    links = arguments.get("links") or []
    parts = [link.get("part") for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return "pkcs12" in (*(arguments.get("formats") or []), *parts)


def _pkcs12(sent: dict[str, Any], password: Any) -> dict[str, str]:
    """Make the key store here, because Python's standard library on the host cannot."""
    if not password:
        raise BundleError("pkcs12_password is missing: a PKCS#12 file is protected by a password, choose one")
    verifier = bundle.password_verifier(str(password), sent["certificate_info"]["fingerprint"])
    if "private_key" not in sent:
        return {"verifier": verifier}
    made = bundle.make_pkcs12(
        sent["certificate"], sent["chain"], sent["private_key"], password=str(password), name=str(sent.get("name"))
    )
    return {"verifier": verifier, "content": base64.b64encode(made).decode("ascii")}


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if value is not None and not isinstance(value, str):
        raise BundleError(f"{name} is not a text: pass the PEM itself")
    return value or ""
