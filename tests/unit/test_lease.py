# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lease is and is not, and how records are written under leases."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.certops.acm.plugins.module_utils import fenced_write
from ansible_collections.certops.acm.plugins.module_utils.errors import LeaseLostError, PlanError, ServiceError
from ansible_collections.certops.acm.plugins.module_utils.lease import (
    LONGEST,
    TOLERANCE,
    HeldLease,
    Lease,
    LeaseRequest,
    how_lost,
    how_taken,
)

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
OTHER = ARN[:-2] + "99"
NOW = 1_790_000_000
MINE = HeldLease(ARN, "run-1", 3)


def lease(**fields: Any) -> Lease:
    good = {"pk": ARN, "sk": "lease", "owner": "run-1", "fence": 3, "acquired_at": NOW, "ttl": 600}
    return Lease.from_item({**good, "leased_until": NOW + 600, **fields})


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, None),
        ({"acquired_at": NOW + TOLERANCE, "leased_until": NOW + TOLERANCE + 600}, None),
        ({"acquired_at": NOW + TOLERANCE + 1}, "Compare both clocks"),
        ({"leased_until": NOW + 600 + TOLERANCE}, None),
        ({"leased_until": NOW + 600 + TOLERANCE + 1}, "Compare both clocks"),
        ({"ttl": LONGEST, "leased_until": NOW + LONGEST}, None),
        ({"ttl": LONGEST + 3600, "leased_until": NOW + LONGEST + 3600}, "Compare both clocks"),
        # Extended for hours.
        ({"acquired_at": NOW - 10 * LONGEST}, None),
        # Whatever it was, it has ended.
        ({"leased_until": NOW - 1, "ttl": None}, None),
        ({"leased_until": None}, "cannot be read"),
        ({"leased_until": "2100"}, "cannot be read"),
        ({"leased_until": NOW + 0.5}, "cannot be read"),
        ({"leased_until": True}, "cannot be read"),
        ({"acquired_at": None}, "cannot be read"),
        ({"ttl": "600"}, "cannot be read"),
        ({"owner": 7}, "cannot be read"),
        ({"owner": ""}, "cannot be read"),
        ({"owner": None}, "cannot be read"),
        ({"fence": "3"}, "cannot be read"),
        ({"fence": -1}, "cannot be read"),
        ({"fence": 10**15 + 1}, "cannot be read"),
        ({"leased_until": 10**40}, "Compare both clocks"),
        ({"acquired_at": -(10**40)}, None),
    ],
)
def test_a_lease_that_no_run_can_hold(fields: dict[str, Any], problem: str | None) -> None:
    found = lease(**fields).problem(NOW)
    assert found is None if problem is None else problem in str(found)
    if found:
        assert "\n" not in found and "certops.acm.acm_inventory -a" in found


def test_a_lease_without_owner_is_free() -> None:
    free = Lease.from_item({"pk": ARN, "sk": "lease", "fence": 3})
    assert (free.taken, free.expired(NOW), free.problem(NOW)) == (False, True, None)
    assert lease().taken and not lease().expired(NOW + 600) and lease().expired(NOW + 601)


@pytest.mark.parametrize("owner", ["awx job 7", "x'; touch /tmp/canary; '", 'a", "ttl": "', "a\nb", "{{ 7 }}", "$(id)"])
def test_the_command_that_releases_a_lease_can_be_pasted(owner: str) -> None:
    """Whoever may write the table chooses the owner; a person pastes the command into a shell."""
    words = shlex.split(lease(owner=owner).release_command)
    assert words[:5] == ["ansible", "localhost", "-m", "certops.acm.acm_inventory", "-a"] and len(words) == 6
    options = json.loads(words[5])
    assert options.keys() == {"state", "lease"}
    assert options["lease"].keys() == {"certificate_arn", "owner"}
    assert "{{" not in words[5] and "\n" not in words[5]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, "its item was deleted or written by hand"),
        (lease(leased_until=NOW - 1), "it ran out at 20"),
        (lease(owner="run-2"), "somebody released it"),
        (Lease.from_item({"pk": ARN, "fence": 3}), "somebody released it"),
        (Lease.from_item({"pk": ARN, "fence": 4}), "another run has had it since (fence 4)"),
        (lease(owner="run-2", fence=4), "run-2 has it now, until 20"),
        (lease(fence=4), "run-1 has it now, until 20"),
        (lease(owner="run-2", fence=5, leased_until=NOW - 1), "another run has had it since (fence 5)"),
        (lease(fence=2), "its item was deleted or written by hand"),
        (lease(fence="x"), "its item was deleted or written by hand"),
    ],
)
def test_what_became_of_a_lost_lease_is_told(found: Lease | None, says: str) -> None:
    told = how_lost(MINE, found, NOW)
    assert f"the lease on {ARN} is lost (run-1 had it with fence 3): {says}" in told
    assert told.endswith("run certops.acm.renew when no other run is at work")


def test_who_holds_it_is_told() -> None:
    assert "is held by run-1 until 2026-09-21T" in how_taken(lease(), "run-2")
    assert "run-1 holds the lease on" in how_taken(lease(), "run-1")


