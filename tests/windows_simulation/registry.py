# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models of win_regedit and win_reg_stat, for texts."""

from __future__ import annotations

from typing import Any

from windows_simulation.errors import ModuleFailed, NotModelled


def win_reg_stat(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    _check(values)
    key = state["registry"].get(values["path"].lower())
    if values["name"] is None:
        raise NotModelled("win_reg_stat without a name")
    if key is None or values["name"].lower() not in key:
        return {"exists": False}
    text = key[values["name"].lower()]
    return {"exists": True, "type": "REG_SZ", "value": text, "raw_value": text}


def win_regedit(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    _check(values)
    if values["hive"] or values["type"] != "string" or not values["name"]:
        raise NotModelled("win_regedit for anything but a named text")
    if not call.user:
        raise ModuleFailed("failed to create registry key: Access is denied")
    path, name = values["path"].lower(), values["name"].lower()
    key = state["registry"].get(path, {})
    if values["state"] == "absent":
        changed = name in key
        if not call.check_mode:
            key.pop(name, None)
        return {"changed": changed}
    if not isinstance(values["data"], str):
        raise ModuleFailed(f"cannot write {type(values['data']).__name__} as a string")
    changed = key.get(name) != values["data"]
    if changed and not call.check_mode:
        state["registry"].setdefault(path, {})[name] = values["data"]
    return {"changed": changed}


def _check(values: dict[str, Any]) -> None:
    if not values["path"].upper().startswith("HKLM:\\"):
        raise ModuleFailed(
            f"path: {values['path']} is not a valid registry path, see module documentation for examples."
        )
