# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ACM lets through: requests, exports, renewals, and what a listing shows.

The wording of refusals is ours, but for the one about "relation of type EXPORT", which users report.
"""

from __future__ import annotations

from typing import Any

from . import ca, shapes
from .certificate import EXPORTABLE_SINCE, Certificate
from .refusal import Refusal
from .world import WORLD

Params = dict[str, Any]

_DEFAULT_KEY_TYPES = ("RSA_1024", "RSA_2048")
_DEFAULT_ORIGINS = ("AWS_MANAGED", "CUSTOMER_PROVIDED")


def check_request(params: Params, names: tuple[str, ...]) -> None:
    if len(names) > WORLD.options.max_names:
        raise Refusal("LimitExceededException", f"More than {WORLD.options.max_names} names in one certificate.")
    if params.get("KeyAlgorithm", "RSA_2048") not in ca.ALGORITHMS:
        raise Refusal("InvalidParameterException", f"ACM does not issue certificates with {params['KeyAlgorithm']}.")
    options = params.get("Options") or {}
    if options.get("CertificateTransparencyLoggingPreference") == "DISABLED":
        raise Refusal("InvalidParameterException", "Certificate transparency logging cannot be disabled.")
    if params.get("CertificateAuthorityArn") and params.get("ValidationMethod"):
        raise Refusal("InvalidParameterException", "A private certificate takes no validation method.")


def check_exportable(certificate: Certificate) -> None:
    arn = certificate.arn
    if certificate.type == "IMPORTED":
        raise Refusal("ValidationException", f"Certificate ARN: {arn} is an imported certificate: it is not exportable")
    if certificate.key_pair_origin == "ACME":
        raise Refusal("ValidationException", f"Certificate ARN: {arn} has a key pair made by an ACME client")
    if certificate.type == "AMAZON_ISSUED":
        if certificate.created_at < EXPORTABLE_SINCE:
            raise Refusal("ValidationException", f"Certificate ARN: {arn} was created before June 17, 2025")
        if certificate.export_option != "ENABLED":
            raise Refusal("ValidationException", f"Certificate ARN: {arn} is not an exportable certificate")
    if certificate.status not in ("ISSUED", "EXPIRED"):
        raise Refusal("ValidationException", f"Certificate ARN: {arn} is in status {certificate.status}")


def check_exported(certificate: Certificate) -> None:
    if not certificate.exported_since_issued:
        raise Refusal(
            "ValidationException", f"Certificate {certificate.arn} must have at least one relation of type EXPORT."
        )


def is_listed(certificate: Certificate, params: Params, includes: Params) -> bool:
    """Without keyTypes only RSA up to 2048 bits, without origins nothing made over ACME."""
    return (
        certificate.status in (params.get("CertificateStatuses") or [certificate.status])
        and certificate.key_pair_origin in (params.get("CertificateKeyPairOrigins") or _DEFAULT_ORIGINS)
        and certificate.key_algorithm in (includes.get("keyTypes") or _DEFAULT_KEY_TYPES)
        and includes.get("exportOption") in (None, certificate.export_option)
        and includes.get("managedBy") in (None, certificate.managed_by)
        and _has_usages(certificate, includes)
    )


def _has_usages(certificate: Certificate, includes: Params) -> bool:
    summary = shapes.summary(certificate)
    return all(
        not includes.get(wanted) or "ANY" in includes[wanted] or set(includes[wanted]) & set(summary[has])
        for wanted, has in (("keyUsage", "KeyUsages"), ("extendedKeyUsage", "ExtendedKeyUsages"))
    )
