# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in keeps secrets as Secrets Manager does, and writes as DynamoDB does; contract.py judges."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from integration.contract import ACCOUNT, BARE, REGION, code, code_or_ok, refusal

from standin.client import Standin

# Secrets Manager


def test_a_read_without_stage_follows_awscurrent(secrets: Any) -> None:
    first = secrets.create_secret(Name="a", SecretString="old")["VersionId"]
    second = secrets.put_secret_value(SecretId="a", SecretString="new", VersionStages=["serial-2"])["VersionId"]
    assert secrets.get_secret_value(SecretId="a")["SecretString"] == "old"
    secrets.update_secret_version_stage(
        SecretId="a", VersionStage="AWSCURRENT", RemoveFromVersionId=first, MoveToVersionId=second
    )
    assert secrets.get_secret_value(SecretId="a")["SecretString"] == "new"
    assert secrets.get_secret_value(SecretId="a", VersionStage="AWSPREVIOUS")["SecretString"] == "old"


def test_labels_stay_when_awscurrent_moves_on(secrets: Any) -> None:
    first = secrets.create_secret(Name="a", SecretString="one")["VersionId"]
    secrets.update_secret_version_stage(SecretId="a", VersionStage="serial-1", MoveToVersionId=first)
    for number, text in ((2, "two"), (3, "three")):
        secrets.put_secret_value(SecretId="a", SecretString=text, VersionStages=[f"serial-{number}", "AWSCURRENT"])
    values = [secrets.get_secret_value(SecretId="a", VersionStage=f"serial-{n}")["SecretString"] for n in (1, 2, 3)]
    assert values == ["one", "two", "three"]
    stages = secrets.describe_secret(SecretId="a")["VersionIdsToStages"].values()
    assert sorted(map(sorted, stages)) == [["AWSCURRENT", "serial-3"], ["AWSPREVIOUS", "serial-2"], ["serial-1"]]


def test_a_version_without_labels_is_read_by_its_id_and_not_described(secrets: Any) -> None:
    first = secrets.create_secret(Name="a", SecretString="one")["VersionId"]
    for text in ("two", "three"):
        secrets.put_secret_value(SecretId="a", SecretString=text)
    assert first not in secrets.describe_secret(SecretId="a")["VersionIdsToStages"]
    assert secrets.get_secret_value(SecretId="a", VersionId=first)["SecretString"] == "one"


def test_a_label_belongs_to_one_version(secrets: Any) -> None:
    first = secrets.create_secret(Name="a", SecretString="one")["VersionId"]
    secrets.update_secret_version_stage(SecretId="a", VersionStage="mine", MoveToVersionId=first)
    second = secrets.put_secret_value(SecretId="a", SecretString="two", VersionStages=["AWSCURRENT", "other"])
    refused, message = refusal(
        secrets.update_secret_version_stage,
        SecretId="a",
        VersionStage="mine",
        MoveToVersionId=second["VersionId"],
    )
    assert refused == "InvalidParameterException" and first in message
    secrets.put_secret_value(SecretId="a", SecretString="three", VersionStages=["AWSCURRENT", "mine"])
    assert secrets.get_secret_value(SecretId="a", VersionStage="mine")["SecretString"] == "three"


def test_a_missing_label_is_not_a_missing_secret(secrets: Any) -> None:
    secrets.create_secret(Name="a", SecretString="one")
    assert refusal(secrets.get_secret_value, SecretId="a", VersionStage="serial-9") == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: serial-9",
    )
    assert refusal(secrets.get_secret_value, SecretId="b", VersionStage="serial-9") == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )


