# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease on a certificate: one run at a time exports and rolls it out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import dynamodb
from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn, iso_utc
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError

SORT_KEY = "lease"
POLL = 2.0


@dataclass(frozen=True)
class LeaseRequest:
    """Who wants the lease on which certificate, for how long (``ttl``) and how patiently (``wait``), in seconds."""

    certificate_arn: str
    owner: str
    ttl: int = 3600
    wait: int = 0

    def validate(self) -> None:
        """Check every field.

        Raises:
            PlanError, CertificateError: a field is wrong.
        """
        CertificateArn.parse(self.certificate_arn)
        if not self.owner:
            raise PlanError("a lease needs an owner: give a text that is different for each run, such as a job id")
        if self.ttl < 1 or self.wait < 0:
            raise PlanError("a lease needs a ttl of at least 1 second, and a wait of 0 or more seconds")

    @property
    def key(self) -> dict[str, str]:
        """Primary key of the lease."""
        return {"pk": self.certificate_arn, "sk": SORT_KEY}


@dataclass(frozen=True)
class Lease:
    """A lease as it is in the table; ``expires_at`` and ``acquired_at`` are seconds since 1970."""

    certificate_arn: str
    owner: str
    acquired_at: int
    expires_at: int

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Lease:
        """Read an item of the table."""
        return cls(item["pk"], item["owner"], int(item.get("acquired_at", 0)), int(item["expires_at"]))

    def expired(self, now: float) -> bool:
        """Tell whether nobody holds it any more: DynamoDB deletes an expired item only hours later."""
        return self.expires_at < now

    def to_result(self) -> dict[str, Any]:
        """Return the lease as a module returns it."""
        return {
            "certificate_arn": self.certificate_arn,
            "owner": self.owner,
            "acquired_at": _iso(self.acquired_at),
            "expires_at": _iso(self.expires_at),
        }


def acquire(
    client: Any,
    table: str,
    request: LeaseRequest,
    *,
    check_mode: bool = False,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Take the lease, or extend it when this owner holds it already.

    Returns:
        ``acquired``, ``owner``, ``holder`` (None when nobody else holds it), ``expires_at``, ``expires_in`` (seconds).
    """
    deadline = clock() + request.wait
    while True:
        now = clock()
        mine = Lease(request.certificate_arn, request.owner, int(now), int(now) + request.ttl)
        other = _peek(client, table, mine, now) if check_mode else _try(client, table, mine, now)
        if other is None:
            return _outcome(mine, mine, now)
        if check_mode or now >= deadline:
            return _outcome(mine, other, now)
        sleep(min(POLL, max(0.05, deadline - now)))


def _try(client: Any, table: str, mine: Lease, now: float) -> Lease | None:
    """Write the lease unless somebody else holds it; return theirs."""
    item = {"pk": mine.certificate_arn, "sk": SORT_KEY, "owner": mine.owner}
    item |= {"acquired_at": mine.acquired_at, "expires_at": mine.expires_at}  # type: ignore[dict-item]
    blocking = dynamodb.put_item_if(
        client,
        table,
        item,
        {
            "ConditionExpression": "attribute_not_exists(pk) OR #expires_at < :now OR #owner = :owner",
            "ExpressionAttributeNames": {"#expires_at": "expires_at", "#owner": "owner"},
            "ExpressionAttributeValues": dynamodb.encode({":now": int(now), ":owner": mine.owner}),
        },
    )
    if blocking is None:
        return None
    # A botocore from before 2023 does not hand the item over.
    return Lease.from_item(blocking) if blocking else _peek(client, table, mine, now) or _try(client, table, mine, now)


def _peek(client: Any, table: str, mine: Lease, now: float) -> Lease | None:
    item = dynamodb.get_item(client, table, {"pk": mine.certificate_arn, "sk": SORT_KEY})
    held = Lease.from_item(item) if item else None
    return held if held and not held.expired(int(now)) and held.owner != mine.owner else None


def release(client: Any, table: str, request: LeaseRequest, *, check_mode: bool = False) -> bool:
    """Give the lease back; tell whether this owner held it. Another owner's lease is left alone."""
    if check_mode:
        item = dynamodb.get_item(client, table, request.key)
        return bool(item) and item["owner"] == request.owner  # type: ignore[index]
    return dynamodb.delete_item_if(
        client,
        table,
        request.key,
        {
            "ConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": dynamodb.encode({":owner": request.owner}),
        },
    )


def _outcome(mine: Lease, held: Lease, now: float) -> dict[str, Any]:
    return {
        "certificate_arn": mine.certificate_arn,
        "acquired": held is mine,
        "owner": mine.owner,
        "holder": None if held is mine else held.owner,
        "expires_at": _iso(held.expires_at),
        "expires_in": max(0, held.expires_at - int(now)),
    }


def _iso(seconds: int) -> str | None:
    return iso_utc(datetime.fromtimestamp(seconds, tz=timezone.utc))
