# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS validation against the Route 53 zones of the certificate's own account, as moto holds them."""

from __future__ import annotations

from .certificate import Certificate


def proven(certificate: Certificate) -> bool:
    """Whether each name's CNAME stands in a zone. ACM asks the real DNS; zones are not delegated here."""
    records = _cnames(certificate.account)
    wanted = (validation.record(certificate.account) for validation in certificate.validations)
    return all(records.get(name.rstrip(".")) == value.rstrip(".") for name, value in wanted)


def _cnames(account: str) -> dict[str, str]:
    from moto.route53.models import route53_backends

    zones = route53_backends[account]["aws"].zones
    return {
        record.name.rstrip("."): str(value).rstrip(".")
        for zone in zones.values()
        for record in zone.rrsets
        if record.type == "CNAME"
        for value in record.records
    }
