# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A certificate as ACM describes it, its ARN and its serial. No boto3, no Ansible."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError

# https://docs.aws.amazon.com/acm/latest/APIReference/API_ExportCertificate.html
EXPORTABLE_SINCE = "2025-06-17"

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):acm:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):certificate/(?P<id>[A-Za-z0-9-]+)"
)

_NOT_ISSUED = {
    "PENDING_VALIDATION": (
        "is not issued yet, its validation is pending: finish the DNS validation "
        "(create the CNAME records ACM shows for it) and run again when it is issued"
    ),
    "INACTIVE": "is inactive: request a new certificate",
    "EXPIRED": "has expired{expired_on}: request a new certificate and move the target to its ARN",
    "VALIDATION_TIMED_OUT": "was not validated within 72 hours: request a new certificate",
    "REVOKED": "is revoked: request a new certificate and move the target to its ARN",
    "FAILED": "was not issued, the request failed{reason}: correct the cause and request a new certificate",
}


@dataclass(frozen=True)
class CertificateArn:
    """The ARN of an ACM certificate, taken apart."""

    partition: str
    region: str
    account: str
    id: str

    @classmethod
    def parse(cls, text: str) -> CertificateArn:
        """Take an ARN apart.

        Raises:
            CertificateError: the text is not the ARN of an ACM certificate.
        """
        found = _ARN.fullmatch(text.strip())
        if not found:
            raise CertificateError(
                f"'{text}' is not the ARN of an ACM certificate: "
                "expected arn:aws:acm:<region>:<account>:certificate/<id>"
            )
        return cls(**found.groupdict())

    def __str__(self) -> str:
        return f"arn:{self.partition}:acm:{self.region}:{self.account}:certificate/{self.id}"


@dataclass(frozen=True)
class Certificate:
    """An ACM certificate. Times are ISO 8601 in UTC; None is 'ACM did not say'.

    DescribeCertificate does not tell ``exported``, ListCertificates tells neither ``serial`` nor the state
    of a renewal, SearchCertificates does not tell ``renewal_status_reason``.
    """

    arn: str
    account: str
    region: str
    domain_name: str
    names: tuple[str, ...]
    status: str
    type: str
    serial: str | None = None
    key_algorithm: str | None = None
    export_option: str | None = None
    exported: bool | None = None
    key_pair_origin: str | None = None
    renewal_eligibility: str | None = None
    renewal_status: str | None = None
    renewal_status_reason: str | None = None
    failure_reason: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    created_at: str | None = None
    in_use: bool | None = None
    tags: dict[str, str] | None = None

    @classmethod
    def from_describe(cls, certificate: Mapping[str, Any]) -> Certificate:
        """Read ``Certificate`` of an answer to DescribeCertificate."""
        renewal = certificate.get("RenewalSummary", {})
        return cls(
            **_common(certificate, certificate.get("SubjectAlternativeNames", ())),
            serial=_serial(certificate.get("Serial")),
            export_option=certificate.get("Options", {}).get("Export"),
            renewal_status=renewal.get("RenewalStatus"),
            renewal_status_reason=renewal.get("RenewalStatusReason"),
            failure_reason=certificate.get("FailureReason"),
            in_use=bool(certificate.get("InUseBy")),
        )

    @classmethod
    def from_list(cls, summary: Mapping[str, Any]) -> Certificate:
        """Read one entry of ``CertificateSummaryList`` of an answer to ListCertificates."""
        return cls(
            **_common(summary, summary.get("SubjectAlternativeNameSummaries", ())),
            export_option=summary.get("ExportOption"),
            exported=summary.get("Exported"),
            in_use=summary.get("InUse"),
        )

    @classmethod
    def from_search(cls, result: Mapping[str, Any]) -> Certificate:
        """Read one entry of ``Results`` of an answer to SearchCertificates."""
        x509 = result.get("X509Attributes", {})
        metadata = result.get("CertificateMetadata", {}).get("AcmCertificateMetadata", {})
        names = [name["DnsName"] for name in x509.get("SubjectAlternativeNames", ()) if "DnsName" in name]
        flat = {
            **metadata,
            "CertificateArn": result["CertificateArn"],
            "DomainName": x509.get("Subject", {}).get("CommonName") or next(iter(names), ""),
            "KeyAlgorithm": x509.get("KeyAlgorithm"),
            "NotBefore": x509.get("NotBefore"),
            "NotAfter": x509.get("NotAfter"),
        }
        return cls(
            **_common(flat, names),
            serial=_serial(x509.get("SerialNumber")),
            export_option=metadata.get("ExportOption"),
            exported=metadata.get("Exported"),
            renewal_status=metadata.get("RenewalStatus"),
            in_use=metadata.get("InUse"),
        )

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Certificate:
        """Read what ``to_result`` returned; unknown keys are ignored."""
        known = {name: result[name] for name in cls.__dataclass_fields__ if name in result}
        return cls(**{**known, "arn": result["certificate_arn"], "names": tuple(result["names"])})

    def to_result(self) -> dict[str, Any]:
        """Return the certificate as a module returns it."""
        result = asdict(self)
        return {"certificate_arn": result.pop("arn"), **result, "names": list(self.names)}


