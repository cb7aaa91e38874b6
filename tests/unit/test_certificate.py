# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates as ACM's three answers describe them, their ARNs and serials, and what can be exported."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.module_utils.certificate import (
    Certificate,
    CertificateArn,
    ensure_exportable,
    iso_utc,
    normalize_serial,
    parse_iso,
)
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
BEGIN = datetime(2026, 10, 2, 2, 0, tzinfo=timezone(timedelta(hours=2)))
END = datetime(2027, 4, 17, 23, 59, 59, tzinfo=timezone.utc)
CREATED = datetime(2026, 10, 1, tzinfo=timezone.utc)

ISSUED = Certificate(
    arn=ARN,
    account="111122223333",
    region="eu-west-1",
    domain_name="www.example.com",
    names=("www.example.com",),
    status="ISSUED",
    type="AMAZON_ISSUED",
    export_option="ENABLED",
    not_after="2027-04-17T23:59:59Z",
    created_at="2026-10-01T00:00:00Z",
)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"])
def test_arn_comes_apart_and_together(partition: str) -> None:
    text = f"arn:{partition}:acm:eu-west-1:111122223333:certificate/0a-1b"
    arn = CertificateArn.parse(f" {text}\n")
    assert (arn.partition, arn.region, arn.account, arn.id) == (partition, "eu-west-1", "111122223333", "0a-1b")
    assert str(arn) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "www.example.com",
        "arn:aws:acm:eu-west-1:111122223333:certificate/",
        "arn:aws:acm::111122223333:certificate/0a",
        "arn:aws:acm:eu-west-1:1111:certificate/0a",
        "arn:aws:iam:eu-west-1:111122223333:certificate/0a",
        "arn:aws:acm:eu-west-1:111122223333:certificate/0a/b",
        "arn:aws:acm:eu-west-1:111122223333:certificate/0a extra",
    ],
)
def test_what_is_no_arn_is_refused_with_the_form_of_one(text: str) -> None:
    with pytest.raises(CertificateError, match=r"expected arn:aws:acm:<region>:<account>:certificate/<id>") as caught:
        CertificateArn.parse(text)
    assert f"'{text}'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "serial"),
    [
        ("0A:1b:FF", "a1bff"),
        ("00:00:0a", "a"),
        ("0x0A1B", "a1b"),
        ("0a1b", "a1b"),
        (" 10 ", "10"),
        ("00", "0"),
    ],
)
def test_serial_is_hex_without_ornament(text: str, serial: str) -> None:
    assert normalize_serial(text) == serial


@pytest.mark.parametrize("text", ["", ":", "0x", "12-34", "xyz"])
def test_what_is_no_serial_is_refused(text: str) -> None:
    with pytest.raises(CertificateError, match="is not the serial"):
        normalize_serial(text)


def test_time_is_utc_whatever_its_zone() -> None:
    assert iso_utc(BEGIN) == "2026-10-02T00:00:00Z"
    assert iso_utc(datetime(2026, 10, 2)) == "2026-10-02T00:00:00Z"
    assert iso_utc(None) is None
    assert parse_iso("2026-10-02T00:00:00Z") == parse_iso("2026-10-02T02:00:00+02:00") == parse_iso("2026-10-02")


def test_describe_is_read() -> None:
    read = Certificate.from_describe(
        {
            "CertificateArn": ARN,
            "DomainName": "www.example.com",
            "SubjectAlternativeNames": ["www.example.com", "example.com"],
            "Serial": "0A:1B",
            "Status": "ISSUED",
            "Type": "AMAZON_ISSUED",
            "KeyAlgorithm": "RSA-2048",
            "Options": {"Export": "ENABLED"},
            "CertificateKeyPairOrigin": "AWS_MANAGED",
            "RenewalEligibility": "ELIGIBLE",
            "RenewalSummary": {"RenewalStatus": "PENDING_VALIDATION", "RenewalStatusReason": "CAA_ERROR"},
            "NotBefore": BEGIN,
            "NotAfter": END,
            "CreatedAt": CREATED,
            "InUseBy": ["arn:aws:elasticloadbalancing:..."],
        }
    )
    assert read == replace(
        ISSUED,
        names=("www.example.com", "example.com"),
        serial="a1b",
        key_algorithm="RSA_2048",
        key_pair_origin="AWS_MANAGED",
        renewal_eligibility="ELIGIBLE",
        renewal_status="PENDING_VALIDATION",
        renewal_status_reason="CAA_ERROR",
        not_before="2026-10-02T00:00:00Z",
        in_use=True,
    )


def test_pending_certificate_has_no_serial_and_no_validity() -> None:
    read = Certificate.from_describe(
        {"CertificateArn": ARN, "DomainName": "a.example.com", "Status": "PENDING_VALIDATION"}
    )
    assert (read.serial, read.not_after, read.names, read.exported) == (None, None, ("a.example.com",), None)


