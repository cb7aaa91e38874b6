# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: simulated_windows
short_description: Talks to a Windows host that does not exist
description:
  - For tests. Takes what ansible-core sends to PowerShell, and hands it to a model.
author: The certops.acm authors (@certops)
options:
  state:
    description: File with the state of the host.
    vars:
      - name: simulated_windows_state
    type: path
    required: true
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display
from windows_simulation.errors import HostAway
from windows_simulation.machine import Machine

display = Display()


class Connection(ConnectionBase):
    transport = "simulated_windows"
    module_implementation_preferences = (".ps1", ".exe", "")
    allow_executable = False
    has_pipelining = True
    allow_extras = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # As psrp and winrm do.
        self.always_pipeline_modules = True
        self.has_native_async = True
        self._shell_type = "powershell"
        super().__init__(*arguments, **options)

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def _machine(self) -> Machine:
        return Machine(Path(self.get_option("state")))

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        # What real connections print, and no more.
        display.vvv("EXEC (via a simulated PowerShell)")
        display.vvvvv(f"SIMULATED EXEC {cmd}")
        try:
            code, output = self._machine().run(cmd, in_data)
        except HostAway as error:
            raise AnsibleConnectionFailure(str(error)) from None
        return code, output.encode(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        display.vvv(f"PUT {in_path} TO {out_path}")
        try:
            self._machine().put(Path(in_path).read_bytes(), out_path.strip('"'))
        except HostAway as error:
            raise AnsibleConnectionFailure(str(error)) from None

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError("the simulation fetches nothing")

    def close(self) -> None:
        self._connected = False

    def reset(self) -> None:
        self._connected = False