def test_a_request_token_is_good_for_one_content(secrets: Any) -> None:
    token, other = (str(uuid.uuid4()) for _unused in range(2))
    secrets.create_secret(Name="a", SecretString="one", ClientRequestToken=token)
    again = secrets.create_secret(Name="a", SecretString="one", ClientRequestToken=token)
    assert again["VersionId"] == token
    assert code(secrets.create_secret, Name="a", SecretString="two", ClientRequestToken=token) == (
        "ResourceExistsException"
    )
    for stages in (["AWSPENDING"], ["AWSCURRENT"]):
        put = {"SecretId": "a", "ClientRequestToken": other, "VersionStages": stages}
        assert secrets.put_secret_value(SecretString="two", **put)["VersionStages"] == ["AWSPENDING"]
        assert code(secrets.put_secret_value, SecretString="three", **put) == "ResourceExistsException"
    update = {"SecretId": "a", "SecretString": "three", "ClientRequestToken": other}
    assert code(secrets.update_secret, **update) == "ResourceExistsException"
    assert secrets.get_secret_value(SecretId="a", VersionId=other)["SecretString"] == "two"
    assert secrets.get_secret_value(SecretId="a", VersionId=token)["SecretString"] == "one"
    assert secrets.get_secret_value(SecretId="a")["SecretString"] == "one", "a repeated put moves no label"


def test_a_secret_scheduled_for_deletion_is_closed(secrets: Any) -> None:
    version = secrets.create_secret(Name="a", SecretString="one")["VersionId"]
    secrets.delete_secret(SecretId="a", RecoveryWindowInDays=7)
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (secrets.get_secret_value, {}),
        (secrets.get_secret_value, {"VersionStage": "AWSCURRENT"}),
        (secrets.put_secret_value, {"SecretString": "two"}),
        (secrets.update_secret, {"SecretString": "two"}),
        (secrets.tag_resource, {"Tags": [{"Key": "a", "Value": "b"}]}),
        (secrets.put_resource_policy, {"ResourcePolicy": policy}),
        (secrets.update_secret_version_stage, {"VersionStage": "x", "MoveToVersionId": version}),
        (secrets.delete_secret, {"RecoveryWindowInDays": 7}),
    ]
    for call, arguments in calls:
        refused, message = refusal(call, SecretId="a", **arguments)
        assert refused == "InvalidRequestException" and "marked for deletion" in message
    refused, message = refusal(secrets.create_secret, Name="a", SecretString="x")
    assert refused == "InvalidRequestException" and "scheduled for deletion" in message
    assert secrets.describe_secret(SecretId="a")["DeletedDate"]
    secrets.restore_secret(SecretId="a")
    assert secrets.get_secret_value(SecretId="a")["SecretString"] == "one"


def test_limits_of_secrets(secrets: Any) -> None:
    secrets.create_secret(Name="a", SecretString="one")
    labels = [f"label-{number}" for number in range(21)]
    assert code(secrets.put_secret_value, SecretId="a", SecretString="x", VersionStages=labels) == (
        "LimitExceededException"
    )
    assert code(secrets.put_resource_policy, SecretId="a", ResourcePolicy="{not json") == (
        "MalformedPolicyDocumentException"
    )


# DynamoDB is moto's, made atomic


def test_only_one_of_many_wins_a_conditional_write(standin: Standin) -> None:
    table = {
        "TableName": "t",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    dynamodb = standin.client("dynamodb", config=BARE)
    dynamodb.create_table(**table)

    def take(number: int) -> str:
        item = {"pk": {"S": "lease"}, "owner": {"N": str(number)}}
        put = {"TableName": "t", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        return code_or_ok(lambda: dynamodb.put_item(**put))

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(take, range(64)))
    assert outcomes.count("ok") == 1
    assert outcomes.count("ConditionalCheckFailedException") == 63


def test_calls_of_one_service_run_one_after_another(standin: Standin) -> None:
    """What makes the test above true: the race itself is too short to provoke from outside."""
    pytest.importorskip("moto")
    from standin.middleware import Middleware

    inside: list[int] = []
    seen: list[int] = []

    def moto(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        inside.append(1)
        seen.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        start_response("200 OK", [])
        return [b"{}"]

    application = Middleware(moto)
    credential = f"AKIA{ACCOUNT}STND/20260101/{REGION}/dynamodb/aws4_request"
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "HTTP_X_AMZ_TARGET": "DynamoDB_20120810.PutItem",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
    }
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: application(dict(environ), lambda *_: None), range(6)))
    assert seen == [1] * 6
