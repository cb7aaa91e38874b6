# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ExportCertificate asks of a passphrase: 4 to 128 ASCII characters, none of ``# $ %``."""

from __future__ import annotations

from .refusal import Refusal


def check_passphrase(passphrase: bytes) -> None:
    """The length is checked by the API's model before. The wording of the refusal is ours.

    The documentation says "ASCII"; that control characters are refused too is our reading of it.
    """
    if not all(0x20 <= byte < 0x7F for byte in passphrase):
        raise Refusal("ValidationException", "The passphrase must consist of printable ASCII characters.")
    if any(forbidden in passphrase for forbidden in (b"#", b"$", b"%")):
        raise Refusal("ValidationException", "The passphrase must not contain the characters #, $ or %.")
