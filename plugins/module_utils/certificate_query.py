# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding certificates with as few calls as possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from ansible_collections.certops.acm.plugins.module_utils import acm
from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate, CertificateArn, parse_iso
from ansible_collections.certops.acm.plugins.module_utils.errors import ServiceError

# Up to here one DescribeCertificate each is no slower than the pages of a search, and tells more.
DESCRIBE_UP_TO = 10

NO_SEARCH = (
    "botocore on the machine that runs this task does not know SearchCertificates: each certificate costs one "
    "DescribeCertificate; update boto3 and botocore"
)


class Clients(Protocol):
    """What a query needs of a session."""

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client of a service."""

    def region_of(self, arn: CertificateArn) -> str:
        """Return the region to ask."""


@dataclass(frozen=True)
class CertificateQuery:
    """Which certificates, and how much of them. Empty is 'all'.

    Attributes:
        names: each of these names is on the certificate, as it is written there.
        expires_within: the certificate expires within this time, or has expired.
        details: also serial and state of the renewal.
    """

    arns: Sequence[str] = ()
    domain_name: str | None = None
    names: Sequence[str] = ()
    statuses: Sequence[str] = ()
    tags: dict[str, str] = field(default_factory=dict)
    expires_within: timedelta | None = None
    details: bool = False
    include_tags: bool = False

    def matches(self, certificate: Certificate, now: datetime) -> bool:
        """Tell whether a certificate is one of those asked for."""
        names = {name.lower() for name in certificate.names}
        return (
            (not self.domain_name or certificate.domain_name.lower() == self.domain_name.lower())
            and all(name.lower() in names for name in self.names)
            and (not self.statuses or certificate.status in self.statuses)
            and all((certificate.tags or {}).get(key) == value for key, value in self.tags.items())
            and self._expires_in_time(certificate, now)
        )

    def _expires_in_time(self, certificate: Certificate, now: datetime) -> bool:
        if self.expires_within is None:
            return True
        return certificate.not_after is not None and parse_iso(certificate.not_after) <= now + self.expires_within


@dataclass
class Found:
    """The answer to a query; ``missing`` are the ARNs ACM does not know."""

    certificates: list[Certificate] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def find(clients: Clients, query: CertificateQuery, now: datetime) -> Found:
    """Answer a query.

    Calls: with up to 10 ARNs one DescribeCertificate each; with more, or for details of all, one
    SearchCertificates per 500 certificates of the region; else one ListCertificates per 1000. Tags cost one
    GetResources per 100 certificates.

    Raises:
        CertificateError: an ARN is none, or is of another region than the one asked for.
        ServiceError: AWS refused.
    """
    found = Found()
    if query.arns:
        for region, arns in _by_region(clients, query.arns).items():
            _find_arns(clients.client("acm", region), arns, found)
    else:
        found.certificates.extend(_find_all(clients.client("acm"), query, found))
    if query.include_tags or query.tags:
        found.certificates = list(_with_tags(clients, query, found.certificates))
    found.certificates = [certificate for certificate in found.certificates if query.matches(certificate, now)]
    return found


def _by_region(clients: Clients, arns: Sequence[str]) -> dict[str, list[str]]:
    regions: dict[str, list[str]] = {}
    for text in dict.fromkeys(arns):
        arn = CertificateArn.parse(text)
        regions.setdefault(clients.region_of(arn), []).append(str(arn))
    return regions


def _find_arns(client: Any, arns: Sequence[str], found: Found) -> None:
    if len(arns) > DESCRIBE_UP_TO and acm.can_search(client):
        present = {certificate.arn: certificate for certificate in acm.search_certificates(client)}
        found.certificates.extend(present[arn] for arn in arns if arn in present)
        found.missing.extend(arn for arn in arns if arn not in present)
        return
    if len(arns) > DESCRIBE_UP_TO:
        found.warnings.append(NO_SEARCH)
    for arn in arns:
        try:
            found.certificates.append(acm.describe_certificate(client, arn))
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise
            found.missing.append(arn)


def _find_all(client: Any, query: CertificateQuery, found: Found) -> Iterator[Certificate]:
    if not query.details:
        yield from acm.list_certificates(client, query.statuses)
    elif acm.can_search(client):
        yield from acm.search_certificates(client, query.statuses)
    else:
        found.warnings.append(NO_SEARCH)
        for summary in acm.list_certificates(client, query.statuses):
            described = acm.describe_certificate(client, summary.arn)
            yield replace(described, exported=summary.exported)


def _with_tags(clients: Clients, query: CertificateQuery, certificates: Sequence[Certificate]) -> Iterator[Certificate]:
    regions: dict[str, list[str]] = {}
    for certificate in certificates:
        regions.setdefault(certificate.region, []).append(certificate.arn)
    tags: dict[str, dict[str, str]] = {}
    for region, arns in regions.items():
        tags |= acm.get_tags(clients.client("resourcegroupstaggingapi", region), arns if query.arns else ())
    for certificate in certificates:
        yield replace(certificate, tags=tags.get(certificate.arn, {}))
