# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes, extends and gives back the lease on a certificate: one conditional UpdateItem each."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import dynamodb, text
from ansible_collections.certops.acm.plugins.module_utils import lease as leases
from ansible_collections.certops.acm.plugins.module_utils.lease import HeldLease, Lease, LeaseRequest

POLL = 2.0

# ttl and owner are words that DynamoDB reserves.
_NAMES = {"#owner": "owner", "#fence": "fence", "#until": "leased_until", "#ttl": "ttl"}
_TAKE = (
    "SET #fence = if_not_exists(#fence, :zero) + :one, #owner = :owner, #since = :now, #ttl = :ttl, #until = :until, "
    "#request = :request"
)
# Not "or it is mine": that is how a run would take again what it has lost.
_IS_FREE = (
    "(attribute_not_exists(#owner) OR (attribute_type(#until, :number) AND #until < :now)) "
    "AND (attribute_not_exists(#fence) OR (attribute_type(#fence, :number) AND #fence BETWEEN :zero AND :most))"
)
_IS_MINE = "#owner = :owner AND #fence = :fence"
# An owner that is no text cannot be named by whoever has to release the lease.
_IS_NAMED = "#owner = :owner OR #owner = :empty OR (attribute_exists(#owner) AND NOT attribute_type(#owner, :text))"


@dataclass(frozen=True)
class Outcome:
    """What became of a request for a lease.

    Attributes:
        state: one of ``lease.HELD``, ``TAKEN``, ``LOST``, ``INVALID`` and ``RELEASED``.
        lease: as it is in the table then; None when there is none.
        msg: why it is not held, with the remedy.
    """

    request: LeaseRequest
    state: str
    lease: Lease | None
    now: float
    msg: str | None = None

    @property
    def held(self) -> HeldLease | None:
        """The lease, if this request has it."""
        if self.state != leases.HELD or self.lease is None:
            return None
        return HeldLease(self.request.certificate_arn, self.request.owner, self.lease.fence or 0)

    def to_result(self) -> dict[str, Any]:
        """Return it as a module returns it."""
        shown = self.lease if self.lease and not self.lease.expired(self.now) else None
        until = shown.leased_until if shown else None
        return {
            "certificate_arn": self.request.certificate_arn,
            "acquired": self.state == leases.HELD,
            "state": self.state,
            "owner": self.request.owner,
            "fence": self.held.fence if self.held else None,
            "holder": text.shown(shown.owner, 200) if shown and self.state != leases.HELD else None,
            "expires_at": leases.moment(until),
            "expires_in": max(0, until - int(self.now)) if until else 0,
        }


