# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""secret_passphrase: one version for each serial, never written twice, whoever else is at work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from integration.playbook import run_playbook
from integration.tally import Tally, assert_clear

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.errors import PassphraseError, ServiceError
from ansible_collections.certops.acm.plugins.module_utils.passphrase_store import (
    PassphraseStore,
    SecretOptions,
    secret_name,
    version_token,
)
from standin.client import Standin

MODULE = "secret_passphrase"
GIVEN = "chosen-by-a-person-0123456789-abcdef"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:role/web"},
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "*",
        }
    ],
}


def secret(tally: Tally, **options: Any) -> dict[str, Any]:
    keywords = {name: options.pop(name) for name in ("check_mode",) if name in options}
    return tally.task(MODULE, {"name": "certops/test", "serial": "0a:1b", **options}, **keywords)


def value_of(tally: Tally, serial: str, name: str = "certops/test") -> str:
    answer = tally.client("secretsmanager").get_secret_value(SecretId=name, VersionStage=f"serial-{serial}")
    return str(answer["SecretString"])


def test_one_passphrase_for_each_serial(standin: Standin) -> None:
    tally = Tally(standin)
    run = run_playbook(
        [
            secret(tally, check_mode=True),
            secret(tally),
            secret(tally, serial="0x0A1B"),
            secret(tally, check_mode=True),
            secret(tally, serial="0c"),
            secret(tally),
            secret(tally, serial="0d", check_mode=True),
            secret(tally, serial="0e", passphrase=GIVEN),
            secret(tally, serial="0e", passphrase=GIVEN),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 9
    assert [result.changed for result in run.results] == [True, True, False, False, True, False, True, True, False]
    assert [result["created"] for result in run.results] == [True, True, False, False, True, False, True, True, False]
    first = run[1]["passphrase"]
    assert len(first) == 48
    assert run[0]["passphrase"] is None
    assert [run[number]["passphrase"] for number in (2, 3, 5)] == [first] * 3
    assert run[4]["passphrase"] not in (None, first)
    assert run[6]["passphrase"] is None
    # The option is masked in results, so a text that is not the passphrase must not be taken for it.
    assert run[7]["passphrase"] is None
    assert GIVEN not in run.output
    assert value_of(tally, "a1b") == first
    assert value_of(tally, "c") == run[4]["passphrase"]
    assert value_of(tally, "e") == GIVEN
    assert run[1]["version_stage"] == "serial-a1b"
    assert run[1]["version_id"] == version_token("certops/test", "a1b")


def test_cost_and_secret_name(standin: Standin) -> None:
    new, known, renewed, nowhere = (Tally(standin) for _unused in range(4))
    arn = new.certificate(region="us-east-1")
    for tally in (known, renewed):
        PassphraseStore(tally.client("secretsmanager"), "certops/test").ensure(
            "a1b", given=None, length=48, restore=False
        )
    standin.reset_counts()
    run = run_playbook(
        [
            new.task(MODULE, {"certificate_arn": arn, "serial": "0a"}),
            secret(known),
            secret(renewed, serial="0c"),
            secret(nowhere, state="generated", length=64),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 4
    assert len(run[3]["passphrase"]) == 64
    assert nowhere.calls() == {}
    name = secret_name(None, CertificateArn.parse(arn))
    assert run[0]["name"] == name == f"certops/acm/{new.account}/{arn.rsplit('/', 1)[1]}"
    assert ":us-east-1:" in run[0]["arn"]
    assert new.calls() == {
        "secretsmanager:GetSecretValue": 1,
        "secretsmanager:CreateSecret": 1,
        "secretsmanager:PutSecretValue": 1,
    }
    assert known.calls() == {"secretsmanager:GetSecretValue": 1}
    assert renewed.calls() == {
        "secretsmanager:GetSecretValue": 1,
        "secretsmanager:PutSecretValue": 1,
        "secretsmanager:ListSecretVersionIds": 1,
    }


def test_properties_are_made_and_kept(standin: Standin) -> None:
    tally = Tally(standin)
    tags = {"Role": "web", "Team": "shop"}
    key = "arn:aws:kms:eu-west-1:111122223333:key/0a1b"
    run = run_playbook(
        [
            secret(tally, tags=tags, kms_key_id=key, resource_policy=POLICY),
            secret(tally, tags=tags, kms_key_id=key, resource_policy=POLICY),
            secret(tally, tags={"Role": "db"}, check_mode=True),
            secret(tally, tags={"Role": "db"}),
            secret(tally, tags={"Role": "db"}, purge_tags=True, kms_key_id="alias/other"),
            secret(tally, serial="0c", resource_policy={**POLICY, "Version": "2008-10-17"}),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 6
    assert [result.changed for result in run.results] == [True, False, True, True, True, True]
    assert run[2]["actions"] == run[3]["actions"] == ["set tags Role"]
    assert run[4]["actions"] == ["removed tags Team", "changed the KMS key"]
    assert run[5]["actions"] == ["added a version", "set the resource policy"]
    described = tally.client("secretsmanager").describe_secret(SecretId="certops/test")
    assert described["Tags"] == [{"Key": "Role", "Value": "db"}]
    assert described["KmsKeyId"] == "alias/other"


def test_oldest_serials_lose_their_label(standin: Standin) -> None:
    """A secret can have 20 labels: without this the 19th renewal would fail."""
    tally = Tally(standin)
    client = tally.client("secretsmanager")
    store = PassphraseStore(client, "certops/test")
    values = []
    for number in range(25):
        outcome = store.ensure(f"{number:x}", given=None, length=48, restore=False)
        assert outcome.version
        values.append(outcome.version.value)
    labels = [
        stage
        for version in client.list_secret_version_ids(SecretId="certops/test")["Versions"]
        for stage in version["VersionStages"]
        if stage.startswith("serial-")
    ]
    assert len(labels) == 10
    assert value_of(tally, "18") == values[24]
    run = run_playbook([secret(tally, serial="aa", keep_versions=2)], {})
    assert len([action for action in run[0]["actions"] if action.startswith("removed the label")]) == 9
    assert value_of(tally, "aa") == run[0]["passphrase"]


def test_two_runs_at_once_agree(standin: Standin) -> None:
    tally = Tally(standin)

    def ensure(_number: int) -> Any:
        store = PassphraseStore(tally.client("secretsmanager"), "certops/test")
        return store.ensure("a1b", given=None, length=48, restore=False)

    for _round in range(3):
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(ensure, range(8)))
        assert len({outcome.version.value for outcome in outcomes}) == 1
        assert outcomes[0].version.value == value_of(tally, "a1b")
        tally = Tally(standin)


def test_lost_answers_change_nothing(standin: Standin) -> None:
    """The call took effect, but the connection was cut: the second try must find its own work."""
    tallies = {action: Tally(standin) for action in ("CreateSecret", "PutSecretValue")}
    for action, tally in tallies.items():
        standin.fault(
            f"secretsmanager:{action}",
            "InternalServiceError",
            status=500,
            times=1,
            lose_answer=True,
            account=tally.account,
        )
    run = run_playbook([secret(tally) for tally in tallies.values()], {})
    assert [result.outcome for result in run.results] == ["ok", "ok"]
    for result, tally in zip(run.results, tallies.values()):
        assert value_of(tally, "a1b") == result["passphrase"]


def test_deletion_and_the_way_back(standin: Standin) -> None:
    tally = Tally(standin)
    absent = {"name": "certops/test", "state": "absent", "recovery_window_days": 7}
    run = run_playbook(
        [
            tally.task(MODULE, absent),
            secret(tally),
            tally.task(MODULE, absent, check_mode=True),
            tally.task(MODULE, absent),
            tally.task(MODULE, absent),
            secret(tally),
            secret(tally, restore=True, check_mode=True),
            secret(tally, restore=True),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 5 + ["failed", "ok", "ok"]
    assert [result.changed for result in run.results] == [False, True, True, True, False, False, True, True]
    assert_clear(run[5].msg, "secret certops/test is scheduled for deletion: set restore: true")
    assert run[7]["passphrase"] == run[1]["passphrase"]
    assert run[7]["actions"] == ["restored the secret"]


def test_bad_input_is_refused(standin: Standin) -> None:
    tally = Tally(standin)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"passphrase": "a-passphrase-with-a-#-inside"}, "# $ %"),
        ({"length": 31}, "length is 31: give a number from 32 to 128"),
        ({"serial": "nonsense"}, "'nonsense' is not the serial"),
        ({"name": None}, "the secret has no name: give name or certificate_arn"),
        ({"name": None, "certificate_arn": "nonsense"}, "is not the ARN of an ACM certificate"),
    ]
    tasks = [secret(tally, **options) for options, _says in cases]
    tasks += [secret(tally), secret(tally, passphrase=GIVEN)]
    run = run_playbook(tasks, {}, arguments=["-vvv"])
    assert [result.outcome for result in run.results] == ["failed"] * len(cases) + ["ok", "failed"]
    for result, (options, says) in zip(run.results, cases):
        assert_clear(result.msg, says)
        assert options.get("passphrase", GIVEN) not in run.output
    assert_clear(run[-1].msg, "holds another passphrase for serial a1b", "leave passphrase out to use the stored one")


@pytest.mark.parametrize(("option", "value"), [("length", 129), ("keep_versions", 16), ("recovery_window_days", 6)])
def test_numbers_out_of_range_are_refused(option: str, value: int) -> None:
    params = {"length": 48, "keep_versions": 10, "recovery_window_days": 30, "tags": None, option: value}
    with pytest.raises(PassphraseError, match=f"{option} is {value}: give a number from"):
        SecretOptions.from_params(params)


@pytest.mark.parametrize(
    ("action", "options", "serial"),
    [
        ("GetSecretValue", {}, "a1b"),
        ("CreateSecret", {}, "a1b"),
        ("PutSecretValue", {}, "a1b"),
        ("ListSecretVersionIds", {}, "c"),
        ("UpdateSecretVersionStage", {"keep_versions": 1}, "c"),
        ("DescribeSecret", {"tags": {"Role": "web"}}, "a1b"),
        ("TagResource", {"tags": {"Role": "web"}}, "a1b"),
        ("UntagResource", {"tags": {}, "purge_tags": True}, "a1b"),
        ("UpdateSecret", {"kms_key_id": "alias/other"}, "a1b"),
        ("GetResourcePolicy", {"resource_policy": POLICY}, "a1b"),
        ("PutResourcePolicy", {"resource_policy": POLICY}, "a1b"),
        ("RestoreSecret", {}, "a1b"),
        ("DeleteSecret", {}, None),
    ],
)
def test_each_denied_call_is_named(standin: Standin, action: str, options: dict[str, Any], serial: str | None) -> None:
    tally = Tally(standin)
    client = tally.client("secretsmanager")
    if action not in ("GetSecretValue", "CreateSecret", "PutSecretValue"):
        client.create_secret(Name="certops/test", Tags=[{"Key": "Old", "Value": "tag"}])
        client.put_secret_value(SecretId="certops/test", SecretString="x" * 40, VersionStages=["serial-a1b"])
    if action == "RestoreSecret":
        client.delete_secret(SecretId="certops/test")
    standin.deny(f"secretsmanager:{action}", account=tally.account)
    store = PassphraseStore(client, "certops/test", SecretOptions(**options))
    with pytest.raises(ServiceError) as caught:
        if serial:
            store.ensure(serial, given=None, length=48, restore=True)
        else:
            store.remove(30)
    assert caught.value.operation == f"secretsmanager:{action}"
    assert_clear(
        str(caught.value),
        f"may not call secretsmanager:{action} on certops/test",
        f"allow secretsmanager:{action} in the IAM policy (docs/iam.md)",
    )


def test_a_denied_call_through_ansible(standin: Standin) -> None:
    tally = Tally(standin)
    standin.deny("secretsmanager:CreateSecret", account=tally.account)
    run = run_playbook([secret(tally)], {})
    assert run[0].failed
    assert run[0]["operation"] == "secretsmanager:CreateSecret"
    assert_clear(run[0].msg, "may not call secretsmanager:CreateSecret on certops/test")