def _common(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the fields that the three answers name alike."""
    arn = CertificateArn.parse(fields["CertificateArn"])
    domain = fields.get("DomainName") or ""
    algorithm = fields.get("KeyAlgorithm")
    return {
        "arn": str(arn),
        "account": arn.account,
        "region": arn.region,
        "domain_name": domain,
        "names": tuple(names) or ((domain,) if domain else ()),
        "status": fields.get("Status", ""),
        "type": fields.get("Type", ""),
        # DescribeCertificate writes RSA-2048 where every other answer writes RSA_2048.
        "key_algorithm": algorithm.replace("-", "_") if algorithm else None,
        "key_pair_origin": fields.get("CertificateKeyPairOrigin"),
        "renewal_eligibility": fields.get("RenewalEligibility"),
        "not_before": iso_utc(fields.get("NotBefore")),
        "not_after": iso_utc(fields.get("NotAfter")),
        "created_at": iso_utc(fields.get("CreatedAt") or fields.get("ImportedAt")),
    }


def iso_utc(moment: datetime | None) -> str | None:
    """Return a time as ``2026-10-02T08:15:42Z``; a time without a zone counts as UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> datetime:
    """Read a time written by ``iso_utc``, or any ISO 8601 time; without a zone it counts as UTC."""
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def normalize_serial(text: str) -> str:
    """Return a serial as lowercase hex without separators and leading zeros.

    Accepts ``0A:1b:...`` as ACM writes it, ``0x0a1b...`` and plain hex.

    Raises:
        CertificateError: the text is not a serial.
    """
    digits = text.strip().lower().removeprefix("0x").replace(":", "")
    if not re.fullmatch(r"[0-9a-f]+", digits):
        raise CertificateError(f"'{text}' is not the serial of a certificate: expected hex digits, such as 0a:1b:2c")
    return digits.lstrip("0") or "0"


def _serial(text: str | None) -> str | None:
    return normalize_serial(text) if text else None


def unknown_certificates(arns: Iterable[str]) -> CertificateError:
    """Return the error that ACM does not know some ARNs where it was asked."""
    return CertificateError(
        f"no certificate {', '.join(arns)} in this account and its region: check the ARN, "
        "or set assume_role_arn for another account"
    )


def ensure_exportable(certificate: Certificate) -> None:
    """Check that ExportCertificate can give this certificate and its key.

    What can never be repaired is reported before what only takes time.

    Raises:
        CertificateError: it cannot; the message says why and what to do.
    """
    problem = _never_exportable(certificate) or _not_issued(certificate)
    if problem:
        raise CertificateError(f"certificate {certificate.arn} ({certificate.domain_name}) {problem}")


def _never_exportable(certificate: Certificate) -> str | None:
    if certificate.type == "IMPORTED":
        return (
            "was imported, and ACM never gives an imported key back: deploy the files it was imported from, "
            "or request a new certificate with Export=ENABLED"
        )
    if certificate.key_pair_origin == "ACME":
        return (
            "was made through ACME, its key never left the ACME client: take the key from that client, "
            "or request a new certificate with Export=ENABLED"
        )
    if certificate.type == "PRIVATE" or certificate.export_option == "ENABLED":
        return None
    created = certificate.created_at
    if created and created[:10] < EXPORTABLE_SINCE:
        return (
            f"was made on {created[:10]}, and public certificates made before {EXPORTABLE_SINCE} can never be "
            "exported: request a new certificate with Export=ENABLED and move the target to its ARN"
        )
    # A botocore older than the option does not show it: then only ACM can tell.
    if certificate.export_option is None:
        return None
    return (
        "was requested with Export=DISABLED, which cannot be changed: request a new certificate with "
        "Export=ENABLED and move the target to its ARN"
    )


def _not_issued(certificate: Certificate) -> str | None:
    if certificate.status == "ISSUED":
        return None
    template = _NOT_ISSUED.get(
        certificate.status, f"has the status {certificate.status}: only an issued certificate can be exported"
    )
    return template.format(
        expired_on=f" on {certificate.not_after[:10]}" if certificate.not_after else "",
        reason=f" ({certificate.failure_reason})" if certificate.failure_reason else "",
    )
