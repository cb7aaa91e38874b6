# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions on the disk: complete or not there, checked as a server would, never changed."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest
from unit.certificates import Leaf, authority

from ansible_collections.certops.acm.plugins.module_utils.bundle import leaf_info
from ansible_collections.certops.acm.plugins.module_utils.bundle_files import BundleFiles, Ownership
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import FileChange, temporary_path
from ansible_collections.certops.acm.plugins.module_utils.versions import VersionStore

LEAF = authority().leaf(["www.example.com", "192.0.2.7"])


def files_of(leaf: Leaf) -> BundleFiles:
    info = asdict(leaf_info(leaf.certificate))
    return BundleFiles(leaf.certificate.encode(), leaf.chain.encode(), leaf.private_key.encode(), info)


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    made = VersionStore(str(tmp_path), "www", FileChange())
    made.make_directories()
    made.stage(LEAF.fingerprint, files_of(LEAF).contents(), Ownership())
    return made


def test_a_staged_version_is_read_again(store: VersionStore) -> None:
    version = store.read(LEAF.fingerprint, Ownership())
    assert version.damage is None
    assert version.info["names"] == ["www.example.com", "192.0.2.7"]
    assert files_of(LEAF).is_in(store.path(LEAF.fingerprint))
    assert not files_of(authority().leaf()).is_in(store.path(LEAF.fingerprint))
    assert os.listdir(store.versions) == [LEAF.fingerprint]


def test_a_version_tells_of_itself_without_its_own_notes(store: VersionStore) -> None:
    """As an adopted one must: it has no certificate.json."""
    Path(store.path(LEAF.fingerprint), "certificate.json").write_text("nonsense")
    known = asdict(leaf_info(LEAF.certificate))
    info = store.read(LEAF.fingerprint).info
    assert {name: info[name] for name in ("fingerprint", "serial", "not_before", "not_after")} == {
        name: known[name] for name in ("fingerprint", "serial", "not_before", "not_after")
    }
    assert info["names"] == list(known["names"])


@pytest.mark.parametrize("file", ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "certificate.json"])
@pytest.mark.parametrize("damage", ["", "nonsense", None])
def test_damage_is_found(store: VersionStore, file: str, damage: str | None) -> None:
    path = Path(store.path(LEAF.fingerprint), file)
    path.unlink() if damage is None else path.write_text(damage)
    if file == "certificate.json" and damage is not None:
        return  # only notes
    assert store.read(LEAF.fingerprint, Ownership()).damage is not None


def test_a_version_under_a_wrong_name_is_damaged(store: VersionStore) -> None:
    os.rename(store.path(LEAF.fingerprint), store.path("0" * 64))
    assert "another certificate than its name says" in str(store.read("0" * 64).damage)


def test_modes_and_owners_are_looked_at(store: VersionStore) -> None:
    assert "0640" in str(store.read(LEAF.fingerprint, Ownership(key_mode=0o640)).damage)
    assert "0750" in str(store.read(LEAF.fingerprint, Ownership(directory_mode=0o750)).damage)
    assert "owner or group" in str(store.read(LEAF.fingerprint, Ownership(uid=os.getuid() + 1)).damage)


def test_a_pair_that_does_not_match_is_never_staged(store: VersionStore) -> None:
    other = authority().leaf()
    for kind in ("p256", "rsa"):
        contents = {**files_of(other).contents(), "privkey.pem": authority().leaf(kind=kind).private_key.encode()}
        with pytest.raises(HostError, match="certificate and key do not belong together"):
            store.stage(other.fingerprint, contents, Ownership())
    assert os.listdir(store.versions) == [LEAF.fingerprint]


def test_an_encrypted_key_is_refused_and_not_asked_for(store: VersionStore) -> None:
    other = authority().leaf()
    contents = {**files_of(other).contents(), "privkey.pem": other.encrypted_private_key.encode()}
    with pytest.raises(HostError, match="encrypted"):
        store.stage(other.fingerprint, contents, Ownership())


def test_names_of_others_are_left_alone(store: VersionStore) -> None:
    Path(store.versions, "notes.txt").touch()
    Path(store.versions, ".x.certops-tmp").touch()
    store.sweep()
    assert sorted(os.listdir(store.versions)) == sorted([LEAF.fingerprint, "notes.txt"])
    assert store.names() == [LEAF.fingerprint]
    assert store.free_name(LEAF.fingerprint) == f"{LEAF.fingerprint}.2"


def test_no_include_pattern_finds_what_is_prepared() -> None:
    name = os.path.basename(temporary_path("/etc/nginx/conf.d/www.conf"))
    assert name.startswith(".")
    assert not name.endswith(".conf")