@pytest.mark.parametrize("fields", [{"ttl": 0}, {"ttl": LONGEST + 1}, {"wait": -1}, {"fence": 0}, {"owner": ""}])
def test_requests_that_are_refused(fields: dict[str, Any]) -> None:
    LeaseRequest(ARN, "run-1", ttl=LONGEST).validate()
    with pytest.raises(PlanError):
        LeaseRequest(**{"certificate_arn": ARN, "owner": "run-1", **fields}).validate()


@pytest.mark.parametrize(
    "fields", [{"fence": None}, {"fence": 0}, {"fence": "x"}, {"fence": True}, {"owner": ""}, {"owner": 7}]
)
def test_what_is_no_held_lease(fields: dict[str, Any]) -> None:
    good = {"certificate_arn": ARN, "owner": "run-1", "fence": 3, "expires_in": 5}
    assert HeldLease.from_result(good) == HeldLease.from_result({**good, "fence": "3"}) == MINE
    with pytest.raises(PlanError):
        HeldLease.from_result({**good, **fields})


class Table:
    """Answers transactions: with reasons by certificate while there are some, then with success."""

    meta = type("Meta", (), {"region_name": "eu-west-1"})

    def __init__(self, *answers: dict[str, str]) -> None:
        self.answers = list(answers)
        self.calls: list[list[str]] = []
        self.written: list[str] = []

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:
        assert 2 <= len(TransactItems) <= 100
        kinds = [next(iter(one)) for one in TransactItems]
        keys = [next(iter(one.values())).get("Key") or one["Put"]["Item"] for one in TransactItems]
        assert len({(key["pk"]["S"], key["sk"]["S"]) for key in keys}) == len(keys), "DynamoDB takes each item once"
        checked = {key["pk"]["S"] for kind, key in zip(kinds, keys) if kind == "ConditionCheck"}
        puts = [key for kind, key in zip(kinds, keys) if kind == "Put"]
        assert {key["pk"]["S"] for key in puts} == checked
        self.calls.append([key["sk"]["S"] for key in puts])
        answer = self.answers.pop(0) if self.answers else {}
        if not answer:
            self.written += [key["sk"]["S"] for key in puts]
            return
        codes = [answer.get(key["pk"]["S"], "None") if kind == "ConditionCheck" else "None"
                 for kind, key in zip(kinds, keys)]  # fmt: skip
        raise ClientError(
            {
                "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                "CancellationReasons": [{"Code": code, "Message": f"because of {code}"} for code in codes],
            },
            "TransactWriteItems",
        )


def items(arn: str, count: int) -> list[dict[str, Any]]:
    return [{"pk": arn, "sk": f"deployment#{arn[-2:]}{number}"} for number in range(count)]


HELD = fenced_write.by_certificate([MINE, HeldLease(OTHER, "run-1", 8)])


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_what_passes_by_itself_is_tried_again(code: str, waited: list[float]) -> None:
    table = Table({ARN: code}, {ARN: code})
    fenced_write.write(table, "t", items(ARN, 2), HELD)
    assert (len(table.calls), len(table.written), len(waited)) == (3, 2, 2)


def test_what_does_not_pass_is_told(waited: list[float]) -> None:
    table = Table(*[{ARN: "TransactionConflict"}] * 20)
    with pytest.raises(ServiceError, match=r"because of TransactionConflict .*: run again"):
        fenced_write.write(table, "t", items(ARN, 2), HELD)
    assert len(table.calls) == 8 and max(waited) <= 13
    for code in ("ValidationError", "None"):
        with pytest.raises(ServiceError, match=f"because of {code}"):
            fenced_write.write(Table({ARN: code}), "t", items(ARN, 2), HELD)


def test_a_lost_lease_takes_its_records_only() -> None:
    table = Table({OTHER: "ConditionalCheckFailed", ARN: "TransactionConflict"})
    with pytest.raises(LeaseLostError, match=f"the lease on {OTHER} is lost") as caught:
        fenced_write.write(table, "t", [*items(OTHER, 3), *items(ARN, 2)], HELD)
    assert caught.value.certificate_arns == [OTHER]
    assert table.written == [item["sk"] for item in items(ARN, 2)]
    both = Table({OTHER: "ConditionalCheckFailed"}, {ARN: "ConditionalCheckFailed"})
    with pytest.raises(LeaseLostError) as caught:
        fenced_write.write(both, "t", [*items(OTHER, 150), *items(ARN, 2)], HELD)
    assert caught.value.certificate_arns == [OTHER, ARN]
    assert (len(both.calls), both.written) == (2, []), "what is known to be lost is not tried again"


def test_nothing_is_written_of_a_certificate_without_a_lease() -> None:
    table = Table()
    with pytest.raises(PlanError, match=f"none is given for {OTHER}"):
        fenced_write.write(table, "t", [*items(ARN, 1), *items(OTHER, 1)], fenced_write.by_certificate([MINE]))
    assert table.calls == []


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (99, 1), (100, 2), (198, 2), (199, 3)])
def test_a_transaction_takes_100_operations(count: int, calls: int) -> None:
    table = Table()
    fenced_write.write(table, "t", items(ARN, count), HELD)
    assert (len(table.calls), len(table.written)) == (calls, count)
