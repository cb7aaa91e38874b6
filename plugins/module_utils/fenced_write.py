# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes records under leases: each in one transaction with a check that its certificate's lease is still held.

A run that was suspended, or slower than its lease, may write at any later moment. DynamoDB compares its fence with the
one in the table in the same instant in which it writes, so there is no moment between check and write.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import dynamodb
from ansible_collections.certops.acm.plugins.module_utils import lease as leases
from ansible_collections.certops.acm.plugins.module_utils.errors import LeaseLostError, PlanError, ServiceError
from ansible_collections.certops.acm.plugins.module_utils.lease import HeldLease, Lease

OPERATIONS = 100
TRIES = 8
# What DynamoDB says of a transaction that may succeed a moment later.
_AGAIN = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_NO_LEASE = "ConditionalCheckFailed"

Leases = Mapping[str, HeldLease]


def by_certificate(held: Sequence[HeldLease]) -> dict[str, HeldLease]:
    """Return leases by the ARN of their certificate; of two for one certificate the last."""
    return {lease.certificate_arn: lease for lease in held}


def write(client: Any, table: str, items: Sequence[Mapping[str, Any]], held: Leases) -> None:
    """Write items, each under the lease of its certificate, as many a call as a transaction takes.

    A lease that is lost keeps nothing of other certificates from being written.

    Raises:
        LeaseLostError: some leases are held no more; nothing of their certificates was written.
        PlanError: an item is of a certificate whose lease was not given.
        ServiceError: AWS refused.
    """
    missing = sorted({item["pk"] for item in items} - set(held))
    if missing:
        raise PlanError(f"records are written under leases, but none is given for {', '.join(missing)}: take it first")
    lost: dict[str, str] = {}
    for chunk in _chunks(items):
        lost |= _write_chunk(client, table, [item for item in chunk if item["pk"] not in lost], held)
    if lost:
        raise LeaseLostError("; ".join(lost.values()), list(lost))


def _chunks(items: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Cut items into transactions, with room for a check of each certificate."""
    chunk: list[Mapping[str, Any]] = []
    arns: set[str] = set()
    for item in items:
        if len(chunk) + 1 + len(arns | {item["pk"]}) > OPERATIONS:
            yield chunk
            chunk, arns = [], set()
        chunk.append(item)
        arns.add(item["pk"])
    if chunk:
        yield chunk


def _write_chunk(client: Any, table: str, items: Sequence[Mapping[str, Any]], held: Leases) -> dict[str, str]:
    """Write what is still leased; return for each certificate whose lease is lost what became of it."""
    lost: dict[str, str] = {}
    while items:
        arns = list(dict.fromkeys(item["pk"] for item in items))
        checks = [_check(table, held[arn]) for arn in arns]
        puts = [{"Put": {"TableName": table, "Item": dynamodb.encode(item)}} for item in items]
        refused = _transact(client, table, [*checks, *puts])
        gone = {arn: reason.item for arn, reason in zip(arns, refused) if reason.code == _NO_LEASE}
        if not gone:
            break
        now = time.time()
        lost |= {
            arn: leases.how_lost(held[arn], Lease.from_item(item) if item else None, now) for arn, item in gone.items()
        }
        items = [item for item in items if item["pk"] not in lost]
    return lost


def _check(table: str, lease: HeldLease) -> dict[str, Any]:
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": dynamodb.encode(leases.key(lease.certificate_arn)),
            "ConditionExpression": "#owner = :owner AND #fence = :fence",
            "ExpressionAttributeNames": {"#owner": "owner", "#fence": "fence"},
            "ExpressionAttributeValues": dynamodb.encode({":owner": lease.owner, ":fence": lease.fence}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _transact(
    client: Any,
    table: str,
    operations: Sequence[Mapping[str, Any]],
    sleep: Callable[[float], None] | None = None,
) -> list[dynamodb.Refused]:
    """Do a transaction, or return why a condition in it kept it from being done. The SDK repeats none by itself."""
    for attempt in range(TRIES):
        refused = dynamodb.transact_write(client, table, operations)
        codes = {reason.code for reason in refused} - {"None"}
        if not refused or _NO_LEASE in codes:
            return refused
        if not codes or not codes <= _AGAIN:
            break
        (sleep or time.sleep)(min(5, 0.1 * 2**attempt))
    said = next((reason for reason in refused if reason.code != "None"), refused[0])
    raise ServiceError(
        f"DynamoDB did not write {len(operations)} records to table {table}: {said.message} ({said.code}): run again, "
        "records already written stay as they are",
        operation="dynamodb:PutItem",
        code=said.code,
    )
