# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a certificate moves from one state to the next, with the events that go with it.

Nothing here checks who may ask; that is ``acm.py`` for AWS's API and ``control.py`` for tests.
"""

from __future__ import annotations

from datetime import timedelta

from . import ca, dns, private_ca
from .certificate import Certificate, Leaf, Validation, Validity, new_serial, now
from .world import WORLD


def begin(certificate: Certificate) -> None:
    """A request was accepted: a private one is issued at once, a public one waits for validation."""
    if certificate.type == "PRIVATE":
        assert certificate.authority_arn
        if private_ca.issuer(certificate.authority_arn):
            issue(certificate)
        else:
            fail(certificate, "PCA_RESOURCE_NOT_FOUND")
        return
    certificate.validations = [Validation(name) for name in certificate.names]
    delay = WORLD.options.auto_issue
    if isinstance(delay, int | float):
        certificate.issue_due = now() + timedelta(seconds=delay)
        advance(certificate)


def advance(certificate: Certificate) -> None:
    """Whatever time has brought since somebody last looked."""
    if certificate.status == "PENDING_VALIDATION" and _is_due(certificate):
        issue(certificate)
    if certificate.renewal_due and certificate.renewal_due <= now():
        certificate.renewal_due = None
        renew(certificate)
    if certificate.status == "EXPIRED" and not certificate.expiry_told:
        certificate.expiry_told = True
        WORLD.events.expired(certificate)


def issue(certificate: Certificate, validity: Validity | None = None) -> None:
    certificate.issue_due = None
    certificate.leaves.append(_new_leaf(certificate, validity))
    certificate.stored_status = "ISSUED"
    certificate.issued_at = now()
    for validation in certificate.validations:
        validation.status = "SUCCESS"
    WORLD.events.available(certificate, "ISSUANCE")


def renew(
    certificate: Certificate,
    validity: Validity | None = None,
    *,
    stale_calls: int | None = None,
    stale_seconds: float | None = None,
) -> None:
    """A new key, a new serial, the other intermediate, the same ARN.

    The old leaf may still be exported for a while. DescribeCertificate shows the new serial at
    once: the hardest case for a client, and our model of a delay AWS does not document.
    """
    certificate.leaves.append(_new_leaf(certificate, validity))
    certificate.exported_since_issued = False
    certificate.expiry_told = False
    certificate.renewal_due = None
    set_renewal(certificate, "SUCCESS")
    options = WORLD.options
    seconds = options.stale_seconds if stale_seconds is None else stale_seconds
    certificate.stale_calls = options.stale_exports if stale_calls is None else stale_calls
    certificate.stale_until = now() + timedelta(seconds=seconds) if seconds else None
    WORLD.events.available(certificate, "RENEWAL")


def served_leaf(certificate: Certificate) -> Leaf:
    """The leaf that Get and Export give now: for a while after a renewal, the one before."""
    assert certificate.leaf
    if certificate.stale_calls > 0:
        certificate.stale_calls -= 1
        return certificate.leaves[-2]
    if certificate.stale_until and now() < certificate.stale_until:
        return certificate.leaves[-2]
    return certificate.leaf


def set_renewal(certificate: Certificate, status: str, reason: str | None = None) -> None:
    certificate.renewal_status = status
    certificate.renewal_reason = reason
    certificate.renewal_updated_at = now()


def fail(certificate: Certificate, reason: str, status: str = "FAILED") -> None:
    certificate.issue_due = None
    certificate.stored_status = status
    certificate.failure_reason = reason if status == "FAILED" else None
    for validation in certificate.validations:
        validation.status = "FAILED"


def revoke(certificate: Certificate, reason: str) -> None:
    certificate.stored_status = "REVOKED"
    certificate.revoked_at = now()
    certificate.revocation_reason = reason
    WORLD.events.revoked(certificate)


def default_validity(certificate: Certificate) -> Validity:
    return Validity.of(lifetime_days(certificate))


def lifetime_days(certificate: Certificate) -> int:
    options = WORLD.options
    return options.private_lifetime_days if certificate.type == "PRIVATE" else options.lifetime_days


def _new_leaf(certificate: Certificate, validity: Validity | None) -> Leaf:
    validity = validity or default_validity(certificate)
    request = ca.LeafRequest(certificate.names, new_serial(), validity.not_before, validity.not_after)
    return Leaf(request, certificate.key_algorithm, _issuer(certificate), WORLD.authority.keys)


def _issuer(certificate: Certificate) -> ca.Issuer | None:
    if certificate.authority_arn:
        return private_ca.issuer(certificate.authority_arn)
    return WORLD.authority.issuer(certificate.key_algorithm, len(certificate.leaves))


def _is_due(certificate: Certificate) -> bool:
    if WORLD.options.auto_issue == "dns" and certificate.validation_method == "DNS":
        return dns.proven(certificate)
    return certificate.issue_due is not None and certificate.issue_due <= now()
