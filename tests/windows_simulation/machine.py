# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host itself: runs what was sent, and answers as PowerShell would."""

from __future__ import annotations

import base64
import hashlib
import json
import ntpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windows_simulation import certificates, iis, registry
from windows_simulation import state as states
from windows_simulation.errors import HostAway, ModuleFailed, NotModelled
from windows_simulation.spec import check, read_spec, secret_values
from windows_simulation.wire import Call, MakeDirectory, RemoveDirectory, read

PINS = Path(__file__).with_name("pins.json")
TEMP = r"C:\Users\ansible\AppData\Local\Temp"


def win_ping(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    return {"ping": values["data"]}


Model = Callable[[dict[str, Any], dict[str, Any], Any], dict[str, Any]]
MODELS: dict[str, Model] = {
    "ansible.windows.win_acl": certificates.win_acl,
    "ansible.windows.win_certificate_info": certificates.win_certificate_info,
    "ansible.windows.win_certificate_store": certificates.win_certificate_store,
    "ansible.windows.win_command": iis.win_command,
    "ansible.windows.win_ping": win_ping,
    "ansible.windows.win_reg_stat": registry.win_reg_stat,
    "ansible.windows.win_regedit": registry.win_regedit,
    "microsoft.iis.website": iis.website,
    "microsoft.iis.website_info": iis.website_info,
}


@dataclass(frozen=True)
class Context:
    """What a model is told of the run beside its arguments."""

    version: str
    check_mode: bool
    user: str


class Machine:
    """One simulated host, whose state is in ``path``; its calls are written down beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run(self, command: str, data: bytes | None) -> tuple[int, str]:
        """Return exit code and output.

        Raises:
            HostAway: the host does not answer.
            NotModelled: nothing stands for what was sent.
        """
        asked = read(command, data)
        with states.opened(self._path) as state:
            self._present(state, asked.module if isinstance(asked, Call) else "")
            if isinstance(asked, MakeDirectory):
                if asked.parent != "%TEMP%":
                    raise NotModelled(f"a directory in {asked.parent}")
                return 0, ntpath.join(TEMP, asked.name)
            if isinstance(asked, RemoveDirectory):
                # Core's own path of its directory ends with a dot.
                inside = ntpath.normpath(asked.path.lower()) + "\\"
                for name in [name for name in state["files"] if name.startswith(inside)]:
                    del state["files"][name]
                return 0, ""
            return 0, json.dumps(self._module(state, asked))

    def put(self, content: bytes, path: str) -> None:
        with states.opened(self._path) as state:
            self._present(state, "put")
            self._note({"module": "put", "path": path, "content": base64.b64encode(content).decode()})
            state["files"][path.lower()] = base64.b64encode(content).decode()

    def _present(self, state: dict[str, Any], module: str) -> None:
        """Go away where a fault says so: from a certain call on, for some calls, or for good."""
        for fault in state["faults"]:
            if fault["kind"] != "away" or fault["times"] <= 0:
                continue
            begun = fault.get("begun", False)
            if not begun and module == fault["module"] and fault["skip"] > 0:
                fault["skip"] -= 1
            elif begun or module == fault["module"]:
                fault.update(begun=True, times=fault["times"] - 1)
                raise HostAway("the simulated host is away")

    def _module(self, state: dict[str, Any], call: Call) -> dict[str, Any]:
        if call.module not in MODELS:
            raise NotModelled(f"the module {call.module}")
        context = Context(_pinned(call), call.check_mode, call.user)
        secrets: list[str] = []
        result: dict[str, Any]
        try:
            spec = read_spec(call.source)
            values = check(spec, call.arguments, call.module)
            secrets = secret_values(spec, call.arguments)
            self._path.with_suffix(".secrets").open("a", encoding="utf-8").writelines(f"{one}\n" for one in secrets)
            note = {"module": call.module, "arguments": _masked(call.arguments, secrets), "user": call.user}
            self._note({**note, "check_mode": call.check_mode})
            if call.check_mode and not spec.get("supports_check_mode"):
                return {"changed": False, "skipped": True, "msg": "remote module does not support check mode"}
            _fail_if_asked(state, call.module)
            deaf = _is_deaf(state, call.module)
            result = {"changed": False, **({} if deaf else MODELS[call.module](state, values, context))}
        except ModuleFailed as error:
            result = {"failed": True, "changed": False, "msg": str(error)}
        answer = {**result, "invocation": {"module_args": call.arguments}}
        return dict(_masked(answer, secrets))

    def _note(self, line: dict[str, Any]) -> None:
        with self._path.with_suffix(".calls").open("a", encoding="utf-8") as calls:
            calls.write(json.dumps(line) + "\n")


def _fail_if_asked(state: dict[str, Any], module: str) -> None:
    for fault in state["faults"]:
        if fault["kind"] == "fail" and fault["module"] == module and fault["times"]:
            if fault["skip"]:
                fault["skip"] -= 1
                continue
            fault["times"] -= 1
            raise ModuleFailed(fault["msg"])


def _is_deaf(state: dict[str, Any], module: str) -> bool:
    """Tell whether the module does nothing this time, and reports no error."""
    for fault in state["faults"]:
        if fault["kind"] == "deaf" and fault["module"] == module and fault["times"]:
            fault["times"] -= 1
            return True
    return False


def _masked(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {name: _masked(one, secrets) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, secrets) for one in value]
    return "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" if isinstance(value, str) and value in secrets else value


def _pinned(call: Call) -> str:
    """Return the version of the collection that the script is known to belong to."""
    digest = hashlib.sha256(call.source.encode("utf-8")).hexdigest()
    pins = json.loads(PINS.read_text(encoding="utf-8"))
    for version, pinned in pins[call.module].items():
        if pinned == digest:
            return str(version)
    raise NotModelled(
        f"{call.module} is not one of the versions this simulation was written from (SHA-256 {digest}): read its "
        "source again, change the model where it differs, and pin it in pins.json"
    )