def test_list_is_read() -> None:
    read = Certificate.from_list(
        {
            "CertificateArn": ARN,
            "DomainName": "www.example.com",
            "SubjectAlternativeNameSummaries": ["www.example.com"],
            "Status": "ISSUED",
            "Type": "AMAZON_ISSUED",
            "KeyAlgorithm": "EC_prime256v1",
            "ExportOption": "ENABLED",
            "Exported": True,
            "InUse": False,
            "NotAfter": END,
            "CreatedAt": CREATED,
        }
    )
    assert read == replace(ISSUED, key_algorithm="EC_prime256v1", exported=True, in_use=False)


def test_search_is_read() -> None:
    read = Certificate.from_search(
        {
            "CertificateArn": ARN,
            "X509Attributes": {
                "Subject": {"CommonName": "www.example.com"},
                "SubjectAlternativeNames": [{"DnsName": "www.example.com"}, {"IpAddress": "10.0.0.1"}],
                "KeyAlgorithm": "RSA_2048",
                "SerialNumber": "00:0a:1b",
                "NotAfter": END,
            },
            "CertificateMetadata": {
                "AcmCertificateMetadata": {
                    "CreatedAt": CREATED,
                    "Status": "ISSUED",
                    "Type": "AMAZON_ISSUED",
                    "ExportOption": "ENABLED",
                    "Exported": False,
                    "RenewalStatus": "SUCCESS",
                    "InUse": False,
                }
            },
        }
    )
    assert read == replace(
        ISSUED, serial="a1b", key_algorithm="RSA_2048", exported=False, renewal_status="SUCCESS", in_use=False
    )


def test_search_without_common_name_takes_the_first_name() -> None:
    read = Certificate.from_search(
        {"CertificateArn": ARN, "X509Attributes": {"SubjectAlternativeNames": [{"DnsName": "a.example.com"}]}}
    )
    assert (read.domain_name, read.names) == ("a.example.com", ("a.example.com",))


def test_result_makes_the_same_certificate_again() -> None:
    certificate = replace(ISSUED, serial="a1b", tags={"Role": "web"})
    result = certificate.to_result()
    assert result["certificate_arn"] == ARN
    assert result["names"] == ["www.example.com"]
    assert "arn" not in result
    assert Certificate.from_result({**result, "added_later": 1}) == certificate


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"status": "PENDING_VALIDATION"}, "finish the DNS validation"),
        ({"status": "EXPIRED"}, "has expired on 2027-04-17: request a new certificate"),
        ({"status": "EXPIRED", "not_after": None}, "has expired: request"),
        ({"status": "REVOKED"}, "is revoked: request a new certificate"),
        ({"status": "FAILED", "failure_reason": "CAA_ERROR"}, r"the request failed \(CAA_ERROR\): correct the cause"),
        ({"status": "VALIDATION_TIMED_OUT"}, "not validated within 72 hours"),
        ({"status": "INACTIVE"}, "is inactive"),
        ({"status": "SOMETHING_NEW"}, "has the status SOMETHING_NEW"),
        ({"type": "IMPORTED", "export_option": None}, "was imported.*deploy the files it was imported from"),
        ({"key_pair_origin": "ACME"}, "made through ACME.*take the key from that client"),
        ({"export_option": "DISABLED"}, "Export=DISABLED, which cannot be changed: request a new certificate"),
        ({"export_option": "DISABLED", "created_at": "2025-06-16T23:59:59Z"}, "made on 2025-06-16.*before 2025-06-17"),
        ({"export_option": None, "created_at": "2024-01-01T00:00:00Z"}, "made on 2024-01-01"),
        # What can never be repaired comes first: finishing the validation would be in vain.
        ({"status": "PENDING_VALIDATION", "export_option": "DISABLED"}, "Export=DISABLED"),
        ({"type": "PRIVATE", "export_option": None, "status": "PENDING_VALIDATION"}, "not issued yet"),
    ],
)
def test_what_cannot_be_exported_says_why(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(CertificateError, match=says) as caught:
        ensure_exportable(replace(ISSUED, **fields))
    assert str(caught.value).startswith(f"certificate {ARN} (www.example.com) ")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"created_at": "2025-06-17T00:00:00Z"},
        {"type": "PRIVATE", "export_option": "DISABLED", "created_at": "2020-01-01T00:00:00Z"},
        {"type": "PRIVATE", "export_option": None},
        # A botocore that does not know the option yet: ACM decides.
        {"export_option": None, "created_at": "2025-07-01T00:00:00Z"},
        {"renewal_status": "FAILED", "renewal_eligibility": "INELIGIBLE"},
    ],
)
def test_what_can_be_exported(fields: dict[str, Any]) -> None:
    ensure_exportable(replace(ISSUED, **fields))
