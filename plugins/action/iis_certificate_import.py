# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a certificate with its key, and its intermediates, in the stores of a Windows machine."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import bundle, pfx
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.iis_binding import thumbprint_of
from ansible_collections.certops.acm.plugins.plugin_utils.windows_action import WindowsAction, opened, text

STORE = "ansible.windows.win_certificate_store"


class ActionModule(WindowsAction):
    def work(self, arguments: dict[str, Any]) -> dict[str, Any]:
        held = opened(arguments)
        bundle.check_validity(held, datetime.datetime.now(datetime.timezone.utc))
        store = str(arguments.get("store_name") or "My")
        thumbprint = thumbprint_of(held.certificate)
        links = [
            link
            for link in pfx.intermediates(held.chain)
            if not self.certificate("CertificateAuthority", thumbprint_of(link))
        ]
        keyless = not self.certificate(store, thumbprint).get("has_private_key")
        keyless = keyless and not arguments.get("only_intermediates")
        imported = [thumbprint_of(link) for link in links] + ([thumbprint] if keyless else [])
        changed = bool(imported)
        if not self._task.check_mode:
            if imported:
                self._import(held, links, arguments if keyless else None, (store, thumbprint))
            changed |= self._let_read(store, thumbprint, arguments.get("key_readers") or [])
        return {
            "changed": changed,
            "thumbprint": thumbprint,
            "fingerprint": held.fingerprint,
            "serial": held.serial,
            "not_after": held.not_after,
            "imported": imported,
        }

    def _let_read(self, store: str, thumbprint: str, pools: Sequence[Any]) -> bool:
        """Let the accounts of application pools read the key."""
        changed = False
        for pool in pools:
            rule = {
                "path": f"Cert:\\LocalMachine\\{store}\\{thumbprint}",
                "user": f"IIS AppPool\\{pool}",
                "rights": "Read",
                "type": "allow",
                "state": "present",
            }
            result = self.module("ansible.windows.win_acl", rule, step="let application pools read the key")
            changed |= bool(result.get("changed"))
        return changed

    def _import(
        self,
        held: bundle.Bundle,
        links: Sequence[bytes],
        arguments: dict[str, Any] | None,
        place: tuple[str, str],
    ) -> None:
        """Import what is missing: the intermediates first, so that nobody ever sees the leaf without them."""
        contents = {f"{thumbprint_of(link)}.cer": link for link in links}
        password = pfx.one_use_password()
        if arguments is not None:
            name = text(arguments, "friendly_name")
            contents["leaf.pfx"] = pfx.make_pfx(held, password=password, name=name, build=self.build())
        with self.files(contents) as paths:
            for name, path in paths.items():
                if name != "leaf.pfx":
                    target = {"path": path, "store_name": "CertificateAuthority", "store_location": "LocalMachine"}
                    self.module(STORE, target, step="import the intermediates")
            if arguments is not None:
                self._import_leaf(paths["leaf.pfx"], password, place, exportable=bool(arguments.get("key_exportable")))

    def _import_leaf(self, path: str, password: str, place: tuple[str, str], *, exportable: bool) -> None:
        store, thumbprint = place
        self.module(
            STORE,
            {
                "path": path,
                "password": password,
                "store_name": store,
                "store_location": "LocalMachine",
                # A key of the user cannot be used by http.sys.
                "key_storage": "machine",
                "key_exportable": exportable,
                "state": "present",
            },
            step="import the certificate",
        )
        # Windows Server 2019 was seen to import a certificate without its key, and to report no error.
        if not self.certificate(store, thumbprint).get("has_private_key"):
            self.module(STORE, {"thumbprint": thumbprint, "store_name": store, "state": "absent"}, step="clean up")
            raise HostError(
                f"Windows took certificate {thumbprint} without its private key and said nothing: nothing was bound. "
                "Run again; if it stays so, look at the event log of the host (CAPI2)",
                "import the certificate",
            )
