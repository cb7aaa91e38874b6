# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease on a certificate: one run at a time exports and rolls it out. What it is, and when it cannot be right.

The item of a lease is never deleted. Its fence, a number, grows by one each time anybody takes the lease and never
falls: whoever holds the lease shows its fence with each record, so a run that lost the lease can write nothing, even
when its successor has given the lease back. https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn, iso_utc
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.text import shown

SORT_KEY = "lease"
LONGEST = 6 * 3600
TOLERANCE = 300
"""Seconds that two clocks may differ. AWS itself refuses requests whose time is further off."""

GREATEST_FENCE = 10**15
"""Beyond it DynamoDB and JSON would begin to round."""

HELD, TAKEN, LOST, INVALID, RELEASED = "held", "taken", "lost", "invalid", "released"


@dataclass(frozen=True)
class LeaseRequest:
    """Who wants the lease on which certificate, for how long (``ttl``) and how patiently (``wait``), in seconds.

    Attributes:
        fence: of the lease that this owner holds and wants to extend or give back; None takes a free one.
    """

    certificate_arn: str
    owner: str
    ttl: int = 3600
    wait: int = 0
    fence: int | None = None

    def validate(self) -> None:
        """Check every field.

        Raises:
            PlanError, CertificateError: a field is wrong.
        """
        CertificateArn.parse(self.certificate_arn)
        if not self.owner:
            raise PlanError("a lease needs an owner: give a text that is different for each run, such as a job id")
        if not 1 <= self.ttl <= LONGEST or self.wait < 0:
            raise PlanError(
                f"a lease needs a ttl of 1 to {LONGEST} seconds, and a wait of 0 or more seconds: a longer run extends "
                "its lease"
            )
        if self.fence is not None and self.fence < 1:
            raise PlanError(f"{self.fence} is not the fence of a lease: give the one that taking the lease returned")


def key(certificate_arn: str) -> dict[str, str]:
    """Return the primary key of a lease."""
    return {"pk": certificate_arn, "sk": SORT_KEY}


@dataclass(frozen=True)
class HeldLease:
    """What proves that a run holds a lease; the records of the certificate are written with it."""

    certificate_arn: str
    owner: str
    fence: int

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> HeldLease:
        """Read what taking the lease returned; unknown keys are ignored.

        Raises:
            PlanError, CertificateError: it is no lease that is held.
        """
        owner, fence = result.get("owner"), result.get("fence")
        # Where a template was evaluated by ansible-core before 2.19, a number may have become text.
        fence = _fence(int(fence) if isinstance(fence, str) and fence.isdecimal() else fence)
        if not isinstance(owner, str) or not owner or not fence:
            raise PlanError(
                "a lease that is held has certificate_arn, owner and fence: give it as taking the lease returned it"
            )
        return cls(str(CertificateArn.parse(result.get("certificate_arn") or "")), owner, fence)


