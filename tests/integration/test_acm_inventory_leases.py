# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leases: who holds one, who has lost one, and that whoever has lost it writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from integration.playbook import run_playbook
from integration.tally import Tally, assert_clear
from integration.test_acm_inventory import ARN, OTHER, TABLE, TARGET, attempt, change, info, with_table

from ansible_collections.certops.acm.plugins.module_utils import dynamodb, inventory, lease, leasing
from ansible_collections.certops.acm.plugins.module_utils.errors import LeaseLostError
from ansible_collections.certops.acm.plugins.module_utils.inventory_change import Request, present
from ansible_collections.certops.acm.plugins.module_utils.lease import HeldLease, LeaseRequest
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from standin.client import Standin

EXPORT = {"certificate_arn": ARN, "serial": "0A:1B", "fingerprint": "ab" * 32, "not_after": "2027-04-17T23:59:59Z"}
KEY = {"pk": {"S": ARN}, "sk": {"S": "lease"}}
DAY = 86400


class Clock:
    """The clock of a controller, which may be wrong."""

    def __init__(self, ahead: float = 0) -> None:
        self.now = time.time() + ahead

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def passes(self, seconds: float) -> float:
        self.sleep(seconds)
        return self.now


class Run:
    """A run that wants the lease on ARN."""

    def __init__(self, tally: Tally, owner: str, clock: Clock) -> None:
        self.client, self.owner, self.clock = tally.client("dynamodb"), owner, clock
        self.outcome: Any = None

    def hold(self, ttl: int = 600, wait: int = 0, fence: int | None = None) -> str:
        request = LeaseRequest(ARN, self.owner, ttl=ttl, wait=wait, fence=fence)
        outcome = leasing.hold(self.client, TABLE, request, clock=self.clock, sleep=self.clock.sleep)
        self.outcome = outcome
        if outcome.held:
            self.held: HeldLease = outcome.held
        return outcome.state

    def extend(self, ttl: int = 600) -> str:
        return self.hold(ttl, fence=self.held.fence)

    def release(self) -> bool:
        request = LeaseRequest(ARN, self.owner, fence=self.held.fence)
        return leasing.release(self.client, TABLE, request, clock=self.clock)[0]

    def record(self, *parts: str) -> None:
        """Write records under the lease."""
        everything: dict[str, Any] = {
            "target": Target.from_result(TARGET),
            "export": EXPORT,
            "deployments": [attempt("web1", at="2026-10-02T00:00:00Z")],
        }
        given = {part: everything[part] for part in parts}
        present(self.client, TABLE, Request(held=[self.held], known=[], **given), check_mode=False)


def item_of(tally: Tally) -> dict[str, Any]:
    found: dict[str, Any] = tally.client("dynamodb").get_item(TableName=TABLE, Key=KEY)["Item"]
    return dynamodb.decode(found)


def everything(tally: Tally) -> list[Any]:
    return sorted(map(str, tally.client("dynamodb").scan(TableName=TABLE)["Items"]))


