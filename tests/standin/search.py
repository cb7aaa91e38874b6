# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SearchCertificates: filter statements and sorting over search results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from .refusal import Refusal

Result = dict[str, Any]

_SORT_FIELDS = {
    "NOT_AFTER": ("X509Attributes", "NotAfter"),
    "NOT_BEFORE": ("X509Attributes", "NotBefore"),
    "KEY_ALGORITHM": ("X509Attributes", "KeyAlgorithm"),
    "CREATED_AT": ("Metadata", "CreatedAt"),
    "ISSUED_AT": ("Metadata", "IssuedAt"),
    "IMPORTED_AT": ("Metadata", "ImportedAt"),
    "REVOKED_AT": ("Metadata", "RevokedAt"),
    "STATUS": ("Metadata", "Status"),
    "TYPE": ("Metadata", "Type"),
    "EXPORTED": ("Metadata", "Exported"),
    "EXPORT_OPTION": ("Metadata", "ExportOption"),
    "IN_USE": ("Metadata", "InUse"),
    "RENEWAL_STATUS": ("Metadata", "RenewalStatus"),
    "RENEWAL_ELIGIBILITY": ("Metadata", "RenewalEligibility"),
    "MANAGED_BY": ("Metadata", "ManagedBy"),
    "VALIDATION_METHOD": ("Metadata", "ValidationMethod"),
    "CERTIFICATE_KEY_PAIR_ORIGIN": ("Metadata", "CertificateKeyPairOrigin"),
}


def matches(statement: dict[str, Any] | None, result: Result) -> bool:
    """Whether a result fits a CertificateFilterStatement; no statement fits everything."""
    if not statement:
        return True
    kind, value = _only_member(statement)
    if kind == "And":
        return all(matches(part, result) for part in value)
    if kind == "Or":
        return any(matches(part, result) for part in value)
    if kind == "Not":
        return not matches(value, result)
    return _fits_filter(value, result)


def sort(results: list[Result], field: str | None, order: str | None) -> list[Result]:
    """Results without the field come last. Without a field: as created."""
    if not field:
        return results
    key = _sort_key(field)
    with_value = [result for result in results if key(result) is not None]
    without = [result for result in results if key(result) is None]
    return sorted(with_value, key=key, reverse=order == "DESCENDING") + without


def _sort_key(field: str) -> Callable[[Result], Any]:
    if field == "CERTIFICATE_ARN":
        return lambda result: result["CertificateArn"]
    if field == "COMMON_NAME":
        return lambda result: result["X509Attributes"]["Subject"]["CommonName"]
    group, name = _SORT_FIELDS.get(field, ("Metadata", field))
    return lambda result: (_metadata(result) if group == "Metadata" else result[group]).get(name)


def _fits_filter(filter_: dict[str, Any], result: Result) -> bool:
    kind, value = _only_member(filter_)
    if kind == "CertificateArn":
        return bool(value == result["CertificateArn"])
    name, wanted = _only_member(value)
    if kind == "AcmCertificateMetadataFilter":
        return bool(_metadata(result).get(name) == wanted)
    return _fits_attribute(name, wanted, result["X509Attributes"])


def _fits_attribute(name: str, wanted: Any, attributes: dict[str, Any]) -> bool:
    if name == "Subject":
        return _fits_text(wanted["CommonName"], attributes["Subject"]["CommonName"])
    if name == "SubjectAlternativeName":
        return any(_fits_text(wanted["DnsName"], names["DnsName"]) for names in attributes["SubjectAlternativeNames"])
    if name in ("NotAfter", "NotBefore"):
        return _fits_range(wanted, attributes.get(name))
    if name in ("KeyUsage", "ExtendedKeyUsage"):
        return wanted in attributes[f"{name}s"]
    return bool(attributes.get(name) == wanted)


def _fits_text(wanted: dict[str, str], text: str) -> bool:
    if wanted["ComparisonOperator"] == "CONTAINS":
        return wanted["Value"].lower() in text.lower()
    return wanted["Value"].lower() == text.lower()


def _fits_range(wanted: dict[str, float], moment: datetime | None) -> bool:
    """Both ends belong to the range (our reading)."""
    if moment is None:
        return False
    start, end = (_moment(wanted.get(name)) for name in ("Start", "End"))
    return (start is None or start <= moment) and (end is None or moment <= end)


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, timezone.utc)


def _metadata(result: Result) -> dict[str, Any]:
    metadata: dict[str, Any] = result["CertificateMetadata"]["AcmCertificateMetadata"]
    return metadata


def _only_member(union: dict[str, Any]) -> tuple[str, Any]:
    members = [(name, value) for name, value in union.items() if value is not None]
    if len(members) != 1:
        raise Refusal("ValidationException", "A filter must have exactly one member set.")
    return members[0]
