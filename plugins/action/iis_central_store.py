# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts a certificate in the directory of IIS's Central Certificate Store, one PFX for each of its names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.certops.acm.plugins.module_utils import pfx
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.plugin_utils.windows_action import WindowsAction, opened, text

_CMD = r"C:\Windows\System32\cmd.exe"
# What cmd.exe would read as more than a path.
_UNSAFE = re.compile(r"[\"&|<>^%!()\n]")


class ActionModule(WindowsAction):
    def work(self, arguments: dict[str, Any]) -> dict[str, Any]:
        directory = text(arguments, "path").rstrip("\\")
        names = [str(name) for name in arguments.get("names") or []]
        targets = [f"{directory}\\{name.replace('*', '_')}.pfx" for name in names]
        if not targets or any(_UNSAFE.search(target) for target in targets):
            raise AnsibleError("names is empty, or path or names hold a character that cmd.exe takes for its own")
        if self._task.check_mode:
            return {"changed": True, "files": targets}
        if arguments.get("state", "present") == "previous":
            for target in targets:
                self._back(target)
            return {"changed": True, "files": targets}
        held = opened(arguments)
        made = pfx.make_pfx(
            held,
            password=text(arguments, "password"),
            name=text(arguments, "friendly_name"),
            build=self.build(),
        )
        with self.files({"leaf.pfx": made}) as paths:
            self._write(paths["leaf.pfx"], targets)
        return {"changed": True, "files": targets}

    def _write(self, source: str, targets: Sequence[str]) -> None:
        """Write all beside their places first, then rename one after the other: IIS never reads half a file."""
        for target in targets:
            self._cmd("copy", "/y", "/b", source, f"{target}.new")
            self._cmd("if", "exist", target, "copy", "/y", "/b", target, f"{target}.previous")
        renamed: list[str] = []
        try:
            for target in targets:
                self._cmd("move", "/y", f"{target}.new", target)
                renamed.append(target)
        except HostError:
            for target in renamed:
                self._back(target)
            raise

    def _back(self, target: str) -> None:
        """Let the file and the one before change places; where there was none, there is none again."""
        found = self._cmd("if", "exist", f"{target}.previous", "echo", "there")
        if "there" in str(found.get("stdout")):
            self._cmd("copy", "/y", "/b", target, f"{target}.new")
            self._cmd("move", "/y", f"{target}.previous", target)
            self._cmd("move", "/y", f"{target}.new", f"{target}.previous")
        else:
            self._cmd("if", "exist", target, "del", "/q", target)

    def _cmd(self, *words: str) -> dict[str, Any]:
        return self.module(
            "ansible.windows.win_command", {"argv": [_CMD, "/c", *words]}, step="write to the Central Certificate Store"
        )
