# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A year in a second or two: ACM, EventBridge and a fleet as models around the collection's own plan and records.

The model of ACM: certificates of 47 days, renewed when a third of their life is left, and only if they were
exported since the last time; an export may show the old serial for a while. Everything that decides (events,
plan, waves, records) is the collection's own code.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.waves import Host

ACCOUNT = "111122223333"
START = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)
LIFE = datetime.timedelta(days=47)
LEAD = LIFE / 3


def iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class HeldCertificate:
    """What ACM knows of one certificate."""

    arn: str
    number: int
    not_before: datetime.datetime
    serial: int = 1
    exported: int = 0
    shown_late: int = 0

    @property
    def not_after(self) -> datetime.datetime:
        return self.not_before + LIFE

    def described(self) -> Certificate:
        return Certificate(
            arn=self.arn,
            account=ACCOUNT,
            region="eu-west-1",
            domain_name=f"site{self.number}.example.com",
            names=(f"site{self.number}.example.com",),
            status="ISSUED",
            type="AMAZON_ISSUED",
            serial=format(self.serial, "x"),
            not_before=iso(self.not_before),
            not_after=iso(self.not_after),
            created_at="2026-12-01T00:00:00Z",
            export_option="ENABLED",
            key_pair_origin="AWS_MANAGED",
            renewal_eligibility="ELIGIBLE" if self.exported == self.serial else "INELIGIBLE",
        )


class Throttled(Exception):
    """ACM had too many calls in this second."""


@dataclass
class Acm:
    """The service: renews, exports, and counts what it is asked."""

    chance: random.Random
    certificates: dict[str, HeldCertificate]
    throttled_share: float
    calls: dict[str, int] = field(default_factory=dict)
    exports: dict[tuple[str, int], int] = field(default_factory=dict)

    def _count(self, operation: str) -> None:
        self.calls[operation] = self.calls.get(operation, 0) + 1
        if self.chance.random() < self.throttled_share:
            raise Throttled(operation)

    def renew_due(self, now: datetime.datetime) -> list[HeldCertificate]:
        """Renew what is due and was exported since it was last renewed."""
        due = [one for one in self.certificates.values() if one.not_after - now <= LEAD and one.exported == one.serial]
        for one in due:
            one.serial += 1
            one.not_before = now
            one.shown_late = self.chance.randrange(3)
        return due

    def describe(self, arns: list[str]) -> list[Certificate]:
        self._count("DescribeCertificate" if len(arns) == 1 else "SearchCertificates")
        return [self.certificates[arn].described() for arn in arns]

    def export(self, arn: str) -> int | None:
        """Return the exported serial; None while the old one is shown still."""
        self._count("ExportCertificate")
        one = self.certificates[arn]
        if one.shown_late > 0:
            one.shown_late -= 1
            return None
        one.exported = one.serial
        self.exports[arn, one.serial] = self.exports.get((arn, one.serial), 0) + 1
        return one.serial


@dataclass
class Machine:
    """A host: what it serves, by ARN, and until when it is away."""

    host: Host
    served: dict[str, tuple[int, datetime.datetime]] = field(default_factory=dict)
    away_until: datetime.datetime = START

    def is_up(self, now: datetime.datetime) -> bool:
        return now >= self.away_until
