# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps ACM from renewing a certificate by itself: it needs a person, and nothing else tells one in time."""

from __future__ import annotations

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate


def renewal_alarm(certificate: Certificate, *, exported: bool) -> str | None:
    """Return why ACM is not going to renew a certificate and what to do; None when it will.

    Args:
        exported: the serial that ACM holds was exported already. Before that, an export is all that is missing.
    """
    about = f"{certificate.domain_name} ({certificate.arn})"
    end = f", it expires on {certificate.not_after[:10]}" if certificate.not_after else ""
    reason = f" ({certificate.renewal_status_reason})" if certificate.renewal_status_reason else ""
    if certificate.renewal_status == "PENDING_VALIDATION":
        return (
            f"ACM waits for the validation of {about} before it renews it{reason}{end}: create the CNAME records "
            "that ACM shows for it"
        )
    if certificate.renewal_status == "FAILED":
        return (
            f"ACM could not renew {about}{reason}{end}: remove the cause, or request a new certificate and deploy that"
        )
    if exported and certificate.renewal_eligibility == "INELIGIBLE":
        return (
            f"ACM will not renew {about}{end}: its RenewalEligibility is INELIGIBLE although it was exported; request "
            "a new certificate and deploy that"
        )
    return None
