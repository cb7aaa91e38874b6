# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""acm_inventory and acm_inventory_info: what is written, what is read, and who holds the lease."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from integration.playbook import run_playbook
from integration.tally import Tally, assert_clear

from ansible_collections.certops.acm.plugins.module_utils import dynamodb, inventory, inventory_table
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError, ServiceError
from ansible_collections.certops.acm.plugins.module_utils.inventory_change import Request, absent, present
from ansible_collections.certops.acm.plugins.module_utils.lease import HeldLease, LeaseRequest
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from standin.client import Standin

TABLE = "certops-acm-inventory"
ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
OTHER = ARN[:-2] + "99"
TARGET: dict[str, Any] = {
    "certificate_arn": ARN,
    "certificate_name": "www",
    "account": "111122223333",
    "tag_key": "Role",
    "tag_value": "web",
    "service": "nginx",
    "options": {"listeners": [{"port": 443}], "ratio": 1.5},
}


HELD = HeldLease(ARN, "run-1", 1)


def attempt(host: str, status: str = "verified", **fields: Any) -> dict[str, Any]:
    return {
        "certificate_arn": ARN,
        "certificate_name": "www",
        "host": host,
        "account": "111122223333",
        "service": "nginx",
        "status": status,
        "fingerprint": "ab" * 32,
        "serial": "a1b",
        "not_after": "2027-04-17T23:59:59Z",
        **fields,
    }


def with_table(standin: Standin) -> Tally:
    tally = Tally(standin)
    client = tally.client("dynamodb")
    options = inventory_table.TableOptions(deletion_protection=False)
    inventory_table.ensure_table(client, TABLE, options)
    return tally


def change(tally: Tally, **options: Any) -> dict[str, Any]:
    keywords = {name: options.pop(name) for name in ("check_mode", "diff") if name in options}
    return tally.task("acm_inventory", options, **keywords)


def info(tally: Tally, **options: Any) -> dict[str, Any]:
    return tally.task("acm_inventory_info", options)


