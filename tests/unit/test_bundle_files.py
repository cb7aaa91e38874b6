# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a bundle: formats beside the PEM parts, made once, found damaged, made anew when they must be."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12 as pkcs12_format
from unit.certificates import Leaf, authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils.bundle import make_pkcs12, password_verifier
from ansible_collections.certops.acm.plugins.module_utils.bundle_files import adopted_contents

LEAF = authority().leaf()
RSA = authority("rsa").leaf(kind="rsa")
ALL_PARTS = {
    "certificate": LEAF.certificate.encode(),
    "chain": LEAF.chain.encode(),
    "fullchain": LEAF.fullchain.encode(),
    "haproxy": (LEAF.fullchain + LEAF.private_key).encode(),
}


@pytest.mark.parametrize(
    "parts", [{"fullchain"}, {"certificate", "chain"}, {"certificate"}, {"fullchain", "chain"}, {"haproxy"}]
)
def test_what_is_adopted_keeps_its_bytes(parts: set[str]) -> None:
    made = adopted_contents({part: ALL_PARTS[part] for part in parts})
    names = {"certificate": "cert.pem", "chain": "chain.pem", "fullchain": "fullchain.pem", "haproxy": "haproxy.pem"}
    assert all(made[names[part]] == ALL_PARTS[part] for part in parts)
    assert made["fullchain.pem"] == made["cert.pem"] + made["chain.pem"]
    assert made.get("privkey.pem", b"").decode() == (LEAF.private_key if "haproxy" in parts else "")


def test_what_is_no_certificate_is_kept_all_the_same() -> None:
    assert adopted_contents({"fullchain": b"nonsense", "pkcs12": b"\x30\x82"}) == {
        "fullchain.pem": b"nonsense",
        "bundle.p12": b"\x30\x82",
    }


def pkcs12(leaf: Leaf, password: str = "changeit") -> dict[str, Any]:
    """Return what the action sends."""
    content = make_pkcs12(leaf.certificate, leaf.chain, leaf.private_key, password=password, name="www")
    return {
        "content": base64.b64encode(content).decode(),
        "verifier": password_verifier(password, leaf.fingerprint),
    }


@pytest.fixture
def served(host: Host) -> Host:
    host.own_pair(authority().leaf(age=2))
    host.start()
    return host


@pytest.mark.parametrize("leaf", [LEAF, RSA], ids=["EC", "RSA"])
def test_formats_are_made_beside_the_parts_and_a_repeat_changes_nothing(served: Host, leaf: Leaf) -> None:
    for password in ("changeit", "changeit"):  # each time another PKCS#12 file with the same in it
        report = served.deploy(leaf, **served.managed(), formats=["haproxy", "pkcs12"], pkcs12=pkcs12(leaf, password))
    assert not report.plan.changed
    assert (served.live / "haproxy.pem").read_text() == leaf.fullchain + leaf.private_key
    opened = pkcs12_format.load_pkcs12((served.live / "bundle.p12").read_bytes(), b"changeit")
    assert opened.cert is not None
    assert (opened.cert.certificate, opened.cert.friendly_name) == (leaf.x509, b"www")
    assert len(opened.additional_certs) == 2
    for name in ("haproxy.pem", "bundle.p12", "bundle.p12.json", "privkey.pem"):
        assert (served.live / name).stat().st_mode & 0o777 == 0o600


def test_another_password_makes_another_version(served: Host) -> None:
    first = served.deploy(LEAF, **served.managed(), formats=["pkcs12"], pkcs12=pkcs12(LEAF))
    second = served.deploy(LEAF, **served.managed(), formats=["pkcs12"], pkcs12=pkcs12(LEAF, "another one"))
    assert second.plan.goal.live == f"{first.plan.goal.live}.2"
    assert pkcs12_format.load_pkcs12((served.live / "bundle.p12").read_bytes(), b"another one").key is not None


def test_a_format_asked_for_later_is_made(served: Host) -> None:
    served.deploy(LEAF, **served.managed())
    path = served.etc / "haproxy.pem"
    assert served.deploy(LEAF, **served.managed(), links=[{"path": str(path), "part": "haproxy"}]).plan.changed
    assert path.resolve().read_text() == LEAF.fullchain + LEAF.private_key


@pytest.mark.parametrize("name", ["haproxy.pem", "bundle.p12", "bundle.p12.json"])
@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_format_is_made_anew(served: Host, name: str, damage: bytes | None) -> None:
    options: dict[str, Any] = {**served.managed(), "formats": ["haproxy", "pkcs12"], "pkcs12": pkcs12(LEAF)}
    served.deploy(LEAF, **options)
    path = served.live / name
    path.unlink() if damage is None else path.write_bytes(damage)
    served.deploy(LEAF, **options)
    assert (served.live / "haproxy.pem").read_text() == LEAF.fullchain + LEAF.private_key
    pkcs12_format.load_pkcs12((served.live / "bundle.p12").read_bytes(), b"changeit")
    assert not served.deploy(LEAF, **options).plan.changed


def test_check_mode_without_a_key_compares_formats(served: Host) -> None:
    options: dict[str, Any] = {**served.managed(), "formats": ["haproxy", "pkcs12"]}
    served.deploy(LEAF, **options, pkcs12=pkcs12(LEAF))
    same = {"verifier": password_verifier("changeit", LEAF.fingerprint)}
    other = {"verifier": password_verifier("another one", LEAF.fingerprint)}
    for made, changed in ((same, False), (other, True)):
        asked = served.options(LEAF, **options, pkcs12=made, private_key=None)
        assert served.transaction(asked, check_mode=True).check().plan.changed is changed


def test_a_combined_file_is_adopted_and_put_back(served: Host) -> None:
    """As HAProxy has it before we come: one file with everything."""
    path, old = served.etc / "site.pem", authority().leaf(age=2)
    path.write_text(old.fullchain + old.private_key)
    os.chmod(path, 0o640)
    served.config.write_text(served.lines(path, path))
    link: dict[str, Any] = {"links": [{"path": str(path), "part": "haproxy"}]}
    served.deploy(LEAF, **link)
    assert served.served() == LEAF.fingerprint
    served.transaction(served.options(state="rolled_back", **link)).run()
    assert served.served() == old.fingerprint
    served.transaction(served.options(state="absent")).run()
    assert path.read_text() == old.fullchain + old.private_key
    assert (path.stat().st_mode & 0o777, path.is_symlink()) == (0o640, False)
    assert not Path(served.root / "www").exists()
