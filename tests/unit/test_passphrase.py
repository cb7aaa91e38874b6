# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passphrases: the rules of ExportCertificate, and no passphrase in any message."""

from __future__ import annotations

import pytest

from ansible_collections.certops.acm.plugins.module_utils import passphrase
from ansible_collections.certops.acm.plugins.module_utils.errors import PassphraseError


@pytest.mark.parametrize("length", [32, 48, 128])
def test_generated_ones_are_valid_and_differ(length: int) -> None:
    made = {passphrase.generate(length) for _unused in range(200)}
    assert len(made) == 200
    for text in made:
        assert len(text) == length
        passphrase.validate(text)


@pytest.mark.parametrize("length", [0, 31, 129])
def test_short_and_long_ones_are_not_generated(length: int) -> None:
    with pytest.raises(PassphraseError, match="choose 32 to 128"):
        passphrase.generate(length)


@pytest.mark.parametrize("text", ["abcd", "x" * 128, "with space", "~!@^&*()'\""])
def test_what_acm_takes(text: str) -> None:
    passphrase.validate(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 characters"),
        ("abc", "3 characters"),
        ("y" * 129, "129 characters"),
        ("secret#1234", "# \\$ %"),
        ("secret$1234", "# \\$ %"),
        ("secret%1234", "# \\$ %"),
        ("secrét-1234", "ASCII"),
        ("secret\n1234", "ASCII"),
        ("secret\x7f1234", "ASCII"),
    ],
)
def test_what_acm_does_not_take(text: str, reason: str) -> None:
    with pytest.raises(PassphraseError, match=reason) as caught:
        passphrase.validate(text)
    assert not text or text not in str(caught.value)
