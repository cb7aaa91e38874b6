# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of cert_deploy: opens the key in memory, checks the bundle, sends one transaction."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import bundle
from ansible_collections.certops.acm.plugins.module_utils.errors import BundleError
from ansible_collections.certops.acm.plugins.plugin_utils.pipelined_action import PipelinedAction


class ActionModule(PipelinedAction):
    module = "certops.acm.cert_deploy"

    def prepare(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Replace the encrypted key by the plain one and drop the passphrase."""
        passphrase = arguments.pop("passphrase", None)
        if arguments.get("state", "present") != "present":
            for name in ("certificate", "chain", "private_key"):
                arguments.pop(name, None)
            return arguments
        try:
            return _checked(arguments, passphrase, key_needed=not self._task.check_mode)
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


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if value is not None and not isinstance(value, str):
        raise BundleError(f"{name} is not a text: pass the PEM itself")
    return value or ""
