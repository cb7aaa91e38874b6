# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate as control calls take and tell it: plain JSON, with what AWS would never show."""

from __future__ import annotations

from typing import Any

from . import ca, lifecycle
from .certificate import Certificate, Leaf, Validity, iso, parse_time

_MOMENTS = ("created_at", "issued_at", "imported_at", "revoked_at", "issue_due", "renewal_due", "stale_until")


def validity_of(certificate: Certificate, given: dict[str, Any] | None) -> Validity | None:
    """None without anything given, which means the usual lifetime."""
    if not given:
        return None
    lifetime = given.get("lifetime_days", lifecycle.lifetime_days(certificate))
    return Validity.of(lifetime, **{name: value for name, value in given.items() if name != "lifetime_days"})


def update(certificate: Certificate, attributes: dict[str, Any]) -> None:
    """Sets fields of :class:`Certificate`; times as ISO text. So a test need not wait for a due time."""
    unknown = set(attributes) - set(vars(certificate)) - {"status"}
    if unknown:
        raise ValueError(f"a certificate has no {', '.join(sorted(unknown))}")
    for name, value in attributes.items():
        stored = "stored_status" if name == "status" else name
        setattr(certificate, stored, parse_time(value) if name in _MOMENTS and value else value)


def told(certificate: Certificate, *, leaves: bool = False, key: bool = False) -> dict[str, Any]:
    leaf = certificate.leaf
    form: dict[str, Any] = {
        "arn": certificate.arn,
        "status": certificate.status,
        "names": certificate.names,
        "serial": leaf.serial if leaf else None,
        "not_before": iso(leaf.request.not_before) if leaf else None,
        "not_after": iso(leaf.request.not_after) if leaf else None,
        "exported": certificate.exported,
        "renewal_eligibility": certificate.renewal_eligibility,
    }
    if leaves:
        form["leaves"] = [_told_leaf(one, key=key) for one in certificate.leaves]
    return form


def _told_leaf(leaf: Leaf, *, key: bool) -> dict[str, Any]:
    signed = leaf.signed()
    form = {
        "serial": leaf.serial,
        "certificate": signed.certificate,
        "chain": signed.chain,
        "fingerprint": signed.fingerprint,
    }
    return {**form, "key": ca.plain_key(signed.key)} if key and signed.key else form
