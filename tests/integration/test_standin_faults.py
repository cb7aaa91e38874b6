# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in counts calls, goes wrong when it is told to, and starts and ends as a process; contract.py judges."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from integration.contract import (
    ACCOUNT,
    BARE,
    OTHER_ACCOUNT,
    PASSPHRASE,
    REGION,
    Judge,
    code,
    code_or_ok,
    describe,
    export,
    refusal,
)

from standin.client import Standin, StandinError

# Counting and faults


def test_every_call_of_every_service_is_counted(acm: Any, secrets: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    export(acm, arn)
    secrets.create_secret(Name="a", SecretString="x")
    standin.client("sts").get_caller_identity()
    standin.client("ec2").describe_instances()
    standin.client("dynamodb").list_tables()
    code(secrets.get_secret_value, SecretId="missing")
    assert standin.counts() == {
        "acm:ExportCertificate": 1,
        "dynamodb:ListTables": 1,
        "ec2:DescribeInstances": 1,
        "secretsmanager:CreateSecret": 1,
        "secretsmanager:GetSecretValue": 1,
        "sts:GetCallerIdentity": 1,
    }
    log = standin.calls()
    assert (log[0]["action"], log[0]["status"]) == ("acm:ExportCertificate", 200)
    assert log[0]["resource"] == arn and log[0]["account"] == ACCOUNT
    assert log[-1]["error"] == "ResourceNotFoundException"
    assert PASSPHRASE.decode() not in json.dumps(log)
    standin.reset_counts()
    assert standin.counts() == {}


def test_denied_actions_are_refused_as_each_service_does(standin: Standin, acm: Any, secrets: Any) -> None:
    arn = standin.request("shop.example.com")
    secrets.create_secret(Name="a", SecretString="x")
    for action in ("acm:Describe*", "secretsmanager:GetSecretValue", "sts:AssumeRole", "ec2:*", "dynamodb:Query"):
        standin.deny(action)

    assert refusal(acm.describe_certificate, CertificateArn=arn) == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/standin is not authorized to perform: acm:DescribeCertificate on "
        f"resource: {arn} because no identity-based policy allows the acm:DescribeCertificate action",
    )
    refused, message = refusal(secrets.get_secret_value, SecretId="a")
    assert refused == "AccessDeniedException"
    assert f"on resource: arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:a" in message
    role = f"arn:aws:iam::{ACCOUNT}:role/x"
    assert code(standin.client("sts").assume_role, RoleArn=role, RoleSessionName="session") == "AccessDenied"
    assert code(standin.client("ec2").describe_instances) == "UnauthorizedOperation"
    query = {"TableName": "t", "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "x"}}}
    refused, message = refusal(standin.client("dynamodb").query, **query)
    assert refused == "AccessDeniedException" and f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t" in message
    assert export(acm, arn), "what is not denied still works"
    standin.clear_faults()
    assert describe(acm, arn)


def test_a_denial_can_be_narrow(standin: Standin, acm: Any) -> None:
    one, two = standin.request("one.example.com"), standin.request("two.example.com")
    standin.deny("acm:ExportCertificate", resource=one)
    assert code(acm.export_certificate, CertificateArn=one, Passphrase=PASSPHRASE) == "AccessDeniedException"
    assert export(acm, two)
    standin.deny("acm:DescribeCertificate", account=OTHER_ACCOUNT)
    assert describe(acm, one)


def test_throttling_ends_after_its_calls(standin: Standin, acm: Any) -> None:
    arn = standin.request("shop.example.com")
    standin.throttle("acm:DescribeCertificate", 2)
    for _unused in range(2):
        with pytest.raises(ClientError) as caught:
            describe(acm, arn)
        assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert describe(acm, arn)
    assert standin.counts() == {"acm:DescribeCertificate": 3}


def test_an_error_of_choice_before_or_after_the_call(standin: Standin, secrets: Any) -> None:
    standin.fault("secretsmanager:CreateSecret", "InternalServiceError", status=500, times=1)
    assert code(secrets.create_secret, Name="a", SecretString="x") == "InternalServiceError"
    assert code(secrets.describe_secret, SecretId="a") == "ResourceNotFoundException"
    standin.fault("secretsmanager:CreateSecret", "InternalServiceError", status=500, times=1, lose_answer=True)
    assert code(secrets.create_secret, Name="a", SecretString="x") == "InternalServiceError"
    assert secrets.describe_secret(SecretId="a")["Name"] == "a"


def test_latency(standin: Standin, acm: Any) -> None:
    standin.latency("acm:List*", 1000)
    acm.list_certificates()
    acm.search_certificates()
    slow, quick = (call["milliseconds"] for call in standin.calls())
    assert slow >= 1000 > quick


def test_quotas_are_an_option(standin: Standin) -> None:
    unlimited = standin.client("acm", config=BARE)
    many = range(60)
    with ThreadPoolExecutor(8) as pool:
        assert {code_or_ok(unlimited.search_certificates) for _unused in many} == {"ok"}
        standin.options(quotas=True)
        codes = list(pool.map(lambda _: code_or_ok(unlimited.search_certificates), many))
    assert codes.count("ok") >= 5 and "ThrottlingException" in codes
    patient = standin.client("acm", config=Config(retries={"max_attempts": 8, "mode": "adaptive"}))
    for _unused in range(10):
        patient.search_certificates()


# Tampering


@pytest.mark.parametrize("kind", ["drop_chain", "reverse_chain", "other_chain", "expired", "not_yet_valid"])
def test_tampered_chains_and_dates_do_not_verify(acm: Any, standin: Standin, judge: Judge, kind: str) -> None:
    arn = standin.request("shop.example.com", key_algorithm="EC_prime256v1")
    standin.tamper(arn, kind, times=1)
    spoiled = export(acm, arn)
    assert judge.belongs_together(spoiled)
    if kind == "reverse_chain":
        root, intermediate = x509.load_pem_x509_certificates(spoiled["CertificateChain"].encode())
        assert root.subject == root.issuer == intermediate.issuer
    else:
        assert not judge.verifies(spoiled["Certificate"], spoiled.get("CertificateChain", ""))
    assert judge.verifies(export(acm, arn)["Certificate"], export(acm, arn)["CertificateChain"]), "it wears off"


def test_tampered_keys_and_names(acm: Any, standin: Standin, judge: Judge) -> None:
    arn = standin.request("shop.example.com")
    standin.tamper(arn, "other_key", times=1)
    assert not judge.belongs_together(export(acm, arn))
    standin.tamper(arn, "other_names", times=1)
    spoiled = export(acm, arn)
    assert judge.belongs_together(spoiled)
    assert "shop.example.com" not in judge.field(spoiled["Certificate"], "-ext", "subjectAltName")
    standin.tamper(arn, "garbage_certificate", times=1)
    assert judge.field(export(acm, arn)["Certificate"], "-serial") == ""
    with pytest.raises(StandinError, match="no such tampering"):
        standin.tamper(arn, "everything")


# The process itself


def test_ten_thousand_certificates_are_quick(standin: Standin) -> None:
    started = time.monotonic()
    arns = standin.seed(10_000, tags={"team": "web"})
    assert len(set(arns)) == 10_000
    assert time.monotonic() - started < 30
    assert standin.events() == []


def test_reset_forgets_all_but_the_root(standin: Standin, acm: Any, secrets: Any) -> None:
    root = standin.root_pem()
    standin.request("shop.example.com")
    secrets.create_secret(Name="a", SecretString="x")
    standin.options(stale_exports=3)
    standin.deny("acm:*")
    standin.reset()
    assert acm.list_certificates()["CertificateSummaryList"] == []
    assert secrets.list_secrets()["SecretList"] == []
    assert standin.options()["stale_exports"] == 0
    assert standin.events() == []
    assert standin.root_pem() == root


def test_control_tells_what_is_wrong(standin: Standin) -> None:
    with pytest.raises(StandinError, match="no control call 'explode'"):
        standin.control("explode")
    with pytest.raises(StandinError, match="no such option: colour"):
        standin.options(colour="red")
    with pytest.raises(StandinError, match="Could not find certificate"):
        standin.issue(f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{uuid.uuid4()}")
    with pytest.raises(StandinError, match="write it like acm:ExportCertificate"):
        standin.deny("ExportCertificate")
    with pytest.raises(StandinError, match="key_algorithm must be one of"):
        standin.request("shop.example.com", key_algorithm="DSA")


def test_it_listens_on_this_machine_only_and_ends_when_told(tmp_path: Path) -> None:
    with Standin(log=str(tmp_path / "log")) as other:
        port = int(other.url.rpartition(":")[2])
        assert other.url.startswith("http://127.0.0.1:")
        assert other.control("health") == {"ok": True}
        assert _bound_addresses(port) == {"127.0.0.1"}
        assert other.env["AWS_ENDPOINT_URL"] == other.url
        assert len(other.env["AWS_SECRET_ACCESS_KEY"]) > 30
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with pytest.raises(StandinError, match="no stand-in answers"):
        other.control("health")


def _bound_addresses(port: int) -> set[str]:
    """Local addresses of listening sockets on this port, from the kernel's own table."""
    listening = "0A"
    lines = Path(f"/proc/{os.getpid()}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    sockets = [line.split()[1:4:2] for line in lines]
    return {
        socket.inet_ntoa(bytes.fromhex(local.split(":")[0])[::-1])
        for local, state in sockets
        if state == listening and int(local.split(":")[1], 16) == port
    }


def test_a_client_that_cannot_start_says_why() -> None:
    with pytest.raises(StandinError, match="did not start"):
        Standin(python="/bin/false").start()
