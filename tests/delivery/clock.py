# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time for deliveries: a day of retries must not take a day."""

from __future__ import annotations

import threading
import time


class Clock:
    """Seconds since it was made.

    Args:
        speed: how many of its seconds pass in a real one. Without a speed time stands still until somebody
            waits, and then jumps: nothing ever takes real time.
    """

    def __init__(self, speed: float | None = None) -> None:
        self._speed = speed
        self._started = time.monotonic()
        self._jumped = 0.0
        self._lock = threading.Lock()

    @property
    def runs(self) -> bool:
        """Whether time passes by itself."""
        return self._speed is not None

    def now(self) -> float:
        if self._speed is None:
            return self._jumped
        return (time.monotonic() - self._started) * self._speed

    def wait_until(self, moment: float) -> None:
        if self._speed is None:
            with self._lock:
                self._jumped = max(self._jumped, moment)
        else:
            time.sleep(max(0.0, (moment - self.now()) / self._speed))