@dataclass(frozen=True)
class Lease:
    """A lease as it is in the table; whoever may write there may have written anything, which is None here.

    Attributes:
        owner: empty when nobody holds it; None when what is there is no text.
        acquired_at: seconds since 1970, as ``leased_until``.
        request_id: of the request that took it: a second try after a lost answer recognizes its lease by it.
    """

    certificate_arn: str
    fence: int | None = 0
    owner: str | None = ""
    acquired_at: int | None = None
    ttl: int | None = None
    leased_until: int | None = None
    request_id: Any = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Lease:
        """Read an item of the table. Never fails: see ``problem``."""
        owner = item.get("owner", "")
        return cls(
            certificate_arn=item["pk"],
            fence=_fence(item.get("fence", 0)),
            owner=owner if isinstance(owner, str) and (owner or "owner" not in item) else None,
            **{name: _number(item.get(name)) for name in ("acquired_at", "ttl", "leased_until")},
            request_id=item.get("request_id"),
        )

    @property
    def taken(self) -> bool:
        """Tell whether it has an owner; it may have run out."""
        return self.owner != ""

    def expired(self, now: float) -> bool:
        """Tell whether nobody holds it any more: given back, or run out."""
        return not self.taken or (self.leased_until is not None and self.leased_until < int(now))

    def problem(self, now: float) -> str | None:
        """Say why the lease cannot be one that a run holds, and what to do; None when it can."""
        if self.expired(now) and self.fence is not None:
            return None
        parts = (self.fence, self.owner, self.acquired_at, self.ttl, self.leased_until)
        if any(part is None for part in parts):
            return (
                f"the lease on {self.certificate_arn} (owner {shown(self.owner)}) cannot be read: this version of "
                f"certops.acm did not write it. Make sure that no run is at work, then release it: "
                f"{self.release_command}; if it is still there, delete the item with that pk and the sk '{SORT_KEY}'"
            )
        acquired, until, ttl = self.acquired_at or 0, self.leased_until or 0, self.ttl or 0
        if acquired <= now + TOLERANCE and until <= now + min(ttl, LONGEST) + TOLERANCE:
            return None
        # To the minute, so that a problem that is found twice reads the same.
        here = f"{str(moment(now))[:16]}Z"
        return (
            f"the clock of the controller that took the lease on {self.certificate_arn} is wrong, or this one's is: "
            f"{shown(self.owner)} took it at {moment(acquired)} until {moment(until)}, here it is {here}, and "
            f"no lease lasts longer than {LONGEST // 3600} hours. Compare both clocks and set the wrong one, make sure "
            f"that no other run is at work, then release the lease: {self.release_command}"
        )

    @property
    def release_command(self) -> str:
        """What gives it back, whoever holds it."""
        lease = {"certificate_arn": self.certificate_arn, "owner": shown(self.owner or "unknown", 200)}
        options = json.dumps({"state": "absent", "lease": lease})
        # Somebody will paste it into a shell, and whoever may write the table chose the owner.
        return f"ansible localhost -m certops.acm.acm_inventory -a {shlex.quote(options)}"

    def to_result(self) -> dict[str, Any]:
        """Return the lease as a module returns it."""
        return {
            "certificate_arn": self.certificate_arn,
            "owner": self.owner,
            "fence": self.fence,
            "acquired_at": moment(self.acquired_at),
            "expires_at": moment(self.leased_until),
        }


def how_taken(held: Lease, owner: str) -> str:
    """Say who holds a lease, to ``owner`` who wants it."""
    if held.owner == owner:
        return (
            f"{shown(owner)} holds the lease on {held.certificate_arn} already, until {moment(held.leased_until)}: "
            "give its fence to extend it, or an owner that is different for each run"
        )
    return (
        f"the lease on {held.certificate_arn} is held by {shown(held.owner)} until {moment(held.leased_until)}: "
        "another run is at work, run again when it is done; if it was killed, its lease ends at that time"
    )


def how_lost(mine: HeldLease, found: Lease | None, now: float) -> str:
    """Say what became of a lease that ``mine`` no longer is."""
    start = f"the lease on {mine.certificate_arn} is lost ({shown(mine.owner)} had it with fence {mine.fence}): "
    if found is None or found.fence is None or found.fence < mine.fence:
        became = "its item was deleted or written by hand"
    elif found.fence == mine.fence and found.owner == mine.owner:
        became = f"it ran out at {moment(found.leased_until)}, before it was extended"
    elif found.fence == mine.fence:
        became = "somebody released it"
    elif found.expired(now):
        became = f"another run has had it since (fence {found.fence})"
    else:
        became = f"{shown(found.owner)} has it now, until {moment(found.leased_until)} (fence {found.fence})"
    return (
        f"{start}{became}. This run installs and records nothing more for that certificate; run certops.acm.renew when "
        "no other run is at work"
    )


def _fence(value: Any) -> int | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= GREATEST_FENCE else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment(seconds: float | None) -> str | None:
    """Return a time as this collection writes it; None when it is none."""
    try:
        return None if seconds is None else iso_utc(datetime.fromtimestamp(int(seconds), tz=timezone.utc))
    except (ValueError, OverflowError, OSError):
        return None
