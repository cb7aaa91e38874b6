# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test may set about the whole stand-in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass
class Options:
    """Every option has the value that needs no thought; ``set`` refuses names it does not know."""

    auto_issue: float | str | None = None
    """When a public request is validated: None = by a control call only; a number = that many
    seconds after the request; ``"dns"`` = once the CNAMEs stand in a Route 53 zone of the account."""
    renew_seconds: float = 0.0
    """How long RenewCertificate takes; until then RenewalStatus is PENDING_AUTO_RENEWAL."""
    stale_exports: int = 0
    """How many Get/Export calls after a renewal still give the certificate before it."""
    stale_seconds: float = 0.0
    """For how long Get/Export calls after a renewal still give the certificate before it."""
    lifetime_days: int = 198
    """Life of a public certificate (198 days since 2026-02-18)."""
    private_lifetime_days: int = 395
    max_names: int = 10
    """Names in one request; AWS's quota before anyone raises it."""
    quotas: bool = False
    """Apply the documented requests per second, per account and region."""
    event_style: str = "bool"
    """``bool``: InUse and Exported as JSON booleans; ``string``: as "TRUE"/"FALSE"; ``minimal``:
    Action and CertificateType only. All three have been seen in documentation or in the wild."""

    def set(self, values: dict[str, Any]) -> None:
        known = {field.name for field in fields(self)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"no such option: {', '.join(sorted(unknown))} (there are {', '.join(sorted(known))})")
        for name, value in values.items():
            setattr(self, name, value)
