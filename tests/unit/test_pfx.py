# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PFX that Windows reads: the leaf alone, with the cipher of its build; OpenSSL is the judge of the cipher."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from unit.certificates import PASSPHRASE, authority

from ansible_collections.certops.acm.plugins.module_utils.bundle import Bundle, open_bundle
from ansible_collections.certops.acm.plugins.module_utils.pfx import intermediates, make_pfx, one_use_password

LEAF = authority().leaf(("shop.example.com",))


def opened() -> Bundle:
    return open_bundle(LEAF.certificate, LEAF.chain, LEAF.encrypted_private_key, PASSPHRASE)


@pytest.mark.parametrize(
    ("build", "cipher"),
    [(14393, "pbeWithSHA1And3-KeyTripleDES-CBC"), (17762, "3-Key"), (17763, "AES-256-CBC"), (26100, "AES-256-CBC")],
)
def test_cipher_by_build(tmp_path: Path, build: int, cipher: str) -> None:
    password = one_use_password()
    made = make_pfx(opened(), password=password, name="certops.acm shop", build=build)
    (tmp_path / "leaf.pfx").write_bytes(made)
    command = ["openssl", "pkcs12", "-in", str(tmp_path / "leaf.pfx"), "-info", "-noout", "-passin", f"pass:{password}"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert cipher in shown
    assert ("sha256" in shown.lower()) == (build >= 17763)
    read = load_pkcs12(made, password.encode())
    assert read.cert and read.cert.certificate == LEAF.x509 and read.additional_certs == []
    assert read.cert.friendly_name == b"certops.acm shop"


def test_a_password_is_used_once() -> None:
    assert len({one_use_password() for _unused in range(50)}) == 50
    assert len(one_use_password()) >= 43


def test_roots_are_no_intermediates() -> None:
    assert LEAF.chain.count("BEGIN CERTIFICATE") == 2
    assert len(intermediates(LEAF.chain)) == 1
