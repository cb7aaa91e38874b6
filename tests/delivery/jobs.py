# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be delivered, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """An event on its way to one target.

    Attributes:
        since: when the event came; its age counts from here.
        due: when to try next.
        retries: attempts after the first, so far.
    """

    rule_arn: str
    target: Mapping[str, Any]
    event: Mapping[str, Any]
    body: str
    since: float
    due: float
    retries: int = 0


@dataclass(frozen=True)
class Tried:
    """One attempt.

    Attributes:
        target: id of the target in its rule.
        status: of HTTP; 0 for a target that is not reached by it, or when there was no answer in time.
        at: seconds on the clock.
    """

    event_id: str
    target: str
    status: int
    at: float
    delivered: bool


@dataclass(frozen=True)
class DeadLetter:
    """A message of the dead-letter queue: the event, and in ``attributes`` what EventBridge says about it."""

    event: dict[str, Any]
    attributes: dict[str, str]


def backoff(retries: int) -> float:
    """Seconds until the next attempt: doubling, ten minutes at most. AWS says no more than "exponential and jitter"."""
    return float(min(2**retries, 600))
