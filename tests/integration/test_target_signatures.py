# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signed targets: whoever may write the table, but not sign, can change no target and add none."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from integration.playbook import run_playbook
from integration.tally import Tally, assert_clear

from ansible_collections.certops.acm.plugins.module_utils import dynamodb, inventory_table
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.target_signature import statement
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
    "options": {"listeners": [{"port": 443}], "handshake_timeout": 30.0, "server_names": ["bücher.example"]},
}
KEY = "alias/certops-acm"


def ready(standin: Standin, spec: str = "ECC_NIST_P256", table: str = TABLE) -> Tally:
    """An account with a table and a key."""
    tally = Tally(standin)
    client = tally.client("dynamodb")
    inventory_table.ensure_table(client, table, inventory_table.TableOptions(deletion_protection=False))
    kms = tally.client("kms")
    made = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms.create_alias(AliasName=KEY, TargetKeyId=made["KeyId"])
    standin.reset_counts()
    return tally


def record(tally: Tally, target: dict[str, Any] = TARGET, **options: Any) -> dict[str, Any]:
    keywords = {name: options.pop(name) for name in ("check_mode", "diff") if name in options}
    return tally.task("acm_inventory", {"target": target, "signing_key": KEY, **options}, **keywords)


def info(tally: Tally, **options: Any) -> dict[str, Any]:
    return tally.task("acm_inventory_info", {"signing_key": KEY, **options})


def item(tally: Tally) -> dict[str, Any]:
    found = dynamodb.get_item(tally.client("dynamodb"), TABLE, {"pk": ARN, "sk": f"target#{Target(**TARGET).key}"})
    assert found is not None
    return found


def write(tally: Tally, changed: dict[str, Any]) -> None:
    """Write an item, as whoever may write the table does."""
    dynamodb.put_item(tally.client("dynamodb"), TABLE, changed)


def test_a_target_is_signed_once_and_checked_with_one_call(standin: Standin) -> None:
    tally = ready(standin)
    run = run_playbook(
        [
            record(tally, check_mode=True),
            record(tally),
            record(tally),
            record(tally, check_mode=True),
            *(record(tally, {**TARGET, "tag_value": f"web{number}"}) for number in range(8)),
        ],
        {},
    )
    assert [result.outcome for result in run.results] == ["ok"] * 12, run.output
    assert [result.changed for result in run.results] == [True, True, False, False, *[True] * 8]
    assert tally.calls() == {
        "dynamodb:GetItem": 12,
        "dynamodb:PutItem": 9,
        "kms:Sign": 9,
        "kms:GetPublicKey": 2,
    }
    standin.reset_counts()
    read = run_playbook([info(tally), info(tally, certificate_arn=[ARN])], {})
    for result in read.results:
        assert (len(result["targets"]), result["problems"]) == (9, []), read.output
    assert tally.calls() == {"dynamodb:Scan": 1, "dynamodb:Query": 1, "kms:GetPublicKey": 2}


def test_what_is_signed_is_every_field_and_the_table(standin: Standin) -> None:
    """The judge verifies with the public key, by itself, what was written down here."""
    tally = ready(standin)
    assert run_playbook([record(tally)], {}).returncode == 0
    der = tally.client("kms").get_public_key(KeyId=KEY)["PublicKey"]
    public_key = load_der_public_key(der)
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(item(tally)["signature"])
    public_key.verify(signature, statement(Target(**TARGET), TABLE), ec.ECDSA(hashes.SHA256()))
    said = statement(Target(**TARGET), TABLE)
    for name in TARGET:
        other = Target(**{**TARGET, name: {"force": True} if name == "options" else TARGET[name] + "x"})
        assert statement(other, TABLE) != said
    assert statement(Target(**TARGET), TABLE + "x") != said
    with pytest.raises(InvalidSignature):
        public_key.verify(signature, statement(Target(**TARGET), TABLE + "x"), ec.ECDSA(hashes.SHA256()))


CHANGES: dict[str, dict[str, Any]] = {
    "another option": {"options": {"listeners": [{"port": 444}]}},
    "a command": {"options": {"reload_command": ["sh", "-c", "id"]}},
    "another tag": {"tag_value": "evil", "sk": "target#111122223333#Role=evil#nginx#www"},
    "another certificate": {"pk": OTHER},
    "another service": {"service": "file", "sk": "target#111122223333#Role=web#file#www"},
    "no signature": {"signature": None},
    "an empty signature": {"signature": ""},
    "a signature that is no text": {"signature": {"a": [1]}},
    "a long signature": {"signature": "A" * 10_000},
    "no base64": {"signature": "***"},
    "nonsense": {"signature": base64.b64encode(b"nonsense").decode()},
}


