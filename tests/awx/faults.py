# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on request: refusals, slow answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass
class Fault:
    """What to do with the requests it matches.

    Attributes:
        path: pattern of the path; ``*`` is any text.
        status: answer this, and carry nothing out; 0 carries the request out.
        delay: seconds before the answer, after the request was carried out.
        times: how many requests; None is all.
    """

    path: str = "*"
    status: int = 0
    delay: float = 0
    times: int | None = None


class Faults:
    """The faults of a stand-in, first match first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def refuse(self, status: int, *, path: str = "*", times: int | None = None) -> None:
        """Answer ``status`` (401, 403, 404, 429, 500, ...) and do nothing."""
        self._add(Fault(path, status=status, times=times))

    def delay(self, seconds: float, *, path: str = "*", times: int | None = None) -> None:
        """Do what is asked, and answer after so many seconds."""
        self._add(Fault(path, delay=seconds, times=times))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, path: str) -> Fault:
        """The fault of this request; an empty one when there is none."""
        with self._lock:
            for fault in self._faults:
                if fault.times != 0 and fnmatchcase(path, fault.path):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return Fault()

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)
