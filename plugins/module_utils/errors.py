# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors a user can meet. ``str(error)`` is one clear sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence


class AcmError(Exception):
    """Base of every error this collection raises on purpose."""


class CertificateError(AcmError):
    """The certificate, as ACM holds it, cannot be used for what was asked."""


class BundleError(AcmError):
    """Leaf, chain and private key do not make a bundle that a server could serve."""


class PassphraseError(AcmError):
    """A passphrase breaks the rules of ACM's ExportCertificate."""


class EventIgnored(AcmError):
    """An event brings nothing to install; the text is the reason.

    Attributes:
        alarm: kind of an event that asks for somebody's attention, such as ``expired``; empty for any other.
    """

    def __init__(self, message: str, alarm: str = "") -> None:
        super().__init__(message)
        self.alarm = alarm


class PlanError(AcmError):
    """What was asked cannot be turned into a plan."""


class LeaseLostError(AcmError):
    """A run that holds a lease no more tried to write a record of the certificate; nothing of it was written.

    Attributes:
        certificate_arns: the certificates whose leases are lost.
    """

    def __init__(self, message: str, certificate_arns: Sequence[str]) -> None:
        super().__init__(message)
        self.certificate_arns = list(certificate_arns)


class ServiceError(AcmError):
    """AWS refused or did not answer an API call.

    Attributes:
        operation: ``service:Operation``, the name an IAM policy uses.
        code: the error code AWS gave, such as ``AccessDeniedException``; None when it did not answer.
    """

    def __init__(self, message: str, operation: str, code: str | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.code = code


class HostError(AcmError):
    """A step of the transaction failed on the managed host.

    Attributes:
        step: the step that failed, such as ``config test``.
    """

    def __init__(self, message: str, step: str) -> None:
        super().__init__(message)
        self.step = step
