# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in keeps ACM's rules: real boto3 over HTTP asks, openssl judges what comes out.

Other tests are only worth as much as these: what AWS refuses, the stand-in must refuse.
"""

from __future__ import annotations

import datetime
import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from standin.client import Standin, StandinError

OPENSSL_NAMES = {"RSA_2048": "Public-Key: (2048 bit)", "EC_prime256v1": "prime256v1", "EC_secp384r1": "secp384r1"}
ALGORITHMS = tuple(OPENSSL_NAMES)
PASSPHRASE = b"correct-horse-battery"
ACCOUNT = "123456789012"
OTHER_ACCOUNT = "111122223333"
REGION = "eu-west-1"
PAST = "2020-01-01T00:00:00Z"
BARE = Config(retries={"max_attempts": 0, "mode": "standard"}, parameter_validation=False)
"""Neither retries nor checks before sending: what is refused, the stand-in refused."""


class Judge:
    """openssl, with its files in a directory of the test's own."""

    def __init__(self, folder: Path, root: str) -> None:
        self._folder = folder
        self._root = self._write("root.pem", root)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)

    def verifies(self, certificate: str, chain: str) -> bool:
        leaf, above = self._write("leaf.pem", certificate), self._write("chain.pem", chain)
        done = self.run("verify", "-purpose", "sslserver", "-CAfile", self._root, "-untrusted", above, leaf)
        return done.returncode == 0

    def field(self, certificate: str, *names: str) -> str:
        return self.run("x509", "-in", self._write("leaf.pem", certificate), "-noout", *names).stdout

    def serial(self, certificate: str) -> int:
        return int(self.field(certificate, "-serial").strip().removeprefix("serial="), 16)

    def public_key_of_leaf(self, certificate: str) -> str:
        return self.field(certificate, "-pubkey")

    def public_key_of_key(self, private_key: str, passphrase: bytes = PASSPHRASE) -> str:
        """Empty if the passphrase does not open it."""
        path = self._write("key.pem", private_key)
        return self.run("pkey", "-in", path, "-passin", f"pass:{passphrase.decode()}", "-pubout").stdout

    def belongs_together(self, exported: dict[str, str]) -> bool:
        key = self.public_key_of_key(exported["PrivateKey"])
        return key != "" and key == self.public_key_of_leaf(exported["Certificate"])

    def _write(self, name: str, text: str) -> str:
        path = self._folder / name
        path.write_text(text, encoding="ascii")
        return str(path)


@pytest.fixture
def acm(standin: Standin) -> Any:
    return standin.client("acm", config=BARE)


@pytest.fixture
def secrets(standin: Standin) -> Any:
    return standin.client("secretsmanager", config=BARE)


@pytest.fixture
def judge(standin: Standin, tmp_path: Path) -> Judge:
    return Judge(tmp_path, standin.root_pem())


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def code(call: Callable[..., Any], **arguments: Any) -> str:
    return refusal(call, **arguments)[0]


def export(acm: Any, arn: str) -> dict[str, str]:
    answer: dict[str, str] = acm.export_certificate(CertificateArn=arn, Passphrase=PASSPHRASE)
    return answer


def describe(acm: Any, arn: str) -> dict[str, Any]:
    certificate: dict[str, Any] = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    return certificate


def as_number(serial: str) -> int:
    return int(serial.replace(":", ""), 16)


# Requests and issuing


def test_a_request_waits_for_validation_and_has_no_leaf(acm: Any) -> None:
    arn = acm.request_certificate(
        DomainName="shop.example.com",
        SubjectAlternativeNames=["www.example.com", "*.example.com"],
        ValidationMethod="DNS",
        Options={"Export": "ENABLED"},
        Tags=[{"Key": "app", "Value": "shop"}],
    )["CertificateArn"]

    certificate = describe(acm, arn)
    assert certificate["Status"] == "PENDING_VALIDATION"
    assert not {"Serial", "NotBefore", "NotAfter", "IssuedAt"} & set(certificate)
    assert certificate["SubjectAlternativeNames"] == ["shop.example.com", "www.example.com", "*.example.com"]
    assert certificate["RenewalEligibility"] == "INELIGIBLE"
    assert {option["ValidationStatus"] for option in certificate["DomainValidationOptions"]} == {"PENDING_VALIDATION"}
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "app", "Value": "shop"}]
    for call in (acm.get_certificate, acm.renew_certificate):
        assert code(call, CertificateArn=arn) == "RequestInProgressException"
    assert code(acm.export_certificate, CertificateArn=arn, Passphrase=PASSPHRASE) == "RequestInProgressException"


