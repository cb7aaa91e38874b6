# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts and remembers every AWS call, and whatever came of it. Bodies are never kept."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    action: str
    account: str
    region: str
    resource: str
    status: int
    error: str | None
    milliseconds: float
    at: float


class CallLog:
    """In the order in which the calls were answered; refused and throttled ones count too."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(sorted(Counter(call.action for call in self._calls).items()))

    def calls(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(call) for call in self._calls]

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
