# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: simulated_fault
short_description: Gives a simulated host a fault
description: For tests. Returns nothing.
author: The certops.acm authors (@certops)
"""

from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase
from windows_simulation import state


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Any = None, **fault: Any) -> list[Any]:
        with state.opened(Path(str(terms[0]))) as held:
            if fault["kind"] == "frozen":
                fault["http_sys"] = dict(held["http_sys"])
            if fault["kind"] == "none":
                held["faults"] = []
            else:
                plain = {name: int(value) if name in ("skip", "times") else value for name, value in fault.items()}
                held["faults"].append({name: _plain(value) for name, value in plain.items()})
        return ["set"]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
