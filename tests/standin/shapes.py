# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate in the shapes of ACM's answers: detail, summary and search result."""

from __future__ import annotations

from typing import Any

from .certificate import Certificate, Validation

_RSA_USAGES = ("DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT")
_EC_USAGES = ("DIGITAL_SIGNATURE",)
_SERVER = "TLS_WEB_SERVER_AUTHENTICATION"
_SERVER_OID = "1.3.6.1.5.5.7.3.1"
_SIGNATURES = {"RSA": "SHA256WITHRSA", "EC_": "SHA256WITHECDSA"}


def detail(certificate: Certificate) -> dict[str, Any]:
    """CertificateDetail. Without Serial, NotBefore and NotAfter until it is issued."""
    shape: dict[str, Any] = {
        "CertificateArn": certificate.arn,
        "DomainName": certificate.domain_name,
        "SubjectAlternativeNames": list(certificate.names),
        "Subject": f"CN={certificate.domain_name}",
        "InUseBy": list(certificate.in_use_by),
        "KeyUsages": [{"Name": name} for name in _usages(certificate)],
        "ExtendedKeyUsages": [{"Name": _SERVER, "OID": _SERVER_OID}] if certificate.leaf else [],
        "SignatureAlgorithm": _SIGNATURES[certificate.key_algorithm[:3]],
        "FailureReason": certificate.failure_reason,
        "RevocationReason": certificate.revocation_reason,
        "CertificateAuthorityArn": certificate.authority_arn,
        "Options": _options(certificate),
        "RenewalSummary": _renewal_summary(certificate),
        **_common(certificate),
    }
    if certificate.leaf:
        shape["Serial"] = certificate.leaf.serial
        shape["Issuer"] = certificate.leaf.issuer.organization if certificate.leaf.issuer else ""
    if certificate.type == "AMAZON_ISSUED":
        shape["DomainValidationOptions"] = _validations(certificate)
    return _without_none(shape)


def summary(certificate: Certificate) -> dict[str, Any]:
    """CertificateSummary."""
    return _without_none(
        {
            "CertificateArn": certificate.arn,
            "DomainName": certificate.domain_name,
            "SubjectAlternativeNameSummaries": list(certificate.names[:100]),
            "HasAdditionalSubjectAlternativeNames": len(certificate.names) > 100,
            "KeyUsages": list(_usages(certificate)),
            "ExtendedKeyUsages": [_SERVER] if certificate.leaf else [],
            "ExportOption": certificate.export_option,
            "Exported": certificate.exported,
            "InUse": bool(certificate.in_use_by),
            **_common(certificate),
        }
    )


def search_result(certificate: Certificate) -> dict[str, Any]:
    """CertificateSearchResult: X.509 attributes and ACM's metadata apart."""
    common = _common(certificate)
    attributes = {
        "Subject": {"CommonName": certificate.domain_name},
        "SubjectAlternativeNames": [{"DnsName": name} for name in certificate.names],
        "KeyAlgorithm": certificate.key_algorithm,
        "KeyUsages": list(_usages(certificate)),
        "ExtendedKeyUsages": [_SERVER] if certificate.leaf else [],
        "SerialNumber": certificate.leaf.serial if certificate.leaf else None,
        "NotBefore": common["NotBefore"],
        "NotAfter": common["NotAfter"],
    }
    copied = ("CreatedAt", "IssuedAt", "ImportedAt", "RevokedAt", "Status", "Type", "RenewalEligibility")
    metadata = {
        **{name: common[name] for name in (*copied, "ManagedBy", "CertificateKeyPairOrigin")},
        "Exported": certificate.exported,
        "ExportOption": certificate.export_option,
        "InUse": bool(certificate.in_use_by),
        "RenewalStatus": certificate.renewal_status,
        "ValidationMethod": certificate.validation_method,
    }
    return {
        "CertificateArn": certificate.arn,
        "X509Attributes": _without_none(attributes),
        "CertificateMetadata": {"AcmCertificateMetadata": _without_none(metadata)},
    }


def _common(certificate: Certificate) -> dict[str, Any]:
    """What all three shapes call by the same name."""
    leaf = certificate.leaf
    return {
        "Status": certificate.status,
        "Type": certificate.type,
        "KeyAlgorithm": certificate.key_algorithm,
        "RenewalEligibility": certificate.renewal_eligibility,
        "NotBefore": leaf.request.not_before if leaf else None,
        "NotAfter": leaf.request.not_after if leaf else None,
        "CreatedAt": certificate.created_at if certificate.type != "IMPORTED" else None,
        "IssuedAt": certificate.issued_at,
        "ImportedAt": certificate.imported_at,
        "RevokedAt": certificate.revoked_at,
        "ManagedBy": certificate.managed_by,
        "CertificateKeyPairOrigin": certificate.key_pair_origin,
    }


def _usages(certificate: Certificate) -> tuple[str, ...]:
    if not certificate.leaf:
        return ()
    return _RSA_USAGES if certificate.key_algorithm.startswith("RSA") else _EC_USAGES


def _options(certificate: Certificate) -> dict[str, Any] | None:
    if certificate.type == "IMPORTED":
        return None
    return _without_none(
        {
            "CertificateTransparencyLoggingPreference": "ENABLED",
            "Export": certificate.export_option,
            "ValidationMethod": certificate.validation_method,
        }
    )


def _validations(certificate: Certificate) -> list[dict[str, Any]]:
    return [_validation(certificate, validation) for validation in certificate.validations]


def _validation(certificate: Certificate, validation: Validation) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "DomainName": validation.name,
        "ValidationDomain": validation.name,
        "ValidationStatus": validation.status,
        "ValidationMethod": certificate.validation_method,
    }
    if certificate.validation_method == "DNS":
        name, value = validation.record(certificate.account)
        shape["ResourceRecord"] = {"Name": name, "Type": "CNAME", "Value": value}
    return _without_none(shape)


def _renewal_summary(certificate: Certificate) -> dict[str, Any] | None:
    if not certificate.renewal_status:
        return None
    return _without_none(
        {
            "RenewalStatus": certificate.renewal_status,
            "RenewalStatusReason": certificate.renewal_reason,
            "DomainValidationOptions": _validations(certificate),
            "UpdatedAt": certificate.renewal_updated_at,
        }
    )


def _without_none(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if value is not None}
