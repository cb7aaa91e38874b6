# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on request: refusals, throttling, errors, lost answers, latency, quotas."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase

QUOTAS = {
    "acm:ExportCertificate": 10.0,
    "acm:DescribeCertificate": 10.0,
    "acm:GetCertificate": 10.0,
    "acm:ListCertificates": 8.0,
    "acm:ListTagsForCertificate": 10.0,
    "acm:SearchCertificates": 5.0,
    "acm:RequestCertificate": 5.0,
    "acm:RenewCertificate": 5.0,
    "acm:ImportCertificate": 1.0,
}
"""ACM's documented requests per second, for one account in one region."""


@dataclass(frozen=True)
class Request:
    """A call, as far as a fault may look at it."""

    action: str
    account: str
    region: str
    resource: str
    caller: str = ""
    external_id: str = ""


@dataclass
class Rule:
    """What to do with the calls it matches; ``times`` None means always."""

    action: str
    account: str | None = None
    region: str | None = None
    resource: str | None = None
    times: int | None = None
    code: str = ""
    message: str = ""
    status: int = 400
    lose_answer: bool = False
    """Carry the call out, then give the error instead of the answer: what a cut connection looks like."""

    def matches(self, request: Request) -> bool:
        return (
            self.times != 0
            and fnmatchcase(request.action.lower(), self.action.lower())
            and self.account in (None, request.account)
            and self.region in (None, request.region)
            and (self.resource is None or fnmatchcase(request.resource, self.resource))
        )


class Faults:
    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.latency: dict[str, float] = {}
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> None:
        with self._lock:
            self.rules.append(rule)

    def clear(self) -> None:
        with self._lock:
            self.rules.clear()
            self.latency.clear()
            self._buckets.clear()

    def take(self, request: Request) -> Rule | None:
        """The first rule that matches; one with ``times`` is used up by it."""
        with self._lock:
            for rule in self.rules:
                if rule.matches(request):
                    if rule.times is not None:
                        rule.times -= 1
                    return rule
        return None

    def over_quota(self, request: Request) -> bool:
        """A token bucket that holds one second's worth. How ACM measures is not documented."""
        rate = QUOTAS.get(request.action)
        if rate is None:
            return False
        place = (request.action, request.account, request.region)
        with self._lock:
            moment = time.monotonic()
            tokens, since = self._buckets.get(place, (rate, moment))
            tokens = min(rate, tokens + (moment - since) * rate)
            allowed = tokens >= 1
            self._buckets[place] = (tokens - 1 if allowed else tokens, moment)
        return not allowed

    def delay(self, request: Request) -> float:
        """Seconds to wait: the longest latency whose pattern fits."""
        with self._lock:
            fitting = [
                milliseconds
                for pattern, milliseconds in self.latency.items()
                if fnmatchcase(request.action.lower(), pattern.lower())
            ]
        return max(fitting, default=0.0) / 1000
