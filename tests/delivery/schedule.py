# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try what: by due time, and never faster than a destination's rate."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import replace

from .jobs import Job

TOGETHER = 1.0
"""Attempts that are due within this many seconds run at the same time."""


class Schedule:
    """Args: ``pause`` tells the seconds between two calls of a target, by its ARN."""

    def __init__(self, pause: Callable[[str], float]) -> None:
        self._pause = pause
        self._jobs: list[tuple[float, int, Job]] = []
        self._numbers = itertools.count()
        self._free: dict[str, float] = {}

    def push(self, job: Job) -> None:
        heapq.heappush(self._jobs, (job.due, next(self._numbers), job))

    def due(self, end: float) -> list[Job]:
        """Take out the next attempts that run at the same time; none when none is due before ``end``."""
        batch: list[Job] = []
        # A job that its destination's rate puts off comes again, later each time.
        while not batch and self._jobs and self._jobs[0][0] <= end:
            last = min(end, self._jobs[0][0] + TOGETHER)
            while self._jobs and self._jobs[0][0] <= last:
                batch += self._in_turn(heapq.heappop(self._jobs)[2])
        return batch

    def _in_turn(self, job: Job) -> list[Job]:
        arn = job.target["Arn"]
        free = self._free.get(arn, 0.0)
        if job.due < free:
            self.push(replace(job, due=free))
            return []
        self._free[arn] = job.due + self._pause(arn)
        return [job]
