# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passphrases for ACM's ExportCertificate: 4 to 128 printable ASCII characters, none of ``#``, ``$``, ``%``.

The rules are those of the API reference of ``ExportCertificate``. No message here holds a passphrase.
"""

from __future__ import annotations

import secrets
import string

from ansible_collections.certops.acm.plugins.module_utils.errors import PassphraseError

FORBIDDEN = "#$%"
MIN_LENGTH = 4
MAX_LENGTH = 128

# No quotes, backslashes, spaces or shell characters: a passphrase also ends up in files that servers read.
_ALPHABET = string.ascii_letters + string.digits + "-_.,:+=@"


def generate(length: int = 48) -> str:
    """Return a new random passphrase of ``length`` characters (32 or more, so that nobody can guess it)."""
    if not 32 <= length <= MAX_LENGTH:
        raise PassphraseError(f"cannot generate a passphrase of {length} characters: choose 32 to {MAX_LENGTH}")
    return "".join(secrets.choice(_ALPHABET) for _unused in range(length))


def validate(text: str) -> None:
    """Raise PassphraseError, which never holds the passphrase, unless ACM would accept ``text``."""
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        raise PassphraseError(
            f"the passphrase has {len(text)} characters, but ACM takes {MIN_LENGTH} to {MAX_LENGTH}: choose another one"
        )
    if any(character in FORBIDDEN for character in text):
        raise PassphraseError("the passphrase holds one of the characters # $ %, which ACM forbids: leave them out")
    if not all(" " <= character <= "~" for character in text):
        raise PassphraseError("the passphrase holds a character that is not printable ASCII: ACM takes ASCII only")