def test_a_control_call_issues_it(acm: Any, standin: Standin, judge: Judge) -> None:
    arn = acm.request_certificate(DomainName="shop.example.com", Options={"Export": "ENABLED"})["CertificateArn"]

    standin.issue(arn)

    certificate = describe(acm, arn)
    assert certificate["Status"] == "ISSUED"
    exported = export(acm, arn)
    assert as_number(certificate["Serial"]) == judge.serial(exported["Certificate"])
    with pytest.raises(StandinError, match="only PENDING_VALIDATION"):
        standin.issue(arn)


def test_auto_issue_at_once_or_after_a_delay(acm: Any, standin: Standin) -> None:
    standin.options(auto_issue=0)
    arn = acm.request_certificate(DomainName="shop.example.com")["CertificateArn"]
    assert describe(acm, arn)["Status"] == "ISSUED"
    standin.options(auto_issue=3600)
    arn = acm.request_certificate(DomainName="shop.example.com")["CertificateArn"]
    assert describe(acm, arn)["Status"] == "PENDING_VALIDATION"
    standin.update(arn, issue_due=PAST)
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 2})


def test_dns_validation_looks_at_route_53(acm: Any, standin: Standin) -> None:
    standin.options(auto_issue="dns")
    arn = acm.request_certificate(
        DomainName="example.com", SubjectAlternativeNames=["*.example.com"], ValidationMethod="DNS"
    )["CertificateArn"]
    assert describe(acm, arn)["Status"] == "PENDING_VALIDATION"
    records = [option["ResourceRecord"] for option in describe(acm, arn)["DomainValidationOptions"]]
    assert records[0] == records[1], "a name and its wildcard share one record"

    route53 = standin.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    record = records[0]
    change = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": change}]}
    )
    assert describe(acm, arn)["Status"] == "ISSUED"


def test_a_failed_request_has_a_reason(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com", issue=False)
    standin.control("fail", arn=arn, reason="CAA_ERROR")
    certificate = describe(acm, arn)
    assert (certificate["Status"], certificate["FailureReason"]) == ("FAILED", "CAA_ERROR")
    assert code(acm.export_certificate, CertificateArn=arn, Passphrase=PASSPHRASE) == "ValidationException"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"DomainName": "not a name"}, "ValidationException"),
        ({"DomainName": "a.example.com", "KeyAlgorithm": "RSA_9"}, "ValidationException"),
        ({"DomainName": "a.example.com", "KeyAlgorithm": "RSA_4096"}, "InvalidParameterException"),
        ({"DomainName": "a.example.com", "Options": {"Export": "PERHAPS"}}, "ValidationException"),
        ({"DomainName": "a.example.com", "IdempotencyToken": "with-dashes"}, "ValidationException"),
        (
            {"DomainName": "a.example.com", "SubjectAlternativeNames": [f"{i}.example.com" for i in range(10)]},
            "LimitExceededException",
        ),
    ],
)
def test_wrong_requests_are_refused(acm: Any, request_: dict[str, Any], expected: str) -> None:
    assert code(acm.request_certificate, **request_) == expected


def test_an_idempotency_token_finds_the_same_request_only(acm: Any) -> None:
    same = {"DomainName": "a.example.com", "IdempotencyToken": "token1", "Tags": [{"Key": "a", "Value": "1"}]}
    first = acm.request_certificate(**same)["CertificateArn"]
    assert acm.request_certificate(**same)["CertificateArn"] == first
    assert acm.request_certificate(**{**same, "DomainName": "b.example.com"})["CertificateArn"] != first
    assert acm.request_certificate(DomainName="a.example.com")["CertificateArn"] != first


# Export


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_export_is_a_bundle_that_openssl_accepts(acm: Any, standin: Standin, judge: Judge, algorithm: str) -> None:
    arn = standin.request("shop.example.com", names=["*.example.com"], key_algorithm=algorithm)

    exported = export(acm, arn)

    assert exported["PrivateKey"].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert judge.verifies(exported["Certificate"], exported["CertificateChain"])
    assert judge.belongs_together(exported)
    assert judge.public_key_of_key(exported["PrivateKey"], b"another-passphrase") == ""
    assert "DNS:shop.example.com, DNS:*.example.com" in judge.field(exported["Certificate"], "-ext", "subjectAltName")
    assert OPENSSL_NAMES[algorithm] in judge.field(exported["Certificate"], "-text")
    certificate = describe(acm, arn)
    assert certificate["KeyAlgorithm"] == algorithm
    assert as_number(certificate["Serial"]) == judge.serial(exported["Certificate"])
    assert all(len(byte) == 2 for byte in certificate["Serial"].split(":")) and certificate["Serial"].islower()
    read = acm.get_certificate(CertificateArn=arn)
    assert read["Certificate"] == exported["Certificate"]
    assert read["CertificateChain"] == exported["CertificateChain"]


