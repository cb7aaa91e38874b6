# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One certificate as ACM holds it: what was asked for, and each leaf issued for it so far."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from . import ca

EXPORTABLE_SINCE = datetime(2025, 6, 17, tzinfo=timezone.utc)
"""Public certificates made before this can never be exported."""


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def new_serial() -> int:
    """16 random bytes, the first below 0x80; now and then that first byte is 0x0?, as in ACM."""
    return secrets.randbits(127) | 1


def colon_hex(serial: int) -> str:
    """A serial as ACM writes it: ``0a:1b:...``."""
    return serial.to_bytes((serial.bit_length() + 7) // 8 or 1, "big").hex(":")


@dataclass(frozen=True)
class Signed:
    """The PEMs and the key of one issued leaf."""

    certificate: str
    chain: str
    key: ca.PrivateKey | None = field(repr=False)

    @property
    def fingerprint(self) -> str:
        return x509.load_pem_x509_certificate(self.certificate.encode()).fingerprint(hashes.SHA256()).hex()


@dataclass
class Leaf:
    """One leaf; its key and signature are made when somebody first looks at them.

    So ten thousand certificates cost nothing until they are read, and serial and validity are
    known at once.
    """

    request: ca.LeafRequest
    key_algorithm: str
    issuer: ca.Issuer | None
    keys: ca.KeyPool
    imported: Signed | None = field(default=None, repr=False)
    _signed: Signed | None = field(default=None, repr=False)

    def signed(self) -> Signed:
        if self.imported:
            return self.imported
        if self._signed is None:
            assert self.issuer is not None
            key = self.keys.new(self.key_algorithm)
            leaf = ca.sign_leaf(self.issuer, key, self.request)
            self._signed = Signed(ca.pem(leaf), self.issuer.chain, key)
        return self._signed

    def replace_certificate(self, certificate: str) -> None:
        """The same key and chain with a leaf signed again."""
        self._signed = replace(self.signed(), certificate=certificate)

    @property
    def serial(self) -> str:
        return colon_hex(self.request.serial)


@dataclass
class Validation:
    """How ownership of one name is proven."""

    name: str
    status: str = "PENDING_VALIDATION"

    def record(self, account: str) -> tuple[str, str]:
        """Name and value of the CNAME: the same for a name and its wildcard, fixed per account."""
        base = self.name.removeprefix("*.")
        left = hashlib.sha256(f"name {account} {base}".encode()).hexdigest()[:32]
        right = hashlib.sha256(f"value {account} {base}".encode()).hexdigest()[:32]
        return f"_{left}.{base}.", f"_{right}.standinzone.acm-validations.aws."


@dataclass
class Certificate:
    """State and identity; the rules that change them are in ``acm.py``."""

    arn: str
    account: str
    region: str
    names: tuple[str, ...]
    type: str
    key_algorithm: str
    sequence: int
    created_at: datetime = field(default_factory=now)
    export_option: str | None = "DISABLED"
    validation_method: str | None = None
    key_pair_origin: str = "AWS_MANAGED"
    authority_arn: str | None = None
    managed_by: str | None = None
    tags: Any = None
    leaves: list[Leaf] = field(default_factory=list)
    stored_status: str = "PENDING_VALIDATION"
    issued_at: datetime | None = None
    imported_at: datetime | None = None
    revoked_at: datetime | None = None
    revocation_reason: str | None = None
    failure_reason: str | None = None
    exported: bool = False
    exported_since_issued: bool = False
    in_use_by: list[str] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    renewal_status: str | None = None
    renewal_reason: str | None = None
    renewal_updated_at: datetime | None = None
    issue_due: datetime | None = None
    renewal_due: datetime | None = None
    stale_calls: int = 0
    stale_until: datetime | None = None
    expiry_told: bool = False
    tampering: dict[str, int | None] = field(default_factory=dict)

    @property
    def leaf(self) -> Leaf | None:
        return self.leaves[-1] if self.leaves else None

    @property
    def domain_name(self) -> str:
        return self.names[0] if self.names else ""

    @property
    def status(self) -> str:
        if self.stored_status == "ISSUED" and self.leaf and self.leaf.request.not_after <= now():
            return "EXPIRED"
        return self.stored_status

    @property
    def renewal_eligibility(self) -> str:
        """ELIGIBLE only while issued, managed by ACM, and in use or exported since it was issued or renewed."""
        managed = self.type in ("AMAZON_ISSUED", "PRIVATE") and self.key_pair_origin == "AWS_MANAGED"
        wanted = bool(self.in_use_by) or self.exported_since_issued
        return "ELIGIBLE" if managed and wanted and self.status == "ISSUED" else "INELIGIBLE"


@dataclass(frozen=True)
class Validity:
    """When a leaf is valid. Without anything: from today's midnight for the usual lifetime, as in ACM."""

    not_before: datetime
    not_after: datetime

    @classmethod
    def of(
        cls,
        lifetime_days: float,
        *,
        not_before: str | None = None,
        not_after: str | None = None,
        days_left: float | None = None,
    ) -> Validity:
        """From ISO times, or from how many days (may be negative) the leaf shall still be valid."""
        life = timedelta(days=lifetime_days)
        end = parse_time(not_after) if not_after else None
        if days_left is not None:
            end = now() + timedelta(days=days_left)
        if not_before:
            start = parse_time(not_before)
        elif end is not None:
            start = min(end - life, now() - timedelta(minutes=5))
        else:
            start = now().replace(hour=0, minute=0, second=0)
        return cls(start, end or start + life - timedelta(seconds=1))


def parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