def hold(
    client: Any,
    table: str,
    request: LeaseRequest,
    *,
    check_mode: bool = False,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Extend the lease whose fence is given; without one take it, and wait for it as long as was asked.

    A lease that no run can hold (``Lease.problem``) is not waited for.
    """
    if request.fence is not None:
        return _extend(client, table, request, clock(), check_mode=check_mode)
    request_id = uuid.uuid4().hex
    deadline = clock() + request.wait
    while True:
        now = clock()
        mine = Lease(
            request.certificate_arn, 1, request.owner, int(now), request.ttl, int(now) + request.ttl, request_id
        )
        found = _would_take(client, table, mine, now) if check_mode else _take(client, table, mine, now)
        if found.request_id == request_id and found.fence:
            return Outcome(request, leases.HELD, found, now)
        problem = found.problem(now)
        if problem:
            return Outcome(request, leases.INVALID, found, now, problem)
        if check_mode or now >= deadline:
            return Outcome(request, leases.TAKEN, found, now, leases.how_taken(found, request.owner))
        sleep(min(POLL, max(0.05, deadline - now)))


def _take(client: Any, table: str, mine: Lease, now: float) -> Lease:
    """Take the lease if it is free; return it as it is then, mine or another's."""
    values: dict[str, Any] = {":zero": 0, ":one": 1, ":most": leases.GREATEST_FENCE, ":number": "N"}
    values |= {
        ":owner": mine.owner,
        ":now": int(now),
        ":ttl": mine.ttl,
        ":until": mine.leased_until,
        ":request": mine.request_id,
    }
    written, item = dynamodb.update_item_if(
        client,
        table,
        leases.key(mine.certificate_arn),
        {
            "UpdateExpression": _TAKE,
            "ConditionExpression": _IS_FREE,
            "ExpressionAttributeNames": {**_NAMES, "#since": "acquired_at", "#request": "request_id"},
            "ExpressionAttributeValues": dynamodb.encode(values),
        },
    )
    # A botocore from before 2023 does not hand the item over.
    if not written and not item:
        return _read(client, table, mine.certificate_arn) or Lease(mine.certificate_arn)
    return Lease.from_item(item)


def _would_take(client: Any, table: str, mine: Lease, now: float) -> Lease:
    """Return the lease as ``_take`` would leave it."""
    found = _read(client, table, mine.certificate_arn) or Lease(mine.certificate_arn)
    if not found.expired(now) or found.fence is None:
        return found
    return Lease(**{**vars(mine), "fence": found.fence + 1})


def _read(client: Any, table: str, certificate_arn: str) -> Lease | None:
    item = dynamodb.get_item(client, table, leases.key(certificate_arn))
    return Lease.from_item(item) if item else None


def _extend(client: Any, table: str, request: LeaseRequest, now: float, *, check_mode: bool) -> Outcome:
    mine = HeldLease(request.certificate_arn, request.owner, request.fence or 0)
    if check_mode:
        return _would_extend(client, table, request, now)
    written, item = dynamodb.update_item_if(
        client,
        table,
        leases.key(request.certificate_arn),
        {
            "UpdateExpression": "SET #until = :until, #ttl = :ttl",
            "ConditionExpression": f"{_IS_MINE} AND attribute_type(#until, :number) AND #until >= :now",
            "ExpressionAttributeNames": _NAMES,
            "ExpressionAttributeValues": dynamodb.encode(
                {
                    ":owner": mine.owner,
                    ":fence": mine.fence,
                    ":now": int(now),
                    ":number": "N",
                    ":ttl": request.ttl,
                    ":until": int(now) + request.ttl,
                }
            ),
        },
    )
    found = Lease.from_item(item) if item else _read(client, table, request.certificate_arn)
    if written:
        return Outcome(request, leases.HELD, found, now)
    return Outcome(request, leases.LOST, found, now, leases.how_lost(mine, found, now))


def _would_extend(client: Any, table: str, request: LeaseRequest, now: float) -> Outcome:
    """In check mode nobody took the lease before: it is held unless somebody else has it."""
    found = _read(client, table, request.certificate_arn) or Lease(request.certificate_arn)
    if found.expired(now) or found.owner == request.owner:
        lease = Lease(
            request.certificate_arn, request.fence, request.owner, int(now), request.ttl, int(now) + request.ttl
        )
        return Outcome(request, leases.HELD, lease, now)
    mine = HeldLease(request.certificate_arn, request.owner, request.fence or 0)
    return Outcome(request, leases.LOST, found, now, leases.how_lost(mine, found, now))


def release(
    client: Any,
    table: str,
    request: LeaseRequest,
    *,
    check_mode: bool = False,
    clock: Callable[[], float] = time.time,
) -> tuple[bool, Outcome]:
    """Give the lease back; tell whether this owner held it, with this fence if one is given. Its fence stays."""
    outcome = Outcome(request, leases.RELEASED, None, clock())
    if check_mode:
        found = _read(client, table, request.certificate_arn)
        mine = found is not None and found.taken and found.owner in (request.owner, None)
        return mine and request.fence in (None, found.fence if found else None), outcome
    names = {name: _NAMES[name] for name in ("#owner", "#until", "#ttl")}
    values: dict[str, Any] = {":owner": request.owner}
    if request.fence is None:
        condition = _IS_NAMED
        values |= {":empty": "", ":text": "S"}
    else:
        condition = _IS_MINE
        names["#fence"] = "fence"
        values[":fence"] = request.fence
    written, _item = dynamodb.update_item_if(
        client,
        table,
        leases.key(request.certificate_arn),
        {
            "UpdateExpression": "REMOVE #owner, #until, #ttl, #since, #request",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {**names, "#since": "acquired_at", "#request": "request_id"},
            "ExpressionAttributeValues": dynamodb.encode(values),
        },
    )
    return written, outcome