def test_the_key_is_pbes2_with_aes_256_cbc(acm: Any, standin: Standin, judge: Judge, tmp_path: Path) -> None:
    key = export(acm, standin.request("shop.example.com"))["PrivateKey"]
    path = tmp_path / "encrypted.pem"
    path.write_text(key, encoding="ascii")
    structure = judge.run("asn1parse", "-in", str(path)).stdout
    assert "PBES2" in structure and "aes-256-cbc" in structure


def test_the_chain_is_intermediate_then_root_without_the_leaf(acm: Any, standin: Standin) -> None:
    exported = export(acm, standin.request("shop.example.com"))
    leaf = x509.load_pem_x509_certificate(exported["Certificate"].encode())
    intermediate, root = x509.load_pem_x509_certificates(exported["CertificateChain"].encode())
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root)
    assert root.subject == root.issuer


def test_openssl_refuses_a_leaf_without_its_intermediate(acm: Any, standin: Standin, judge: Judge) -> None:
    """Proof that the judge judges."""
    exported = export(acm, standin.request("shop.example.com"))
    assert not judge.verifies(exported["Certificate"], standin.root_pem())


@pytest.mark.parametrize(
    "passphrase", [b"abc", b"x" * 129, b"has#hash", b"has$dollar", b"has%percent", "pässword".encode(), b"line\nfeed"]
)
def test_bad_passphrases_are_refused_and_never_repeated(acm: Any, standin: Standin, passphrase: bytes) -> None:
    arn = standin.request("shop.example.com")
    refused, message = refusal(acm.export_certificate, CertificateArn=arn, Passphrase=passphrase)
    assert refused == "ValidationException"
    assert passphrase.decode() not in message
    assert standin.certificate(arn)["exported"] is False


@pytest.mark.parametrize("passphrase", [b"four", b"x" * 128, b'with space & "quotes" ~!@^*()'])
def test_good_passphrases_open_the_key(acm: Any, standin: Standin, passphrase: bytes) -> None:
    arn = standin.request("shop.example.com", key_algorithm="EC_prime256v1")
    exported = acm.export_certificate(CertificateArn=arn, Passphrase=passphrase)
    serialization.load_pem_private_key(exported["PrivateKey"].encode(), passphrase)


@pytest.mark.parametrize(
    ("details", "cause"),
    [
        ({"export": False}, "not an exportable"),
        ({"created_at": "2025-06-16T23:59:59Z"}, "before June 17, 2025"),
        ({"key_pair_origin": "ACME"}, "ACME"),
        ({"status": "REVOKED"}, "REVOKED"),
        ({"status": "INACTIVE"}, "INACTIVE"),
    ],
)
def test_what_cannot_be_exported(acm: Any, standin: Standin, details: dict[str, Any], cause: str) -> None:
    arn = standin.request("shop.example.com", **details)
    refused, message = refusal(acm.export_certificate, CertificateArn=arn, Passphrase=PASSPHRASE)
    assert refused == "ValidationException"
    assert cause in message


def test_one_made_on_the_first_day_can_be_exported(acm: Any, standin: Standin) -> None:
    assert export(acm, standin.request("shop.example.com", created_at="2025-06-17T00:00:00Z"))


