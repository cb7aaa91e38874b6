# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exporting one certificate: wait for the serial that is wanted, say why ACM refuses, check what it gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import acm, bundle, passphrase
from ansible_collections.certops.acm.plugins.module_utils.certificate import ensure_exportable, normalize_serial
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError, PassphraseError, ServiceError

# Refusals whose reason is the state of the certificate, which only DescribeCertificate tells.
_EXPLAINABLE = ("ValidationException", "RequestInProgressException", "InvalidStateException")


@dataclass(frozen=True)
class Wait:
    """Which serial is wanted, and how long to wait for it, in seconds.

    Attributes:
        serial: only this serial will do.
        previous_serial: any serial but this one will do.

    Raises:
        CertificateError: one of them is no serial.
    """

    serial: str | None = None
    previous_serial: str | None = None
    timeout: float = 120
    delay: float = 5
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse what is no serial before the first call."""
        for serial in filter(None, (self.serial, self.previous_serial)):
            normalize_serial(serial)

    def content_with(self, serial: str) -> bool:
        """Tell whether a serial will do."""
        if self.serial and normalize_serial(self.serial) != serial:
            return False
        return not self.previous_serial or normalize_serial(self.previous_serial) != serial

    @property
    def wanted(self) -> str:
        """What is wanted, for people."""
        return f"serial {self.serial}" if self.serial else f"a serial other than {self.previous_serial}"


def export(client: Any, certificate_arn: str, text: str, wait: Wait) -> dict[str, Any]:
    """Export a certificate; one call when ACM already gives the serial that is wanted.

    Args:
        text: the passphrase ACM encrypts the key with.

    Raises:
        PassphraseError: the passphrase breaks a rule.
        CertificateError: the certificate cannot be exported, or its serial did not come in time.
        BundleError: what ACM gave does not belong together, or has expired.
        ServiceError: AWS refused.
    """
    passphrase.validate(text)
    exported = _until(lambda: _export_or_explain(client, certificate_arn, text), certificate_arn, wait)
    _check_unmasked(exported, text)
    # Opened only to prove that the three parts belong together; the plain key goes no further.
    opened = bundle.open_bundle(exported.certificate, exported.chain, exported.encrypted_private_key or "", text)
    return _result(certificate_arn, opened.info, opened.certificate, opened.chain, exported.encrypted_private_key)


def preview(client: Any, certificate_arn: str, wait: Wait) -> dict[str, Any]:
    """Return what an export would return, but no key leaves ACM: GetCertificate instead of ExportCertificate."""
    held = _until(lambda: acm.get_certificate(client, certificate_arn), certificate_arn, wait)
    certificate, chain = bundle.check_chain(held.certificate, held.chain)
    return _result(certificate_arn, bundle.leaf_info(certificate), certificate, chain, None)


def _result(
    certificate_arn: str, info: bundle.LeafInfo, certificate: str, chain: str, key: str | None
) -> dict[str, Any]:
    bundle.check_validity(info, datetime.now(timezone.utc))
    return {
        "certificate_arn": certificate_arn,
        "certificate": certificate,
        "certificate_chain": chain,
        "encrypted_private_key": key,
        **asdict(info),
        "names": list(info.names),
    }


def _until(
    call: Callable[[], acm.ExportedCertificate | None], certificate_arn: str, wait: Wait
) -> acm.ExportedCertificate:
    """Call until the serial is one that is wanted. Right after a renewal ACM may still give the old one."""
    deadline = wait.clock() + wait.timeout
    seen = "nothing yet"
    while True:
        held = call()
        if held is not None:
            serial = bundle.leaf_info(held.certificate).serial
            if wait.content_with(serial):
                return held
            seen = f"serial {serial}"
        if wait.clock() >= deadline:
            raise CertificateError(
                f"ACM gives {seen} for certificate {certificate_arn}, not {wait.wanted}, after {wait.timeout:g} "
                "seconds: the renewal is not finished, run again later or raise wait_timeout"
            )
        wait.sleep(min(wait.delay, max(0.0, deadline - wait.clock())))


def _export_or_explain(client: Any, certificate_arn: str, text: str) -> acm.ExportedCertificate | None:
    """Export; None when ACM is about to have it. A refusal is explained by the state of the certificate."""
    try:
        return acm.export_certificate(client, certificate_arn, text)
    except ServiceError as refusal:
        if refusal.code not in _EXPLAINABLE:
            raise
        try:
            described = acm.describe_certificate(client, certificate_arn)
        except ServiceError:
            raise refusal from None
        ensure_exportable(described)
        if refusal.code == "RequestInProgressException":
            return None
        raise


def _check_unmasked(exported: acm.ExportedCertificate, text: str) -> None:
    """Ansible masks a passphrase wherever it occurs in a result, and a masked PEM is a broken one."""
    if any(text in part for part in (exported.certificate, exported.chain, exported.encrypted_private_key or "")):
        raise PassphraseError(
            "the passphrase also occurs by chance in the text of the exported PEM, where Ansible would mask it: "
            "use a longer one, of 32 characters or more"
        )
