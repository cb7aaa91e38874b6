# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles: what belongs together is opened, everything else is named, and no part of a key is told."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from unit.certificates import KINDS, PASSPHRASE, Leaf, authority, make_root, now, pem

from ansible_collections.certops.acm.plugins.module_utils import bundle
from ansible_collections.certops.acm.plugins.module_utils.errors import BundleError

LEAF = authority().leaf(["www.example.com", "*.example.org", "192.0.2.7"])
OTHER = authority().leaf()
ALGORITHMS = {"rsa": "RSA_2048", "p256": "EC_prime256v1", "p384": "EC_secp384r1"}


def parts(leaf: Leaf = LEAF, **changes: Any) -> dict[str, Any]:
    given = {
        "certificate": leaf.certificate,
        "chain": leaf.chain,
        "encrypted_private_key": leaf.encrypted_private_key,
        "passphrase": PASSPHRASE,
    }
    return {**given, **changes}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("issuer", KINDS)
def test_a_bundle_is_opened(kind: str, issuer: str) -> None:
    leaf = authority(issuer).leaf(kind=kind)
    opened = bundle.open_bundle(**parts(leaf))
    assert opened.private_key == leaf.private_key
    assert (opened.certificate, opened.chain) == (leaf.certificate, leaf.chain)
    assert opened.key_algorithm == ALGORITHMS[kind]
    assert opened.names == ("www.example.com",)
    assert opened.issuer == "CN=Example Intermediate"


def test_openssl_agrees(tmp_path: Path) -> None:
    opened = bundle.open_bundle(**parts())
    (tmp_path / "leaf.pem").write_text(opened.certificate)
    (tmp_path / "key.pem").write_text(opened.private_key)

    def openssl(*arguments: str) -> str:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    shown = openssl("x509", "-in", "leaf.pem", "-noout", "-serial", "-fingerprint", "-sha256")
    serial, fingerprint = (line.split("=")[1].replace(":", "").lower() for line in shown.splitlines())
    assert (serial.lstrip("0"), fingerprint) == (opened.serial, opened.fingerprint)
    public = openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey")
    assert public == openssl("pkey", "-in", "key.pem", "-pubout")


def test_the_cipher_acm_uses_is_opened(tmp_path: Path) -> None:
    """PBES2, PBKDF2 with HMAC-SHA1, AES-256-CBC, made by another tool than ours."""
    (tmp_path / "plain").write_text(LEAF.private_key)
    command = ["openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1", "-passout", "stdin"]
    made = subprocess.run(
        [*command, "-in", str(tmp_path / "plain")], input=PASSPHRASE, check=True, capture_output=True, text=True
    )
    opened = bundle.open_bundle(**parts(encrypted_private_key=made.stdout))
    assert opened.private_key == LEAF.private_key


def test_a_plain_key_needs_no_passphrase() -> None:
    for given in (None, "", "not needed"):
        opened = bundle.open_bundle(**parts(encrypted_private_key=LEAF.private_key, passphrase=given))
        assert opened.private_key == LEAF.private_key


def test_line_ends_of_windows_do_no_harm() -> None:
    changed = {name: value.replace("\n", "\r\n") for name, value in parts().items() if name != "passphrase"}
    assert bundle.open_bundle(**{**parts(), **changed}) == bundle.open_bundle(**parts())


def ed25519_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