def test_a_record_that_was_changed_is_refused_and_all_others_are_used(standin: Standin) -> None:
    healthy = {**TARGET, "tag_value": "healthy"}
    tallies = {name: ready(standin) for name in CHANGES}
    signed = [record(tally, target) for tally in tallies.values() for target in (TARGET, healthy)]
    assert run_playbook(signed, {}).returncode == 0
    for name, tally in tallies.items():
        good = item(tally)
        dynamodb.delete_item(tally.client("dynamodb"), TABLE, {"pk": good["pk"], "sk": good["sk"]})
        changed = {**good, **CHANGES[name]}
        write(tally, {field: value for field, value in changed.items() if value is not None})
    run = run_playbook([info(tally) for tally in tallies.values()], {})
    assert len(run) == len(CHANGES)
    for name, result in zip(CHANGES, run.results):
        assert [target["tag_value"] for target in result["targets"]] == ["healthy"], name
        (problem,) = result["problems"]
        said = "it is not signed" if name == "no signature" else "its signature does not fit"
        assert_clear(problem["msg"], said, "run certops.acm.deploy for it again, or delete the item")


def test_who_deploys_again_signs_what_was_changed(standin: Standin) -> None:
    tally = ready(standin)
    assert run_playbook([record(tally)], {}).returncode == 0
    write(tally, {**item(tally), "signature": base64.b64encode(b"nonsense").decode()})
    run = run_playbook([info(tally), record(tally, check_mode=True), record(tally), info(tally)], {})
    assert [result.changed for result in run.results] == [False, True, True, False]
    assert (len(run[0]["problems"]), len(run[3]["problems"]), len(run[3]["targets"])) == (1, 0, 1)


def test_what_another_table_or_key_signed_is_refused(standin: Standin) -> None:
    tally = ready(standin)
    other = "another-table"
    client = tally.client("dynamodb")
    inventory_table.ensure_table(client, other, inventory_table.TableOptions(deletion_protection=False))
    assert run_playbook([record(tally, table_name=other)], {}).returncode == 0
    (copied,) = dynamodb.scan(client, other)
    write(tally, copied)
    assert run_playbook([record(tally, {**TARGET, "certificate_arn": OTHER})], {}).returncode == 0
    second = tally.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    run = run_playbook([info(tally), info(tally, signing_key=second), info(tally, signing_key=None)], {})
    assert [target["certificate_arn"] for target in run[0]["targets"]] == [OTHER]
    assert len(run[0]["problems"]) == 1
    assert (len(run[1]["targets"]), len(run[1]["problems"])) == (0, 2)
    assert (len(run[2]["targets"]), len(run[2]["problems"])) == (2, 0), "nobody asked for signatures"


def test_replaying_and_deleting_is_not_noticed(standin: Standin) -> None:
    """As the page says: what a signature cannot show."""
    tally = ready(standin)
    assert run_playbook([record(tally)], {}).returncode == 0
    old = item(tally)
    assert run_playbook([record(tally, {**TARGET, "options": {}})], {}).returncode == 0
    write(tally, old)
    run = run_playbook([info(tally)], {})
    assert [target["options"] for target in run[0]["targets"]] == [old["options"]]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("alias/nobody", "check signing_key (certops_signing_key)"),
        ("alias/wrong-kind", "take an asymmetric KMS key for SIGN_VERIFY of the kind ECC_NIST_P256"),
        ("../etc/passwd", "does not name a KMS key"),
        ("alias/a b", "does not name a KMS key"),
    ],
)
def test_a_key_that_cannot_sign_fails_the_task_and_refuses_nothing(standin: Standin, key: str, says: str) -> None:
    """Whoever cannot check any signature must not call all of them wrong, nor all of them right."""
    tally = ready(standin)
    kms = tally.client("kms")
    rsa = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/wrong-kind", TargetKeyId=rsa)
    assert run_playbook([record(tally)], {}).returncode == 0
    run = run_playbook([info(tally, signing_key=key), record(tally, signing_key=key)], {})
    assert [result.outcome for result in run.results] == ["failed", "failed"], run.output
    for result in run.results:
        assert_clear(result.msg, says)
    assert "targets" not in run[0].result
