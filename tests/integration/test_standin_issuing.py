# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in issues and exports as ACM does; contract.py judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from integration.contract import (
    ACCOUNT,
    ALGORITHMS,
    OPENSSL_NAMES,
    OTHER_ACCOUNT,
    PASSPHRASE,
    PAST,
    REGION,
    Judge,
    as_number,
    code,
    describe,
    export,
    refusal,
)

from standin.client import Standin, StandinError

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