STRANGER = make_root("Stranger")
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"passphrase": "wrong-passphrase"}, "passphrase does not open"),
    ({"passphrase": None}, "no passphrase was given"),
    ({"passphrase": ""}, "no passphrase was given"),
    ({"encrypted_private_key": ""}, "private key is not readable"),
    ({"encrypted_private_key": "nonsense"}, "private key is not readable"),
    ({"encrypted_private_key": LEAF.private_key[:150]}, "private key is not readable"),
    ({"encrypted_private_key": LEAF.private_key.replace("M", "!", 3)}, "private key is not readable"),
    ({"encrypted_private_key": LEAF.private_key * 2}, "exactly one"),
    ({"encrypted_private_key": LEAF.certificate}, "private key is not readable"),
    ({"encrypted_private_key": ed25519_key()}, "neither RSA nor EC"),
    ({"encrypted_private_key": OTHER.encrypted_private_key}, "does not belong to the certificate"),
    ({"certificate": OTHER.certificate}, "does not belong to the certificate"),
    ({"certificate": ""}, "certificate is empty"),
    ({"certificate": "nonsense"}, "certificate is not readable as PEM"),
    ({"certificate": LEAF.certificate.replace("MII", "!!!")}, "certificate is not readable as PEM"),
    ({"certificate": LEAF.fullchain}, "3 certificates instead of one"),
    ({"certificate": LEAF.certificate + LEAF.private_key}, "holds a private key"),
    ({"chain": ""}, "chain is missing"),
    ({"chain": " \n"}, "chain is missing"),
    ({"chain": "nonsense"}, "chain is not readable as PEM"),
    ({"chain": LEAF.chain + LEAF.private_key}, "holds a private key"),
    ({"chain": LEAF.fullchain}, "holds the leaf itself"),
    ({"chain": STRANGER.chain}, "chain does not sign the certificate"),
    ({"chain": LEAF.issuer.root + pem(LEAF.issuer.certificate)}, "wrong order"),
    ({"chain": pem(LEAF.issuer.certificate) + STRANGER.chain}, "chain does not sign the certificate"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG)
def test_what_does_not_belong_together_is_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BundleError, match=reason) as caught:
        bundle.open_bundle(**parts(**changes))
    error: BaseException | None = caught.value
    assert caught.value.__suppress_context__ or error is not None
    text = str(error)
    for leaf in (LEAF, OTHER):
        for secret in (*leaf.private_key.splitlines()[1:-1], *leaf.encrypted_private_key.splitlines()[1:-1]):
            assert secret not in text
    assert PASSPHRASE not in text
    assert "wrong-passphrase" not in text


def test_an_imposter_with_the_same_name_is_found() -> None:
    imposter = make_root("Example Root").intermediate("Example Intermediate")
    with pytest.raises(BundleError, match="chain does not sign"):
        bundle.open_bundle(**parts(chain=imposter.chain))


def test_a_bundle_does_not_show_its_key() -> None:
    assert "PRIVATE" not in repr(bundle.open_bundle(**parts()))


def test_what_a_leaf_says() -> None:
    info = bundle.leaf_info(LEAF.certificate)
    assert info.names == ("www.example.com", "*.example.org", "192.0.2.7")
    assert info.fingerprint == LEAF.fingerprint
    assert info.serial == format(LEAF.x509.serial_number, "x")
    assert info.not_before == LEAF.x509.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert bundle.open_bundle(**parts()).info == info


@pytest.mark.parametrize(
    ("wanted", "covered"),
    [
        ("www.example.com", True),
        ("WWW.Example.COM", True),
        ("www.example.com.", True),
        ("example.com", False),
        ("a.www.example.com", False),
        ("a.example.org", True),
        ("A.EXAMPLE.ORG", True),
        ("example.org", False),
        ("a.b.example.org", False),
        ("*.example.org", True),
        ("*.a.example.org", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("bücher.example.org", True),
        ("notexample.org", False),
        ("", False),
        (".example.org", False),
    ],
)
def test_names_are_covered_as_clients_see_it(wanted: str, covered: bool) -> None:
    info = bundle.leaf_info(LEAF.certificate)
    if covered:
        bundle.check_validity(info, now(), server_names=[wanted])
    else:
        with pytest.raises(BundleError, match="does not cover"):
            bundle.check_validity(info, now(), server_names=["www.example.com", wanted])


@pytest.mark.parametrize(
    ("age", "days", "remaining", "reason"),
    [
        (1, 198, 0, None),
        (1, 198, 196 * 86400, None),
        (1, 198, 198 * 86400, "less than the 198 days"),
        (200, 198, 0, "expired at"),
        (-1, 198, 0, "not valid before"),
    ],
)
def test_validity(age: float, days: float, remaining: float, reason: str | None) -> None:
    info = bundle.leaf_info(authority().leaf(age=age, days=days).certificate)
    if reason is None:
        bundle.check_validity(info, now(), min_remaining=remaining)
    else:
        with pytest.raises(BundleError, match=reason):
            bundle.check_validity(info, now(), min_remaining=remaining)


def test_validity_ends_at_its_last_second() -> None:
    info = bundle.leaf_info(LEAF.certificate)
    end = LEAF.x509.not_valid_after_utc
    bundle.check_validity(info, end - datetime.timedelta(seconds=1))
    with pytest.raises(BundleError, match="expired"):
        bundle.check_validity(info, end)
