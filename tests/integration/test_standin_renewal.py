# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in renews, expires and revokes as ACM does, and tells of it in events; contract.py judges."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from integration.contract import (
    ACCOUNT,
    PASSPHRASE,
    PAST,
    REGION,
    Judge,
    code,
    describe,
    export,
    refusal,
)

from standin.client import Standin, StandinError

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
