# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates a query chooses, and what it does with a botocore that lacks SearchCertificates."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate, CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.certificate_query import (
    DESCRIBE_UP_TO,
    NO_SEARCH,
    CertificateQuery,
    find,
)

NOW = datetime(2026, 10, 2, tzinfo=timezone.utc)
PREFIX = "arn:aws:acm:eu-west-1:111122223333:certificate/"
CERTIFICATE = Certificate(
    arn=PREFIX + "0a",
    account="111122223333",
    region="eu-west-1",
    domain_name="www.example.com",
    names=("www.example.com", "Example.com"),
    status="ISSUED",
    type="AMAZON_ISSUED",
    not_after="2026-10-12T00:00:00Z",
    tags={"Role": "web"},
)


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({}, True),
        ({"domain_name": "WWW.example.com"}, True),
        ({"domain_name": "example.com"}, False),
        ({"names": ["example.com", "www.example.com"]}, True),
        ({"names": ["example.com", "other.example.com"]}, False),
        ({"statuses": ["ISSUED", "EXPIRED"]}, True),
        ({"statuses": ["EXPIRED"]}, False),
        ({"tags": {"Role": "web"}}, True),
        ({"tags": {"Role": "db"}}, False),
        ({"tags": {"Role": "web", "Team": "x"}}, False),
        ({"expires_within": timedelta(days=10)}, True),
        ({"expires_within": timedelta(days=9, hours=23)}, False),
    ],
)
def test_filters(fields: dict[str, Any], chosen: bool) -> None:
    assert CertificateQuery(**fields).matches(CERTIFICATE, NOW) is chosen


def test_certificate_without_validity_never_expires_soon() -> None:
    pending = replace(CERTIFICATE, not_after=None)
    assert not CertificateQuery(expires_within=timedelta(days=999)).matches(pending, NOW)


class OldClient:
    """ACM as a botocore before 2026 knows it: no SearchCertificates, no key pair origins."""

    def __init__(self, count: int) -> None:
        self.calls: Counter[str] = Counter()
        self.arns = [f"{PREFIX}{number:x}" for number in range(count)]
        shape = SimpleNamespace(members={"keyTypes": SimpleNamespace(member=SimpleNamespace(enum=["RSA_2048"]))})
        operation = SimpleNamespace(input_shape=SimpleNamespace(members={"Includes": shape}))
        model = SimpleNamespace(operation_model=lambda _name: operation)
        self.meta = SimpleNamespace(region_name="eu-west-1", service_model=model)

    def describe_certificate(self, *, CertificateArn: str) -> dict[str, Any]:
        self.calls["Describe"] += 1
        return {"Certificate": {"CertificateArn": CertificateArn, "DomainName": "a.example.com", "Serial": "0a"}}

    def list_certificates(self, **request: Any) -> dict[str, Any]:
        self.calls["List"] += 1
        assert "CertificateKeyPairOrigins" not in request
        return {"CertificateSummaryList": [{"CertificateArn": arn, "Exported": True} for arn in self.arns]}


class OldClients:
    def __init__(self, client: OldClient) -> None:
        self._client = client

    def client(self, service: str, region: str | None = None) -> Any:
        return self._client

    def region_of(self, arn: CertificateArn) -> str:
        return arn.region


def test_old_botocore_describes_each_and_says_so() -> None:
    client = OldClient(DESCRIBE_UP_TO + 1)
    found = find(OldClients(client), CertificateQuery(arns=client.arns), NOW)
    assert [certificate.arn for certificate in found.certificates] == client.arns
    assert client.calls == {"Describe": DESCRIBE_UP_TO + 1}
    assert found.warnings == [NO_SEARCH]


def test_old_botocore_lists_before_it_describes_all() -> None:
    client = OldClient(3)
    found = find(OldClients(client), CertificateQuery(details=True), NOW)
    assert client.calls == {"List": 1, "Describe": 3}
    assert {certificate.serial for certificate in found.certificates} == {"a"}
    assert {certificate.exported for certificate in found.certificates} == {True}
    assert found.warnings == [NO_SEARCH]


def test_few_arns_need_no_search_and_no_warning() -> None:
    client = OldClient(DESCRIBE_UP_TO)
    found = find(OldClients(client), CertificateQuery(arns=[*client.arns, client.arns[0]]), NOW)
    assert client.calls == {"Describe": DESCRIBE_UP_TO}
    assert not found.warnings
