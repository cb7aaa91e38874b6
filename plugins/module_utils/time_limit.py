# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a run may take: an alarm that also interrupts a system call, and ends the run on its ordinary way back."""

from __future__ import annotations

import signal
from typing import Any, NoReturn

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError

# Seconds for all but waiting for a lock or for a server to show a certificate: each test and reload may take up to 60.
WORK_TIMEOUT = 240.0
# The alarm comes again, should the first one have come where Python swallows what is raised.
_AGAIN = 10.0


class Interrupted(HostError):
    """The run was told to stop; whoever handles errors of a step must not take it for one of them."""


class TimeLimit:
    """Interrupts what is done inside a ``with`` block of the main thread.

    Args:
        seconds: until it does; None for never.

    Attributes:
        step: what the run is at, for the message.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._remedy = "find out what hangs there, or raise timeout"
        self._former: Any = None
        self._former_timer = (0.0, 0.0)
        self.step = "preflight"

    def __enter__(self) -> TimeLimit:
        if self._seconds is not None:
            self._former = signal.signal(signal.SIGALRM, self._interrupt)
            self._former_timer = signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._former or signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, *self._former_timer)

    def allow(self, seconds: float) -> None:
        """Let the way back have time of its own, from now on."""
        if self._seconds is not None:
            self._seconds = seconds
            self._remedy = "see what hangs there"
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)

    def _interrupt(self, _number: int, _frame: object) -> NoReturn:
        raise Interrupted(
            f"the run did not end within {self._seconds:g} s and was stopped in the step '{self.step}': {self._remedy}",
            self.step,
        )
