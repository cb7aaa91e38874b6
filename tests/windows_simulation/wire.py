# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what ansible-core sends to a Windows host: an encoded command, and a manifest on standard input."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from windows_simulation.errors import NotModelled

_ENCODED = re.compile(r"-EncodedCommand\s+(\S+)")
# ansible-core 2.21 quotes a path only where it must.
_REMOVE = re.compile(r"^Remove-Item ('?)(?P<path>[^' ]+)\1 -Force -Recurse;?$", re.MULTILINE)
_END = b"\n\0\0\0\0\n"


@dataclass(frozen=True)
class Call:
    """A module that shall run.

    Attributes:
        module: its full name.
        source: the PowerShell that was sent.
        arguments: without what core adds; ``check_mode`` is of those.
        user: whose token it runs with; empty for the user of the connection.
    """

    module: str
    source: str
    arguments: dict[str, Any] = field(repr=False)
    check_mode: bool
    user: str


@dataclass(frozen=True)
class MakeDirectory:
    parent: str
    name: str


@dataclass(frozen=True)
class RemoveDirectory:
    path: str


def read(command: str, data: bytes | None) -> Call | MakeDirectory | RemoveDirectory:
    """Return what was asked for.

    Raises:
        NotModelled: it is nothing that the simulation knows.
    """
    encoded = _ENCODED.search(command)
    if not encoded:
        raise NotModelled(f"a command that is not encoded: {command[:200]}")
    script = base64.b64decode(encoded[1]).decode("utf-16-le")
    removed = _REMOVE.search(script)
    if removed and not data:
        return RemoveDirectory(removed["path"])
    if data is None or _END not in data or "$codeJson" not in script or "&" not in script:
        raise NotModelled(f"a script that is not core's bootstrap wrapper: {script[:300]}")
    return _manifest(data)


def _manifest(data: bytes) -> Call | MakeDirectory:
    first, _end, second = data.partition(_END)
    if json.loads(first)["name"] != "exec_wrapper":
        raise NotModelled(f"a bootstrap of {json.loads(first)['name']}")
    manifest = json.loads(second)
    actions = manifest["actions"]
    user = ""
    for action in actions[:-1]:
        if action["name"] != "become_wrapper.ps1":
            raise NotModelled(f"the wrapper {action['name']}")
        user = action["params"]["BecomeUser"]
    last = actions[-1]
    if last["name"] == "powershell_mkdtemp.ps1":
        return MakeDirectory(last["params"]["Directory"], last["params"]["Name"])
    if last["name"] != "module_wrapper.ps1":
        raise NotModelled(f"the script {last['name']}")
    return _call(manifest, last["params"], user)


def _call(manifest: dict[str, Any], parameters: dict[str, Any], user: str) -> Call:
    script = manifest["scripts"][parameters["Script"]]
    source = base64.b64decode(script["script"]).decode("utf-8-sig")
    arguments = next(one["Value"] for one in parameters["Variables"] if one["Name"] == "complex_args")
    module = parameters["Script"].removesuffix(".ps1")
    module = re.sub(r"^ansible_collections\.(\w+\.\w+)\.plugins\.modules\.", r"\1.", module)
    own = {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}
    return Call(module, source, own, bool(arguments.get("_ansible_check_mode")), user)
