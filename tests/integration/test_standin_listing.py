# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in lists and searches as ACM does; certificates that were imported or are private; contract.py judges."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from integration.contract import (
    ACCOUNT,
    ALGORITHMS,
    PASSPHRASE,
    REGION,
    Judge,
    code,
    describe,
    export,
    refusal,
)

from standin.client import Standin

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