def test_lease_is_held_by_one(standin: Standin) -> None:
    tally = with_table(standin)

    def wanted(owner: str, **fields: Any) -> dict[str, Any]:
        return {"certificate_arn": ARN, "owner": owner, **fields}

    run = run_playbook(
        [
            change(tally, lease=wanted("run-1"), check_mode=True),
            change(tally, lease=wanted("run-1", ttl=600)),
            change(tally, lease=wanted("run-2"), target=TARGET, export=EXPORT, deployments=[attempt("web1")]),
            change(tally, lease=wanted("run-2"), check_mode=True),
            change(tally, lease=wanted("run-2"), state="absent"),
            change(tally, lease=wanted("run-1")),
            change(tally, lease=wanted("run-1", fence=1), export=EXPORT),
            change(tally, export=EXPORT),
            info(tally, certificate_arn=ARN),
            change(tally, lease=wanted("run-1", fence=7), state="absent"),
            change(tally, lease=wanted("run-1"), state="absent", check_mode=True),
            change(tally, lease=wanted("run-1"), state="absent"),
            change(tally, lease=wanted("run-1"), state="absent"),
            info(tally, certificate_arn=ARN),
            change(tally, lease=wanted("run-1", fence=1)),
            change(tally, lease=wanted("run-1")),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 16
    changed = [True, True, False, False, False, False, True, False, False, False, True, True, False, False, False, True]
    assert [result.changed for result in run.results] == changed
    states = {number: (run[number]["lease"]["state"], run[number]["lease"]["fence"]) for number in range(16)
              if run[number].result.get("lease")}  # fmt: skip
    assert states == {
        0: ("held", 1),
        1: ("held", 1),
        2: ("taken", None),
        3: ("taken", None),
        4: ("released", None),
        5: ("taken", None),
        6: ("held", 1),
        9: ("released", None),
        10: ("released", None),
        11: ("released", None),
        12: ("released", None),
        14: ("lost", None),
        15: ("held", 2),
    }
    assert run[2]["lease"]["holder"] == "run-1"
    assert run[2]["lease"]["expires_at"] == run[1]["lease"]["expires_at"]
    assert 500 < run[2]["lease"]["expires_in"] <= run[1]["lease"]["expires_in"] == 600
    assert_clear(run[2].msg, f"the lease on {ARN} is held by run-1 until 20", "run again when it is done")
    assert_clear(run[5].msg, f"run-1 holds the lease on {ARN} already", "give its fence to extend it")
    assert_clear(run[14].msg, f"the lease on {ARN} is lost (run-1 had it with fence 1): somebody released it")
    # Whoever does not hold the lease records nothing.
    assert (run[2]["target"], run[2]["export"], run[2]["deployments"]) == (None, None, [])
    (held,) = run[8]["leases"]
    assert (held["owner"], held["fence"]) == ("run-1", 1)
    (exported,) = run[8]["exports"]
    assert (exported["certificate_arn"], exported["serial"]) == (ARN, "a1b")
    assert (run[8]["targets"], run[8]["deployments"]) == ([], [])
    assert run[13]["leases"] == []
    assert len(run[13]["exports"]) == 1


def test_fence_only_grows(standin: Standin) -> None:
    """By one with each acquisition, whoever it is and however the lease ended before; not by an extension."""
    tally = with_table(standin)
    clock = Clock()
    one, two = Run(tally, "run-1", clock), Run(tally, "run-2", clock)
    assert (one.hold(), one.held.fence) == (lease.HELD, 1)
    assert (one.extend(), one.held.fence) == (lease.HELD, 1)
    assert one.release()
    assert item_of(tally) == {"pk": ARN, "sk": "lease", "fence": 1}, "given back, the fence is kept"
    assert (two.hold(), two.held.fence) == (lease.HELD, 2)
    clock.sleep(601)
    assert (one.hold(), one.held.fence) == (lease.HELD, 3), "run out, and taken over"
    clock.sleep(601)
    assert (one.hold(), one.held.fence) == (lease.HELD, 4), "the same owner again, after a break"
    assert leasing.release(two.client, TABLE, LeaseRequest(ARN, "run-1"))[0], "an operator names the holder"
    assert (two.hold(), two.held.fence) == (lease.HELD, 5)


BREAKS: dict[str, Callable[[Run, Run, Clock], object]] = {
    "the successor gave it back": lambda _one, two, clock: (clock.passes(601), two.hold(), two.release()),
    "the successor holds it": lambda _one, two, clock: (clock.passes(601), two.hold()),
    "the successor's ran out": lambda _one, two, clock: (clock.passes(601), two.hold(ttl=10), clock.passes(11)),
    "the same owner took it anew": lambda one, _two, clock: (clock.passes(601), Run.hold(_again(one))),
    "somebody released it": lambda one, two, _clock: leasing.release(two.client, TABLE, LeaseRequest(ARN, "run-1")),
    "its item was deleted": lambda one, _two, _clock: one.client.delete_item(TableName=TABLE, Key=KEY),
}


def _again(run: Run) -> Run:
    again = object.__new__(Run)
    again.client, again.owner, again.clock = run.client, run.owner, run.clock
    return again


@pytest.mark.parametrize("how", BREAKS)
def test_what_was_lost_is_never_extended_and_nothing_is_written(standin: Standin, how: str) -> None:
    tally = with_table(standin)
    clock = Clock()
    one, two = Run(tally, "run-1", clock), Run(tally, "run-2", clock)
    assert one.hold() == lease.HELD
    one.record("target")
    BREAKS[how](one, two, clock)
    before = everything(tally)
    assert one.extend() == lease.LOST
    assert not one.outcome.held
    assert_clear(one.outcome.msg, f"the lease on {ARN} is lost (run-1 had it with fence 1)", "run certops.acm.renew")
    for part in ("target", "export", "deployments"):
        with pytest.raises(LeaseLostError, match="is lost") as caught:
            one.record(part)
        assert caught.value.certificate_arns == [ARN]
    assert not one.release(), "what another has is not given back"
    assert everything(tally) == before


def test_a_lease_that_ran_out_is_not_extended_but_what_was_done_is_recorded(standin: Standin) -> None:
    """Nobody had it since: hosts that were done before are recorded, and nothing more is begun."""
    tally = with_table(standin)
    clock = Clock()
    run = Run(tally, "run-1", clock)
    assert run.hold() == lease.HELD
    clock.sleep(601)
    assert run.extend() == lease.LOST
    assert_clear(run.outcome.msg, "it ran out at 20")
    run.record("deployments")
    assert len(inventory.known_deployments(run.client, TABLE, [ARN])) == 1


def test_one_lost_lease_keeps_no_other_certificate_from_being_recorded(standin: Standin) -> None:
    tally = with_table(standin)
    client = tally.client("dynamodb")
    held = [leasing.hold(client, TABLE, LeaseRequest(arn, "run-1")).held for arn in (ARN, OTHER)]
    assert leasing.release(client, TABLE, LeaseRequest(ARN, "run-1"))[0]
    attempts = [
        {**attempt(f"web{number:03}", at="2026-10-02T00:00:00Z"), "certificate_arn": arn}
        for number in range(120)
        for arn in (ARN, OTHER)
    ]
    standin.reset_counts()
    leased = [vars(one) for one in held if one]
    run = run_playbook(
        [
            change(tally, deployments=attempts, known_deployments=[], held_leases=leased),
            change(tally, deployments=attempts, known_deployments=[], held_leases=leased, check_mode=True),
            info(tally),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["failed", "ok", "ok"]
    assert run[0]["lost_leases"] == [ARN]
    assert_clear(run[0].msg, f"the lease on {ARN} is lost", "somebody released it")
    assert {record["certificate_arn"] for record in run[2]["deployments"]} == {OTHER}
    assert len(run[2]["deployments"]) == 120
    # 98 records and 2 checks a call: 98 (refused, then 49 of OTHER), then 98 and 44 of which half are known to be lost.
    assert tally.calls() == {"dynamodb:TransactWriteItems": 4, "dynamodb:Scan": 1}


@pytest.mark.parametrize(
    ("certificates", "hosts", "calls"), [(1, 60, 1), (1, 99, 1), (1, 100, 2), (50, 1, 1), (50, 3, 2)]
)
def test_records_under_leases_cost_one_call_per_25_hosts_or_fewer(
    standin: Standin, certificates: int, hosts: int, calls: int
) -> None:
    tally = with_table(standin)
    client = tally.client("dynamodb")
    arns = [f"{ARN[:-2]}{number:02}" for number in range(certificates)]
    held = [leasing.hold(client, TABLE, LeaseRequest(arn, "run-1")).held for arn in arns]
    attempts = [{**attempt(f"web{host}"), "certificate_arn": arn} for arn in arns for host in range(hosts)]
    standin.reset_counts()
    present(client, TABLE, Request(deployments=attempts, known=[], held=[one for one in held if one]), check_mode=False)
    assert tally.calls() == {"dynamodb:TransactWriteItems": calls}
    assert len(inventory.known_deployments(client, TABLE, arns)) == certificates * hosts


def test_of_many_at_once_one_gets_the_lease(standin: Standin) -> None:
    """Round after round: given back, run out, or released by somebody else."""
    tally = with_table(standin)
    clients = [tally.client("dynamodb") for _owner in range(8)]
    clock = Clock()
    for fence in range(1, 10):

        def acquire(number: int, fence: int = fence) -> leasing.Outcome:
            request = LeaseRequest(ARN, f"run-{fence}-{number}")
            return leasing.hold(clients[number], TABLE, request, clock=clock)

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(acquire, range(8)))
        (winner,) = [outcome for outcome in outcomes if outcome.held]
        losers = [outcome.to_result() for outcome in outcomes if not outcome.held]
        assert winner.held and winner.held.fence == fence
        assert {outcome["holder"] for outcome in losers} == {winner.request.owner}
        assert {outcome["state"] for outcome in losers} == {lease.TAKEN}
        if fence % 2:
            clock.sleep(3601)
        else:
            assert leasing.release(clients[0], TABLE, LeaseRequest(ARN, winner.request.owner, fence=fence))[0]


def test_one_owner_at_many_places_gets_it_once(standin: Standin) -> None:
    """Two AWX servers that share a table have jobs of the same number."""
    tally = with_table(standin)
    clients = [tally.client("dynamodb") for _place in range(6)]
    with ThreadPoolExecutor(6) as pool:
        request = LeaseRequest(ARN, "awx job 7")
        outcomes = list(pool.map(lambda client: leasing.hold(client, TABLE, request), clients))
    assert sorted(outcome.state for outcome in outcomes) == [lease.HELD] + [lease.TAKEN] * 5


def test_lease_runs_out_and_is_waited_for(standin: Standin) -> None:
    tally = with_table(standin)
    clock = Clock()
    one, two, three = (Run(tally, f"run-{number}", clock) for number in (1, 2, 3))
    assert one.hold(ttl=60) == lease.HELD
    assert two.hold(ttl=60, wait=30) == lease.TAKEN
    assert one.extend(ttl=60) == lease.HELD
    assert two.hold(ttl=60, wait=90) == lease.HELD
    assert one.extend(ttl=60) == lease.LOST
    clock.sleep(61)
    records = inventory.Records.from_items(inventory.read_items(two.client, TABLE, [ARN], None), clock())
    assert (records.leases, records.problems) == ([], [])
    assert three.hold() == lease.HELD


@pytest.mark.parametrize("how", ["take", "extend", "record"])
def test_lost_answer_does_not_lose_the_lease(standin: Standin, how: str) -> None:
    """It was written, but the connection was cut: the second try meets its own lease."""
    tally = with_table(standin)
    run = Run(tally, "run-1", Clock())
    if how != "take":
        assert run.hold() == lease.HELD
    action = "TransactWriteItems" if how == "record" else "UpdateItem"
    standin.fault(
        f"dynamodb:{action}", "InternalServerError", status=500, times=1, lose_answer=True, account=tally.account
    )
    if how == "record":
        run.record("deployments")
    else:
        assert (run.hold() if how == "take" else run.extend()) == lease.HELD
    assert run.held.fence == 1


@pytest.mark.parametrize("ahead", [301, 3600, DAY, 40 * 365 * DAY])
def test_lease_of_a_clock_that_is_ahead_is_a_problem(standin: Standin, ahead: int) -> None:
    """Nobody would get the lease until tomorrow: it is not waited for, and a person is told how to end it."""
    tally = with_table(standin)
    wrong, right = Run(tally, "awx job 4710", Clock(ahead)), Run(tally, "run-2", Clock())
    assert wrong.hold() == lease.HELD
    began = right.clock()
    assert right.hold(wait=600) == lease.INVALID
    assert right.clock() == began, "waiting would not help"
    assert_clear(
        right.outcome.msg,
        "awx job 4710 took it at 20",
        "Compare both clocks and set the wrong one",
        f'"lease": {{"certificate_arn": "{ARN}", "owner": "awx job 4710"}}',
    )
    assert "another run is at work" not in right.outcome.msg
    assert leasing.release(right.client, TABLE, LeaseRequest(ARN, "awx job 4710"))[0], "as the message says"
    assert (right.hold(), right.held.fence) == (lease.HELD, 2)
    with pytest.raises(LeaseLostError):
        wrong.record("deployments")


@pytest.mark.parametrize("ahead", [-299, 0, 299])
def test_clocks_that_differ_a_little_are_no_problem(standin: Standin, ahead: int) -> None:
    tally = with_table(standin)
    other, ours = Run(tally, "run-1", Clock(ahead)), Run(tally, "run-2", Clock())
    assert other.hold() == lease.HELD
    assert ours.hold() == lease.TAKEN
    assert_clear(ours.outcome.msg, "another run is at work")


N, S = "N", "S"
NOW = int(time.time())
GOOD = {"owner": {S: "run-1"}, "fence": {N: "3"}, "acquired_at": {N: str(NOW)}, "ttl": {N: "600"},
        "leased_until": {N: str(NOW + 600)}}  # fmt: skip
ODD: dict[str, dict[str, Any]] = {
    "of an earlier version": {"owner": {S: "run-1"}, "acquired_at": {N: "1790000000"}, "expires_at": {N: "4102444800"}},
    "without an end": {name: value for name, value in GOOD.items() if name != "leased_until"},
    "an end that is text": {**GOOD, "leased_until": {S: "tomorrow"}},
    "an end that no calendar has": {**GOOD, "leased_until": {N: "1" + "0" * 30}},
    "a day longer than its own ttl": {**GOOD, "leased_until": {N: str(NOW + DAY)}},
    "a ttl of a day": {**GOOD, "ttl": {N: str(DAY)}, "leased_until": {N: str(NOW + DAY)}},
    "a fraction for an end": {**GOOD, "leased_until": {N: f"{NOW + 600}.5"}},
    "no time when it was taken": {name: value for name, value in GOOD.items() if name != "acquired_at"},
    "an owner that is a number": {**GOOD, "owner": {N: "7"}},
    "an owner without a name": {**GOOD, "owner": {S: ""}},
    "an owner of many lines": {**GOOD, "owner": {S: "a\nb {{ c }}"}, "ttl": {"BOOL": True}},
    "a fence that is text": {**GOOD, "fence": {S: "3"}},
    "a fence below nothing": {**GOOD, "fence": {N: "-3"}},
    "a fence that cannot grow": {"fence": {N: "9" * 38}},
    "a fence that is text, and free": {"fence": {S: "x"}},
}


@pytest.mark.parametrize("what", ODD)
def test_lease_that_no_run_wrote_is_a_problem_of_that_certificate_alone(standin: Standin, what: str) -> None:
    tally = with_table(standin)
    client = tally.client("dynamodb")
    client.put_item(TableName=TABLE, Item={**KEY, **ODD[what]})

    def hold(arn: str, *, check_mode: bool = False, **options: Any) -> leasing.Outcome:
        return leasing.hold(client, TABLE, LeaseRequest(arn, "run-2", **options), check_mode=check_mode)

    for check_mode in (True, False):
        outcome = hold(ARN, wait=60, check_mode=check_mode)
        assert (outcome.state, outcome.held) == (lease.INVALID, None)
        assert_clear(str(outcome.msg), ARN, "release", "ansible localhost -m certops.acm.acm_inventory -a")
        assert hold(OTHER, check_mode=check_mode).state == lease.HELD
    assert hold(ARN, fence=3).state == lease.LOST
    records = inventory.Records.from_items(inventory.read_items(client, TABLE, [], None), time.time())
    assert [problem.record for problem in records.problems] == ["lease"]
    assert [one.certificate_arn for one in records.leases] == [OTHER]

    owner = "run-1" if ODD[what].get("owner") == {S: "run-1"} else "a\nb {{ c }}" if "lines" in what else "anybody"
    if "fence that" in what or "below" in what:
        assert "delete the item" in str(outcome.msg)
        client.delete_item(TableName=TABLE, Key=KEY)
    else:
        assert leasing.release(client, TABLE, LeaseRequest(ARN, owner))[0], "whoever holds it can be made to let go"
    assert hold(ARN).state == lease.HELD


def test_moto_refuses_a_transaction_as_dynamodb_does(standin: Standin) -> None:
    """One reason for each operation in their order, the item where it was asked for, and nothing is written."""
    client = with_table(standin).client("dynamodb")
    client.put_item(TableName=TABLE, Item={**KEY, **GOOD})
    condition = {
        "ConditionExpression": "#owner = :owner",
        "ExpressionAttributeNames": {"#owner": "owner"},
        "ExpressionAttributeValues": {":owner": {S: "another"}},
    }
    put = {"Put": {"TableName": TABLE, "Item": {"pk": {S: ARN}, "sk": {S: "export"}}}}
    check = {"TableName": TABLE, "Key": KEY, **condition}
    with pytest.raises(ClientError) as caught:
        client.transact_write_items(
            TransactItems=[put, {"ConditionCheck": {**check, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}]
        )
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert answer["CancellationReasons"][1]["Item"]["owner"] == {S: "run-1"}
    assert "Item" not in client.get_item(TableName=TABLE, Key=put["Put"]["Item"])
