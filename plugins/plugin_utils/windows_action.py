# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action that runs genuine modules on a Windows host, and shows it files that no disk of the controller held."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.certops.acm.plugins.module_utils import bundle
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError, HostError
from ansible_collections.certops.acm.plugins.plugin_utils.memory_file import memory_file
from ansible_collections.certops.acm.plugins.plugin_utils.pipelined_action import Pipelined

_VERSION = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion"


class WindowsAction(Pipelined):
    """Base of the actions for IIS; a subclass gives ``work``."""

    _variables: dict[str, Any]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._refuse_files()
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._variables = task_vars or {}
        try:
            with self.pipelined():
                return {**result, **self.work(dict(self._task.args))}
        except HostError as error:
            return {**result, "failed": True, "changed": False, "msg": str(error), "step": error.step}
        except AcmError as error:
            return {**result, "failed": True, "changed": False, "msg": str(error), "step": "check bundle"}

    def work(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do it and return the result."""
        raise NotImplementedError

    def module(self, name: str, arguments: dict[str, Any], *, step: str) -> dict[str, Any]:
        """Run a module on the host and return its result.

        Raises:
            HostError: it failed. What it was called with is not repeated.
        """
        result: dict[str, Any] = self._execute_module(
            module_name=name, module_args=arguments, task_vars=self._variables
        )
        if result.get("failed"):
            reason = " ".join(str(result.get("msg") or "no reason was given").split()).rstrip(".")
            raise HostError(f"{step} failed: {reason}", step)
        return result

    def certificate(self, store: str, thumbprint: str) -> dict[str, Any]:
        """Return what the store says of a certificate, nothing if it is not there."""
        # X509Store, which this module opens by name, knows the intermediates' store by its short name only.
        name = "CA" if store == "CertificateAuthority" else store
        arguments = {"store_name": name, "store_location": "LocalMachine", "thumbprint": thumbprint}
        found = self.module("ansible.windows.win_certificate_info", arguments, step="look at the store")
        certificates = found.get("certificates") or []
        return dict(certificates[0]) if certificates else {}

    def build(self) -> int:
        """Return the build number of the host's Windows."""
        arguments = {"path": _VERSION, "name": "CurrentBuildNumber"}
        found = self.module("ansible.windows.win_reg_stat", arguments, step="look at the version of Windows")
        value = str(found.get("value") or "")
        if not value.isdecimal():
            raise HostError("the host does not say which Windows it runs (CurrentBuildNumber)", "look")
        return int(value)

    @contextlib.contextmanager
    def files(self, contents: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
        """Yield the paths of files that are on the host as long as this lasts."""
        directory = self._make_tmp_path()
        try:
            paths = {}
            for name, content in contents.items():
                paths[name] = self._connection._shell.join_path(directory, name)
                with memory_file(content) as source:
                    self._transfer_file(source, paths[name])
            yield paths
        finally:
            # Once the host is gone nothing can be removed; what is left there nobody can open.
            with contextlib.suppress(AnsibleConnectionFailure):
                self._remove_tmp_path(directory)


def opened(arguments: Mapping[str, Any]) -> bundle.Bundle:
    """Return the bundle that the options of a task hold, its key opened in memory.

    Raises:
        AnsibleError: an option is missing.
        BundleError: it does not fit together.
    """
    return bundle.open_bundle(
        text(arguments, "certificate"),
        text(arguments, "chain"),
        text(arguments, "private_key"),
        str(arguments.get("passphrase") or "") or None,
    )


def text(arguments: Mapping[str, Any], name: str) -> str:
    """Return an option that is a text.

    Raises:
        AnsibleError: it is missing.
    """
    value = arguments.get(name)
    if not value:
        raise AnsibleError(f"{name} is missing: give it to the task")
    return str(value)