def test_table_is_made_once_and_completed(standin: Standin) -> None:
    tally = Tally(standin)
    run = run_playbook(
        [
            change(tally, create_table=True, target=TARGET, check_mode=True),
            change(tally, create_table=True),
            change(tally, create_table=True),
            change(tally, state="absent", delete_table=True),
            change(tally, create_table=True, deletion_protection=False),
            change(tally, state="absent", delete_table=True),
            change(tally, state="absent", delete_table=True),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok", "ok", "ok", "failed", "ok", "ok", "ok"]
    assert [result.changed for result in run.results] == [True, True, False, False, True, True, False]
    made = ["created the table", "turned point-in-time recovery on"]
    assert run[0]["table_actions"] == run[1]["table_actions"] == made
    assert_clear(run[3].msg, f"table {TABLE} is protected from deletion", "deletion_protection: false")
    assert run[4]["table_actions"] == ["turned deletion protection off"]
    assert tally.client("dynamodb").list_tables()["TableNames"] == []


def test_table_has_what_the_architecture_promises(standin: Standin) -> None:
    tally = Tally(standin)
    client = tally.client("dynamodb")
    options = inventory_table.TableOptions(kms_key_id="alias/certops")
    assert inventory_table.ensure_table(client, TABLE, options)
    table = client.describe_table(TableName=TABLE)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table["SSEDescription"]["SSEType"] == "KMS"
    assert inventory_table.has_point_in_time_recovery(client, TABLE)
    ttl = client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED", "the item of a lease is never deleted"
    client.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    assert inventory_table.ensure_table(client, TABLE, options) == ["turned point-in-time recovery on"]
    assert inventory_table.ensure_table(client, TABLE, options) == []


def test_target_is_recorded_once(standin: Standin) -> None:
    tally = with_table(standin)
    standin.reset_counts()
    run = run_playbook(
        [
            change(tally, target=TARGET, check_mode=True, diff=True),
            change(tally, target=TARGET, diff=True),
            change(tally, target=TARGET),
            change(tally, target=TARGET, check_mode=True),
            change(tally, target={**TARGET, "options": {}}, diff=True),
            info(tally, certificate_arn=ARN),
            change(tally, state="absent", target=TARGET, check_mode=True),
            change(tally, state="absent", target=TARGET, diff=True),
            change(tally, state="absent", target=TARGET),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 9
    assert [result.changed for result in run.results] == [True, True, False, False, True, False, True, True, False]
    title = f"{ARN} target#111122223333#Role=web#nginx#www"
    assert run[0]["diff"] == run[1]["diff"]
    assert run[1]["diff"]["before"] == {}
    assert run[1]["diff"]["after"][title]["options"] == TARGET["options"]
    assert run[4]["diff"]["before"][title]["options"] == TARGET["options"]
    assert run[4]["diff"]["after"][title]["options"] == {}
    assert run[7]["diff"]["after"] == {}
    assert run[5]["targets"] == [{**TARGET, "options": {}}]
    assert tally.calls() == {
        "dynamodb:GetItem": 3,
        "dynamodb:PutItem": 3,
        "dynamodb:Query": 1,
        "dynamodb:DeleteItem": 2,
    }


def test_deployments_are_merged_and_written_in_batches(standin: Standin) -> None:
    fleet, known, single = with_table(standin), with_table(standin), with_table(standin)
    hosts = [f"web{number:02}" for number in range(60)]
    at = "2026-10-02T00:00:00Z"
    standin.reset_counts()
    first = [attempt(host, at=at) for host in hosts]
    run = run_playbook(
        [
            change(fleet, deployments=first),
            change(fleet, deployments=first),
            change(fleet, deployments=[attempt("web00")]),
            change(known, deployments=first[:1], known_deployments=[]),
            change(single, deployments=first[:1], check_mode=True, diff=True),
            change(
                fleet,
                deployments=[attempt("web01", "rolled_back", fingerprint="cd" * 32, serial="c", msg="nginx -t failed")],
                diff=True,
            ),
            info(fleet, host="web01"),
            info(fleet, status=["failed", "rolled_back"]),
            info(fleet, certificate_arn=[OTHER]),
            info(fleet, expires_within_days=1),
            change(fleet, state="absent", deployments=[attempt("web01")]),
            change(fleet, state="absent", deployments=[attempt("web01")]),
            info(fleet),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 13
    changed = [True, False, False, True, True, True, False, False, False, False, True, False, False]
    assert [result.changed for result in run.results] == changed
    assert [record["host"] for record in run[0]["deployments"]] == hosts
    assert run[2]["deployments"][0]["at"] == at
    assert known.calls() == {"dynamodb:BatchWriteItem": 1}
    assert single.calls() == {"dynamodb:Query": 1}
    assert run[4]["diff"]["after"][f"{ARN} deployment#web00#nginx#www"]["serial"] == "a1b"

    (record,) = run[6]["deployments"]
    assert (record["status"], record["serial"], record["desired_serial"]) == ("rolled_back", "a1b", "c")
    assert record["error"] == "nginx -t failed"
    assert [entry["host"] for entry in run[7]["deployments"]] == ["web01"]
    assert run[8]["deployments"] == []
    assert run[9]["deployments"] == []
    assert len(run[12]["deployments"]) == 59
    assert fleet.calls() == {
        # 3 for 60 hosts, 1 for the rolled back one, 1 for the removed one.
        "dynamodb:BatchWriteItem": 5,
        # 1 before each of 6 changes, 1 by host, 1 by ARN.
        "dynamodb:Query": 8,
        "dynamodb:Scan": 3,
    }


def test_what_dynamodb_does_not_take_is_tried_again_and_then_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)

    class Full:
        """Takes ten requests a call, and none at all after ``calls``."""

        meta = type("Meta", (), {"region_name": "eu-west-1"})

        def __init__(self, calls: int) -> None:
            self.left, self.taken = calls, 0

        def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:
            requests = RequestItems[TABLE]
            assert len(requests) <= 25
            self.left -= 1
            take = 10 if self.left >= 0 else 0
            self.taken += len(requests[:take])
            left = requests[take:]
            return {"UnprocessedItems": {TABLE: left} if left else {}}

    patient = Full(calls=99)
    dynamodb.write_all(patient, TABLE, [{"PutRequest": {}}] * 60)
    assert patient.taken == 60
    with pytest.raises(ServiceError, match=f"did not take 5 of 25 records of table {TABLE} in 8 tries: run again"):
        dynamodb.write_all(Full(calls=2), TABLE, [{"PutRequest": {}}] * 25)
    assert max(waited) <= 5


def test_bad_input_is_refused_before_any_call(standin: Standin) -> None:
    tally = Tally(standin)
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "nothing to do: give target, deployments, lease, export or create_table"),
        ({"target": {**TARGET, "tag_value": ""}}, "tag Role has no value: give tag_value"),
        ({"target": {**TARGET, "tag_value": None}}, "tag_value"),
        ({"deployments": [{"host": "web1"}]}, "'' is not the ARN of an ACM certificate"),
        ({"deployments": [attempt("web1", "fine")], "known_deployments": []}, "'fine' is not the status"),
        ({"lease": {"certificate_arn": ARN, "owner": ""}}, "a lease needs an owner"),
        ({"lease": {"certificate_arn": ARN, "owner": "a", "ttl": 21601}}, "a ttl of 1 to 21600 seconds"),
        ({"lease": {"certificate_arn": ARN, "owner": "a", "ttl": 0}}, "a ttl of 1 to 21600 seconds"),
        ({"lease": {"certificate_arn": ARN, "owner": "a", "fence": 0}}, "0 is not the fence of a lease"),
        (
            {"held_leases": [{"certificate_arn": ARN, "owner": "a"}], "target": TARGET},
            "certificate_arn, owner and fence",
        ),
        ({"held_leases": [], "target": TARGET}, f"under leases, but gives none for {ARN}"),
        ({"export": {"certificate_arn": ARN, "serial": "xyz"}}, "'xyz' is not the serial of a certificate"),
    ]
    run = run_playbook([change(tally, **options) for options, _says in cases], {})
    assert [result.outcome for result in run.results] == ["failed"] * len(cases)
    for result, (_options, says) in zip(run.results, cases):
        assert_clear(result.msg, says)
    assert tally.calls() == {}


def test_table_that_is_missing_or_another(standin: Standin) -> None:
    tally, other = Tally(standin), Tally(standin)
    other.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    run = run_playbook(
        [
            change(tally, target=TARGET),
            info(tally, region="eu-central-1"),
            change(other, create_table=True),
            change(other, state="absent", delete_table=True),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["failed"] * 4
    remedy = "run ansible-playbook certops.acm.setup_aws or set create_table: true"
    assert_clear(run[0].msg, f"table {TABLE} does not exist in eu-west-1 of this account", remedy)
    assert_clear(run[1].msg, f"table {TABLE} does not exist in eu-central-1", remedy)
    for number in (2, 3):
        assert_clear(run[number].msg, f"table {TABLE} exists but is not an inventory", "choose another table_name")


def _present(**fields: Any) -> Callable[[Any], Any]:
    return lambda client: present(client, TABLE, Request(**fields), check_mode=False)


def _absent(**fields: Any) -> Callable[[Any], Any]:
    return lambda client: absent(client, TABLE, Request(**fields), check_mode=False)


@pytest.mark.parametrize(
    ("action", "exists", "call"),
    [
        ("PutItem", True, _present(target=Target.from_result(TARGET))),
        ("UpdateItem", True, _present(lease=LeaseRequest(ARN, "run-1"))),
        ("UpdateItem", True, _present(lease=LeaseRequest(ARN, "run-1", fence=1))),
        ("ConditionCheckItem", True, _present(deployments=[attempt("web1")], known=[], held=[HELD])),
        ("PutItem", True, _present(deployments=[attempt("web1")], known=[], held=[HELD])),
        ("GetItem", True, _present(export={"certificate_arn": ARN, "serial": "a"}, held=[HELD])),
        ("PutItem", True, _present(export={"certificate_arn": ARN, "serial": "a"})),
        ("Query", True, _present(deployments=[attempt("web1")])),
        ("BatchWriteItem", True, _present(deployments=[attempt("web1")], known=[])),
        ("DeleteItem", True, _absent(target=Target.from_result(TARGET))),
        ("UpdateItem", True, _absent(lease=LeaseRequest(ARN, "run-1"))),
        ("GetItem", True, lambda client: present(client, TABLE, Request(Target.from_result(TARGET)), check_mode=True)),
        ("Scan", True, lambda client: inventory.read_items(client, TABLE, [], None)),
        ("Query", True, lambda client: inventory.read_items(client, TABLE, [], "web1")),
        ("DescribeTable", False, _present(table_options=inventory_table.TableOptions())),
        ("CreateTable", False, _present(table_options=inventory_table.TableOptions())),
        ("UpdateContinuousBackups", False, _present(table_options=inventory_table.TableOptions())),
        ("DescribeContinuousBackups", True, _present(table_options=inventory_table.TableOptions())),
        ("UpdateTable", True, _present(table_options=inventory_table.TableOptions())),
        ("DeleteTable", True, _absent(delete_table=True)),
    ],
)
def test_each_denied_call_is_named(standin: Standin, action: str, exists: bool, call: Callable[[Any], Any]) -> None:
    tally = with_table(standin) if exists else Tally(standin)
    standin.deny(f"dynamodb:{action}", account=tally.account)
    with pytest.raises(AcmError) as caught:
        call(tally.client("dynamodb"))
    assert_clear(
        str(caught.value),
        f"may not call dynamodb:{action} on {TABLE}",
        f"allow dynamodb:{action} in the IAM policy (docs/iam.md)",
    )
