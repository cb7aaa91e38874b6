# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events as ACM sends them through EventBridge, kept in order and handed to whoever subscribed.

``publish`` is the only way out: a later delivery to API destinations subscribes there.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .certificate import Certificate, iso, now
from .options import Options

Event = dict[str, Any]


class EventBus:
    def __init__(self, options: Options) -> None:
        self._options = options
        self.sent: list[Event] = []
        self.subscribers: list[Callable[[Event], None]] = []
        self.muted = False
        """While a fleet of certificates is seeded nobody wants its events."""

    def publish(self, event: Event) -> None:
        if self.muted:
            return
        self.sent.append(event)
        for subscriber in self.subscribers:
            subscriber(event)

    def available(self, certificate: Certificate, action: str) -> None:
        """Issued, renewed, imported or imported again."""
        detail = {"Action": action, **self._identity(certificate)}
        if self._options.event_style != "minimal":
            detail |= self._life(certificate) | self._use(certificate)
        self._send(certificate, "ACM Certificate Available", detail)

    def approaching(self, certificate: Certificate) -> None:
        detail = {"DaysToExpiry": _days_left(certificate), "CommonName": certificate.domain_name}
        self._send(certificate, "ACM Certificate Approaching Expiration", detail)

    def action_required(self, certificate: Certificate, reason: str) -> None:
        detail = {
            **self._identity(certificate),
            "RenewalStatusReason": reason,
            "DaysToExpiry": _days_left(certificate),
            "CertificateExpirationDate": _expiry(certificate),
            **self._use(certificate),
        }
        self._send(certificate, "ACM Certificate Renewal Action Required", detail)

    def expired(self, certificate: Certificate) -> None:
        detail = {**self._identity(certificate), "CertificateExpirationDate": _expiry(certificate)}
        self._send(certificate, "ACM Certificate Expired", detail | self._use(certificate))

    def revoked(self, certificate: Certificate) -> None:
        detail = {
            "CertificateType": certificate.type,
            "CommonName": certificate.domain_name,
            "CertificateExpirationDate": _expiry(certificate),
            "Exportable": self._flag(certificate.export_option == "ENABLED"),
        }
        self._send(certificate, "ACM Certificate Revoked", detail)

    def _send(self, certificate: Certificate, detail_type: str, detail: dict[str, Any]) -> None:
        self.publish(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": detail_type,
                "source": "aws.acm",
                "account": certificate.account,
                "time": iso(now()),
                "region": certificate.region,
                "resources": [certificate.arn],
                "detail": detail,
            }
        )

    def _identity(self, certificate: Certificate) -> dict[str, Any]:
        if self._options.event_style == "minimal":
            return {"CertificateType": certificate.type}
        identity: dict[str, Any] = {"CertificateType": certificate.type, "CommonName": certificate.domain_name}
        if certificate.validation_method:
            identity["DomainValidationMethod"] = certificate.validation_method
        return identity

    def _life(self, certificate: Certificate) -> dict[str, Any]:
        assert certificate.leaf
        request = certificate.leaf.request
        return {
            "FirstSubjectAlternativeName": certificate.domain_name,
            "ValidityInDays": _days(request.not_before, request.not_after),
            "CertificateKeyPairOrigin": certificate.key_pair_origin,
            "CertificateCreatedDate": iso(request.not_before),
            "CertificateExpirationDate": iso(request.not_after),
            "DaysToExpiry": _days_left(certificate),
        }

    def _use(self, certificate: Certificate) -> dict[str, Any]:
        return {
            "InUse": self._flag(bool(certificate.in_use_by)),
            "Exported": self._flag(certificate.exported),
        }

    def _flag(self, value: bool) -> bool | str:
        return str(value).upper() if self._options.event_style == "string" else value


def _expiry(certificate: Certificate) -> str:
    assert certificate.leaf
    return iso(certificate.leaf.request.not_after)


def _days_left(certificate: Certificate) -> int:
    assert certificate.leaf
    return _days(now(), certificate.leaf.request.not_after)


def _days(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() / 86400)