def test_the_export_option_cannot_be_changed_later(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com", export=False)
    change = {"CertificateArn": arn, "Options": {"Export": "ENABLED"}}
    assert code(acm.update_certificate_options, **change) == "ValidationException"
    acm.update_certificate_options(CertificateArn=arn, Options={"Export": "DISABLED"})
    assert code(acm.export_certificate, CertificateArn=arn, Passphrase=PASSPHRASE) == "ValidationException"


def test_exported_says_whether_it_was_not_whether_it_may(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    assert acm.list_certificates()["CertificateSummaryList"][0]["Exported"] is False
    export(acm, arn)
    summary = acm.list_certificates()["CertificateSummaryList"][0]
    assert (summary["Exported"], summary["ExportOption"]) == (True, "ENABLED")


# ARNs


NO_ID = "7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("nonsense", "ValidationException"),
        ("arn:aws:acm:eu-west-1:123456789012:certificate with spaces/x", "ValidationException"),
        (f"arn:aws:acm:{REGION}:{ACCOUNT}:endpoint/{NO_ID}", "InvalidArnException"),
        (f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{NO_ID}", "ResourceNotFoundException"),
        (f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/{NO_ID}", "ResourceNotFoundException"),
        (f"arn:aws:acm:{REGION}:{OTHER_ACCOUNT}:certificate/{NO_ID}", "ResourceNotFoundException"),
    ],
)
def test_wrong_arns(acm: Any, arn: str, expected: str) -> None:
    for call in (acm.describe_certificate, acm.get_certificate, acm.renew_certificate, acm.delete_certificate):
        assert code(call, CertificateArn=arn) == expected
    assert code(acm.export_certificate, CertificateArn=arn, Passphrase=PASSPHRASE) == expected


def test_a_certificate_is_only_seen_from_its_account_and_region(standin: Standin) -> None:
    arn = standin.request("shop.example.com", account=OTHER_ACCOUNT, region="us-east-1")
    assert f":us-east-1:{OTHER_ACCOUNT}:" in arn
    here = standin.client("acm", account=OTHER_ACCOUNT, region="us-east-1")
    assert describe(here, arn)["Status"] == "ISSUED"
    for place in ({"account": OTHER_ACCOUNT}, {"region": "us-east-1"}):
        other = standin.client("acm", **place)
        assert other.list_certificates()["CertificateSummaryList"] == []
        assert code(other.describe_certificate, CertificateArn=arn) == "ResourceNotFoundException"


def test_an_assumed_role_acts_in_its_own_account(standin: Standin) -> None:
    arn = standin.request("shop.example.com", account=OTHER_ACCOUNT)
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/certops"
    sts = standin.client("sts")
    standin.control("external_id", role_arn=role, external_id="team-a")
    assume = {"RoleArn": role, "RoleSessionName": "certops-acm"}
    assert code(sts.assume_role, **assume, ExternalId="team-b") == "AccessDenied"
    assert code(sts.assume_role, **assume) == "AccessDenied"

    keys = sts.assume_role(**assume, ExternalId="team-a")["Credentials"]

    assumed = dict(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    import boto3

    session = boto3.session.Session(**assumed, region_name=REGION)
    assert describe(session.client("acm", endpoint_url=standin.url), arn)["Status"] == "ISSUED"
    standin.deny("acm:DescribeCertificate")
    refused = refusal(session.client("acm", endpoint_url=standin.url).describe_certificate, CertificateArn=arn)
    assert f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/certops/certops-acm" in refused[1]


# Renewal


def test_a_renewal_keeps_the_arn_and_changes_all_else(acm: Any, standin: Standin, judge: Judge) -> None:
    arn = standin.request("shop.example.com", key_algorithm="EC_prime256v1")
    before = export(acm, arn)

    acm.renew_certificate(CertificateArn=arn)

    after = export(acm, arn)
    assert judge.serial(before["Certificate"]) != judge.serial(after["Certificate"])
    assert judge.public_key_of_leaf(before["Certificate"]) != judge.public_key_of_leaf(after["Certificate"])
    assert judge.field(before["Certificate"], "-issuer") != judge.field(after["Certificate"], "-issuer")
    assert judge.verifies(after["Certificate"], after["CertificateChain"]) and judge.belongs_together(after)
    assert not judge.verifies(after["Certificate"], before["CertificateChain"]), "the old chain does not fit"
    assert describe(acm, arn)["RenewalSummary"]["RenewalStatus"] == "SUCCESS"


def test_eligibility_needs_an_export_since_the_last_renewal_or_use(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")

    def eligibility() -> str:
        return str(describe(acm, arn)["RenewalEligibility"])

    assert eligibility() == "INELIGIBLE"
    with pytest.raises(StandinError, match="not eligible"):
        standin.renew(arn)
    export(acm, arn)
    assert eligibility() == "ELIGIBLE"
    standin.renew(arn)
    assert eligibility() == "INELIGIBLE", "one missed export ends renewals"
    standin.update(arn, in_use_by=["arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/x/1"])
    assert eligibility() == "ELIGIBLE"


def test_renew_refuses_what_was_not_exported(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    refused, message = refusal(acm.renew_certificate, CertificateArn=arn)
    assert refused == "ValidationException" and "EXPORT" in message
    export(acm, arn)
    acm.renew_certificate(CertificateArn=arn)
    assert code(acm.renew_certificate, CertificateArn=arn) == "ValidationException"


def test_a_renewal_that_takes_time(acm: Any, standin: Standin) -> None:
    standin.options(renew_seconds=3600)
    arn = standin.request("shop.example.com")
    serial = describe(acm, arn)["Serial"]
    export(acm, arn)
    acm.renew_certificate(CertificateArn=arn)
    pending = describe(acm, arn)
    assert (pending["Serial"], pending["RenewalSummary"]["RenewalStatus"]) == (serial, "PENDING_AUTO_RENEWAL")
    assert code(acm.renew_certificate, CertificateArn=arn) == "RequestInProgressException"
    standin.update(arn, renewal_due=PAST)
    assert describe(acm, arn)["Serial"] != serial


def test_exports_stay_old_for_a_number_of_calls(acm: Any, standin: Standin, judge: Judge) -> None:
    arn = standin.request("shop.example.com")
    old = judge.serial(export(acm, arn)["Certificate"])
    standin.renew(arn, stale_calls=2)
    serials = [judge.serial(export(acm, arn)["Certificate"]) for _unused in range(2)]
    assert serials == [old, old]
    assert describe(acm, arn)["RenewalEligibility"] == "INELIGIBLE", "the old leaf's export does not count"
    assert judge.serial(export(acm, arn)["Certificate"]) != old
    assert describe(acm, arn)["RenewalEligibility"] == "ELIGIBLE"


def test_exports_stay_old_for_some_seconds(acm: Any, standin: Standin, judge: Judge) -> None:
    standin.options(stale_seconds=3600)
    arn = standin.request("shop.example.com", key_algorithm="EC_prime256v1")
    old = judge.serial(export(acm, arn)["Certificate"])
    acm.renew_certificate(CertificateArn=arn)
    assert judge.serial(acm.get_certificate(CertificateArn=arn)["Certificate"]) == old
    standin.update(arn, stale_until=PAST)
    assert judge.serial(export(acm, arn)["Certificate"]) != old


def test_a_failed_renewal_tells_its_reason(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    standin.control("renewal_failed", arn=arn, reason="CAA_ERROR", status="FAILED")
    summary = describe(acm, arn)["RenewalSummary"]
    assert (summary["RenewalStatus"], summary["RenewalStatusReason"]) == ("FAILED", "CAA_ERROR")


# Validity


def test_a_public_certificate_lives_198_days_from_midnight(acm: Any, standin: Standin) -> None:
    certificate = describe(acm, standin.request("shop.example.com"))
    life = certificate["NotAfter"] - certificate["NotBefore"]
    assert life == datetime.timedelta(days=198, seconds=-1)
    assert certificate["NotBefore"].astimezone(datetime.timezone.utc).time() == datetime.time(0)


def test_validity_can_be_chosen(acm: Any, standin: Standin, judge: Judge) -> None:
    arn = standin.request("shop.example.com", validity={"days_left": 3})
    export(acm, arn)
    soon = describe(acm, arn)["NotAfter"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=2, hours=23) < soon <= datetime.timedelta(days=3)
    standin.renew(arn, not_before="2026-01-02T03:04:05Z", not_after="2046-01-01T00:00:00Z")
    dates = judge.field(export(acm, arn)["Certificate"], "-startdate", "-enddate")
    assert "Jan  2 03:04:05 2026" in dates and "Jan  1 00:00:00 2046" in dates


def test_time_makes_it_expire(acm: Any, standin: Standin, judge: Judge) -> None:
    arn = standin.request("shop.example.com")
    serial = describe(acm, arn)["Serial"]
    standin.expire(arn)
    certificate = describe(acm, arn)
    assert (certificate["Status"], certificate["Serial"]) == ("EXPIRED", serial)
    assert certificate["RenewalEligibility"] == "INELIGIBLE"
    exported = export(acm, arn)
    assert not judge.verifies(exported["Certificate"], exported["CertificateChain"])
    assert judge.belongs_together(exported)
    assert [event["detail-type"] for event in standin.events()][-1] == "ACM Certificate Expired"


# Revocation, deletion


def test_revocation_is_for_exported_public_certificates_and_final(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    revoke = {"CertificateArn": arn, "RevocationReason": "KEY_COMPROMISE"}
    assert code(acm.revoke_certificate, **revoke) == "ValidationException"
    export(acm, arn)
    assert code(acm.revoke_certificate, **{**revoke, "RevocationReason": "BORED"}) == "ValidationException"

    assert acm.revoke_certificate(**revoke)["CertificateArn"] == arn

    certificate = describe(acm, arn)
    assert (certificate["Status"], certificate["RevocationReason"]) == ("REVOKED", "KEY_COMPROMISE")
    assert certificate["RevokedAt"]
    assert code(acm.revoke_certificate, **revoke) == "ConflictException"
    assert code(acm.renew_certificate, CertificateArn=arn) == "ValidationException"
    assert code(acm.export_certificate, CertificateArn=arn, Passphrase=PASSPHRASE) == "ValidationException"
    assert acm.get_certificate(CertificateArn=arn)["Certificate"]


def test_what_is_in_use_is_neither_deleted_nor_revoked(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    export(acm, arn)
    standin.update(arn, in_use_by=["arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/x/1"])
    assert code(acm.delete_certificate, CertificateArn=arn) == "ResourceInUseException"
    assert code(acm.revoke_certificate, CertificateArn=arn, RevocationReason="SUPERSEDED") == "ResourceInUseException"
    standin.update(arn, in_use_by=[])
    acm.delete_certificate(CertificateArn=arn)
    assert code(acm.describe_certificate, CertificateArn=arn) == "ResourceNotFoundException"


# Listing and searching


def listed(acm: Any, **arguments: Any) -> set[str]:
    return {item["DomainName"] for item in acm.list_certificates(**arguments)["CertificateSummaryList"]}


def test_the_list_leaves_out_ec_and_acme_unless_asked(acm: Any, standin: Standin) -> None:
    for number, algorithm in enumerate(ALGORITHMS):
        standin.request(f"{number}.example.com", key_algorithm=algorithm)
    standin.request("acme.example.com", key_pair_origin="ACME")
    every_key = {"keyTypes": list(ALGORITHMS)}
    every_origin = ["AWS_MANAGED", "ACME", "CUSTOMER_PROVIDED"]
    rsa_only = {"0.example.com"}
    managed = rsa_only | {"1.example.com", "2.example.com"}

    assert listed(acm) == rsa_only
    assert listed(acm, Includes={"exportOption": "ENABLED"}) == rsa_only
    assert listed(acm, Includes=every_key) == managed
    assert listed(acm, Includes=every_key, CertificateKeyPairOrigins=every_origin) == managed | {"acme.example.com"}
    assert listed(acm, CertificateStatuses=["EXPIRED"]) == set()


def test_list_pages(acm: Any, standin: Standin) -> None:
    standin.seed(2500)
    pages = list(acm.get_paginator("list_certificates").paginate(PaginationConfig={"PageSize": 1000}))
    assert [len(page["CertificateSummaryList"]) for page in pages] == [1000, 1000, 500]
    arns = {item["CertificateArn"] for page in pages for item in page["CertificateSummaryList"]}
    assert len(arns) == 2500
    assert standin.counts() == {"acm:ListCertificates": 3}
    assert code(acm.list_certificates, MaxItems=1001) == "ValidationException"
    assert code(acm.list_certificates, MaxItems=0) == "ValidationException"
    assert code(acm.list_certificates, NextToken="made-up") == "ValidationException"


def test_a_summary_says_enough(acm: Any, standin: Standin) -> None:
    standin.request("shop.example.com", names=["www.example.com"])
    (summary,) = acm.list_certificates()["CertificateSummaryList"]
    assert summary["SubjectAlternativeNameSummaries"] == ["shop.example.com", "www.example.com"]
    expected = {"Status", "Type", "KeyAlgorithm", "ExportOption", "Exported", "InUse", "NotAfter", "RenewalEligibility"}
    assert expected <= set(summary)
    assert "Serial" not in summary


def found(acm: Any, **statement: Any) -> set[str]:
    results = acm.search_certificates(FilterStatement=statement)["Results"]
    return {result["X509Attributes"]["Subject"]["CommonName"] for result in results}


def metadata(name: str, value: Any) -> dict[str, Any]:
    return {"Filter": {"AcmCertificateMetadataFilter": {name: value}}}


def attribute(name: str, value: Any) -> dict[str, Any]:
    return {"Filter": {"X509AttributeFilter": {name: value}}}


def test_search_filters(acm: Any, standin: Standin) -> None:
    one = standin.request("one.example.com", names=["alias.example.org"], validity={"days_left": 10})
    two = standin.request("two.example.com", key_algorithm="EC_prime256v1")
    standin.request("three.example.com", issue=False, export=False)
    serial = describe(acm, two)["Serial"]
    export(acm, one)
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
    name_filter = {"DnsName": {"Value": "ALIAS", "ComparisonOperator": "CONTAINS"}}
    equals = {"CommonName": {"Value": "one.example", "ComparisonOperator": "EQUALS"}}
    everything = {"one.example.com", "two.example.com", "three.example.com"}

    assert {r["CertificateArn"] for r in acm.search_certificates()["Results"]} >= {one, two}
    assert found(acm, Filter={"CertificateArn": one}) == {"one.example.com"}
    assert found(acm, **attribute("SerialNumber", serial)) == {"two.example.com"}
    assert found(acm, **attribute("KeyAlgorithm", "EC_prime256v1")) == {"two.example.com"}
    assert found(acm, **attribute("NotAfter", {"End": soon})) == {"one.example.com"}
    assert found(acm, **attribute("SubjectAlternativeName", name_filter)) == {"one.example.com"}
    assert found(acm, **attribute("Subject", equals)) == set()
    assert found(acm, **metadata("Status", "PENDING_VALIDATION")) == {"three.example.com"}
    assert found(acm, **metadata("Exported", True)) == {"one.example.com"}
    assert found(acm, **metadata("ExportOption", "ENABLED")) == everything - {"three.example.com"}
    assert found(acm, Not=metadata("Status", "ISSUED")) == {"three.example.com"}
    assert found(acm, Or=[{"Filter": {"CertificateArn": arn}} for arn in (one, two)]) == everything - {
        "three.example.com"
    }
    assert found(acm, And=[metadata("Status", "ISSUED"), metadata("Exported", False)]) == {"two.example.com"}


def test_search_refuses_what_the_model_forbids(acm: Any) -> None:
    sixteen = [metadata("Status", "ISSUED")] * 16
    assert code(acm.search_certificates, FilterStatement={"Or": sixteen}) == "ValidationException"
    assert code(acm.search_certificates, MaxResults=501) == "ValidationException"
    serial = attribute("SerialNumber", "0A1B")
    assert code(acm.search_certificates, FilterStatement=serial) == "ValidationException"


def test_search_pages_and_sorts(acm: Any, standin: Standin) -> None:
    standin.seed(1100, key_algorithm="EC_prime256v1", validity={"lifetime_days": 90})
    paginator = acm.get_paginator("search_certificates")
    sort = {"SortBy": "COMMON_NAME", "SortOrder": "DESCENDING"}
    pages = list(paginator.paginate(**sort, PaginationConfig={"PageSize": 500}))
    assert [len(page["Results"]) for page in pages] == [500, 500, 100]
    attributes = [result["X509Attributes"] for page in pages for result in page["Results"]]
    names = [one["Subject"]["CommonName"] for one in attributes]
    assert names == sorted(names, reverse=True)
    lives = {one["NotAfter"] - one["NotBefore"] for one in attributes}
    assert lives == {datetime.timedelta(days=90, seconds=-1)}
    token = pages[0]["NextToken"]
    assert code(acm.search_certificates, NextToken=token) == "ValidationException", "a token fits its request only"


def test_tags_come_from_the_tagging_api(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com", tags={"team": "web"})
    standin.request("other.example.com", tags={"team": "mail"})
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "tier", "Value": "1"}])
    tagging = standin.client("resourcegroupstaggingapi")
    answer = tagging.get_resources(
        ResourceTypeFilters=["acm:certificate"], TagFilters=[{"Key": "team", "Values": ["web"]}]
    )
    (mapping,) = answer["ResourceTagMappingList"]
    assert mapping["ResourceARN"] == arn
    assert {tag["Key"]: tag["Value"] for tag in mapping["Tags"]} == {"team": "web", "tier": "1"}
    assert standin.counts()["tag:GetResources"] == 1


# Imported and private certificates


def self_signed(key: Any, name: str = "import.example.com", days: int = 30) -> bytes:
    moment = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - datetime.timedelta(days=60))
        .not_valid_after(moment + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: Any) -> bytes:
    plain: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return plain


def test_an_imported_certificate_is_never_exported_or_renewed(acm: Any, standin: Standin) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    arn = acm.import_certificate(Certificate=self_signed(key), PrivateKey=key_pem(key))["CertificateArn"]
    certificate = describe(acm, arn)
    assert (certificate["Type"], certificate["Status"], certificate["KeyAlgorithm"]) == (
        "IMPORTED",
        "ISSUED",
        "EC_prime256v1",
    )
    assert certificate["RenewalEligibility"] == "INELIGIBLE" and "ImportedAt" in certificate
    refused, message = refusal(acm.export_certificate, CertificateArn=arn, Passphrase=PASSPHRASE)
    assert refused == "ValidationException" and "import" in message
    assert code(acm.renew_certificate, CertificateArn=arn) == "ValidationException"

    again = self_signed(key)
    assert acm.import_certificate(CertificateArn=arn, Certificate=again, PrivateKey=key_pem(key)) is not None
    assert describe(acm, arn)["Serial"] != certificate["Serial"]
    assert [event["detail"]["Action"] for event in standin.events()] == ["IMPORT", "REIMPORT"]


def test_wrong_imports_are_refused(acm: Any, standin: Standin) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _unused in range(2))
    good = {"Certificate": self_signed(key), "PrivateKey": key_pem(key)}
    arn = acm.import_certificate(**good)["CertificateArn"]
    managed = standin.request("shop.example.com", key_algorithm="EC_prime256v1")
    before = describe(acm, managed)
    big = rsa.generate_private_key(65537, 2048)
    wrong: list[dict[str, Any]] = [
        {**good, "PrivateKey": key_pem(other)},
        {**good, "PrivateKey": b"rubbish"},
        {**good, "Certificate": b"rubbish"},
        {**good, "Certificate": good["Certificate"] * 2},
        {**good, "Certificate": self_signed(key, days=-1)},
        {**good, "CertificateChain": self_signed(other)},
        {**good, "CertificateArn": managed},
        {**good, "CertificateArn": arn, "Tags": [{"Key": "a", "Value": "b"}]},
        {"CertificateArn": arn, "Certificate": self_signed(big), "PrivateKey": key_pem(big)},
    ]
    for request in wrong:
        assert code(acm.import_certificate, **request) == "ValidationException", request.keys()
    assert describe(acm, managed) == before, "a managed certificate is not spoiled"


def test_a_private_certificate_is_signed_by_its_ca(acm: Any, standin: Standin, tmp_path: Path) -> None:
    authority = standin.control("private_ca", common_name="Team Root")
    arn = acm.request_certificate(
        DomainName="internal.example.com", CertificateAuthorityArn=authority["arn"], KeyAlgorithm="EC_secp384r1"
    )["CertificateArn"]
    certificate = describe(acm, arn)
    assert (certificate["Type"], certificate["Status"]) == ("PRIVATE", "ISSUED")
    exported = export(acm, arn)
    judge = Judge(tmp_path, authority["root"])
    assert judge.verifies(exported["Certificate"], exported["CertificateChain"]) and judge.belongs_together(exported)
    assert not Judge(tmp_path, standin.root_pem()).verifies(exported["Certificate"], exported["CertificateChain"])
    acm.renew_certificate(CertificateArn=arn)
    assert code(acm.revoke_certificate, CertificateArn=arn, RevocationReason="SUPERSEDED") == "ValidationException"
    pca = standin.client("acm-pca")
    told = pca.describe_certificate_authority(CertificateAuthorityArn=authority["arn"])["CertificateAuthority"]
    assert told["Status"] == "ACTIVE"


def test_a_private_request_without_a_ca_fails(acm: Any) -> None:
    unknown = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/{uuid.uuid4()}"
    arn = acm.request_certificate(DomainName="internal.example.com", CertificateAuthorityArn=unknown)["CertificateArn"]
    certificate = describe(acm, arn)
    assert (certificate["Status"], certificate["FailureReason"]) == ("FAILED", "PCA_RESOURCE_NOT_FOUND")


# Events


def test_events_have_the_documented_shape(acm: Any, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    export(acm, arn)
    standin.renew(arn)
    standin.control("approaching", arn=arn)
    standin.control("renewal_failed", arn=arn, reason="CAA_ERROR")
    acm.revoke_certificate(CertificateArn=arn, RevocationReason="KEY_COMPROMISE")

    events = standin.events()

    assert [event["detail-type"] for event in events] == [
        "ACM Certificate Available",
        "ACM Certificate Available",
        "ACM Certificate Approaching Expiration",
        "ACM Certificate Renewal Action Required",
        "ACM Certificate Revoked",
    ]
    for event in events:
        assert set(event) == {
            *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"),
        }
        assert (event["source"], event["account"], event["region"]) == ("aws.acm", ACCOUNT, REGION)
        assert event["resources"] == [arn]
    issued, renewed, approaching, required, revoked = (event["detail"] for event in events)
    assert set(renewed) == {
        *("Action", "CertificateType", "CommonName", "FirstSubjectAlternativeName", "ValidityInDays"),
        *("CertificateKeyPairOrigin", "DomainValidationMethod", "CertificateCreatedDate"),
        *("CertificateExpirationDate", "DaysToExpiry", "InUse", "Exported"),
    }
    assert (issued["Action"], issued["Exported"]) == ("ISSUANCE", False)
    assert (renewed["Action"], renewed["Exported"], renewed["ValidityInDays"]) == ("RENEWAL", True, 198)
    assert set(approaching) == {"DaysToExpiry", "CommonName"}
    assert required["RenewalStatusReason"] == "CAA_ERROR"
    assert set(revoked) == {"CertificateType", "CommonName", "CertificateExpirationDate", "Exportable"}


@pytest.mark.parametrize(
    ("style", "exported"), [("bool", {"Exported": False}), ("string", {"Exported": "FALSE"}), ("minimal", {})]
)
def test_events_come_in_three_styles(standin: Standin, style: str, exported: dict[str, Any]) -> None:
    standin.options(event_style=style)
    standin.request("shop.example.com")
    detail = standin.events()[0]["detail"]
    assert {name: detail[name] for name in detail if name == "Exported"} == exported
    if style == "minimal":
        assert detail == {"Action": "ISSUANCE", "CertificateType": "AMAZON_ISSUED"}


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
        assert {_code_or_ok(unlimited.search_certificates) for _unused in many} == {"ok"}
        standin.options(quotas=True)
        codes = list(pool.map(lambda _: _code_or_ok(unlimited.search_certificates), many))
    assert codes.count("ok") >= 5 and "ThrottlingException" in codes
    patient = standin.client("acm", config=Config(retries={"max_attempts": 8, "mode": "adaptive"}))
    for _unused in range(10):
        patient.search_certificates()


def _code_or_ok(call: Callable[..., Any]) -> str:
    try:
        call()
    except ClientError as problem:
        return str(problem.response["Error"]["Code"])
    return "ok"


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
        return _code_or_ok(lambda: dynamodb.put_item(**put))

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
