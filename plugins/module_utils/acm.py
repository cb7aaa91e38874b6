# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to AWS Certificate Manager and to the tags of its certificates: one function per API call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler

LIST_PAGE = 1000
SEARCH_PAGE = 500
TAG_PAGE = 100


class AcmErrorHandler(ServiceErrorHandler):
    """Sentences for AWS Certificate Manager."""

    SERVICE = "acm"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "ResourceNotFoundException": (
            "no certificate {resource} in this account and {region}: check the ARN, "
            "or set assume_role_arn for another account"
        ),
        "InvalidArnException": (
            "ACM does not know the ARN {resource}: expected arn:aws:acm:<region>:<account>:certificate/<id>, "
            "of this account"
        ),
        "RequestInProgressException": ("certificate {resource} is not issued yet: run again when its status is ISSUED"),
    }


class TaggingErrorHandler(ServiceErrorHandler):
    """Sentences for the Resource Groups Tagging API; IAM names it ``tag``."""

    SERVICE = "tag"


@dataclass(frozen=True)
class ExportedCertificate:
    """The answer to ExportCertificate: the key is encrypted with the passphrase of the call."""

    certificate: str
    chain: str
    encrypted_private_key: str | None = field(repr=False, default=None)


@AcmErrorHandler.call("DescribeCertificate", resource="certificate_arn")
def describe_certificate(client: Any, certificate_arn: str) -> Certificate:
    """Return one certificate in full."""
    return Certificate.from_describe(client.describe_certificate(CertificateArn=certificate_arn)["Certificate"])


@AcmErrorHandler.call("GetCertificate", resource="certificate_arn")
def get_certificate(client: Any, certificate_arn: str) -> ExportedCertificate:
    """Return leaf and chain, without a key."""
    answer = client.get_certificate(CertificateArn=certificate_arn)
    return ExportedCertificate(certificate=answer["Certificate"], chain=answer.get("CertificateChain") or "")


@AcmErrorHandler.call("ExportCertificate", resource="certificate_arn")
def export_certificate(client: Any, certificate_arn: str, passphrase: str) -> ExportedCertificate:
    """Return leaf, chain and the key encrypted with the passphrase."""
    # Bytes, because botocore prints a parameter of the wrong type with its value.
    answer = client.export_certificate(CertificateArn=certificate_arn, Passphrase=passphrase.encode("utf-8"))
    return ExportedCertificate(answer["Certificate"], answer.get("CertificateChain") or "", answer["PrivateKey"])


@AcmErrorHandler.call("ListCertificates")
def list_certificates_page(client: Any, statuses: Sequence[str], token: str | None) -> dict[str, Any]:
    """Return one page of summaries, of all key types and origins the SDK knows."""
    model = client.meta.service_model.operation_model("ListCertificates").input_shape
    request: dict[str, Any] = {
        "MaxItems": LIST_PAGE,
        # Without keyTypes ACM leaves out all but RSA_1024 and RSA_2048.
        "Includes": {"keyTypes": list(model.members["Includes"].members["keyTypes"].member.enum)},
    }
    if "CertificateKeyPairOrigins" in model.members:
        # Without it ACM leaves out what was made through ACME.
        request["CertificateKeyPairOrigins"] = list(model.members["CertificateKeyPairOrigins"].member.enum)
    if statuses:
        request["CertificateStatuses"] = list(statuses)
    if token:
        request["NextToken"] = token
    return client.list_certificates(**request)


@AcmErrorHandler.call("SearchCertificates")
def search_certificates_page(client: Any, statuses: Sequence[str], token: str | None) -> dict[str, Any]:
    """Return one page of results, with serials."""
    request: dict[str, Any] = {"MaxResults": SEARCH_PAGE}
    filters = [{"Filter": {"AcmCertificateMetadataFilter": {"Status": status}}} for status in statuses]
    if filters:
        request["FilterStatement"] = filters[0] if len(filters) == 1 else {"Or": filters}
    if token:
        request["NextToken"] = token
    return client.search_certificates(**request)


@TaggingErrorHandler.call("GetResources")
def get_resources_page(client: Any, arns: Sequence[str], token: str | None) -> dict[str, Any]:
    """Return one page of certificates with their tags; without ARNs of the whole region."""
    request: dict[str, Any] = (
        {"ResourceARNList": list(arns)}
        if arns
        else {"ResourceTypeFilters": ["acm:certificate"], "ResourcesPerPage": TAG_PAGE}
    )
    if token:
        request["PaginationToken"] = token
    return client.get_resources(**request)


def can_search(client: Any) -> bool:
    """Tell whether the SDK knows SearchCertificates (botocore of 2026 and newer)."""
    return hasattr(client, "search_certificates")


def list_certificates(client: Any, statuses: Sequence[str] = ()) -> Iterator[Certificate]:
    """Return all certificates of the region as summaries: one call per 1000."""
    token: str | None = None
    while True:
        page = list_certificates_page(client, statuses, token)
        yield from map(Certificate.from_list, page.get("CertificateSummaryList", ()))
        token = page.get("NextToken")
        if not token:
            return


def search_certificates(client: Any, statuses: Sequence[str] = ()) -> Iterator[Certificate]:
    """Return all certificates of the region with their serials: one call per 500."""
    token: str | None = None
    while True:
        page = search_certificates_page(client, statuses, token)
        yield from map(Certificate.from_search, page.get("Results", ()))
        token = page.get("NextToken")
        if not token:
            return


def get_tags(client: Any, arns: Sequence[str] = ()) -> dict[str, dict[str, str]]:
    """Return the tags per ARN, of these certificates or of all: one call per 100. Untagged ones are absent."""
    # GetResources takes no more than 100 ARNs: beyond that the whole region is as cheap.
    wanted = list(arns) if len(arns) <= TAG_PAGE else []
    found: dict[str, dict[str, str]] = {}
    token: str | None = None
    while True:
        page = get_resources_page(client, wanted, token)
        for entry in page.get("ResourceTagMappingList", ()):
            found[entry["ResourceARN"]] = {tag["Key"]: tag["Value"] for tag in entry.get("Tags", ())}
        token = page.get("PaginationToken")
        if not token:
            return found
