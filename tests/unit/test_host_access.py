# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what below the root, tried as real users; and that at no moment anybody may do more."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.certificates import authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils.file_change import Access, FileChange
from ansible_collections.certops.acm.plugins.module_utils.held_directory import Directories

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
LEAF, NEW, NEWEST = authority().leaf(age=3), authority().leaf(age=2), authority().leaf(age=1)
OWNER, GROUP = pwd.getpwnam("nobody"), grp.getgrnam("daemon")
STRANGER: tuple[int, int, list[int]] = (12345, 12345, [])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory that everybody can reach."""
    opened = [directory for directory in (tmp_path, *tmp_path.parents) if not directory.stat().st_mode & 0o001]
    for directory in opened:
        directory.chmod(directory.stat().st_mode | 0o011)
    yield tmp_path
    for directory in opened:
        directory.chmod(directory.stat().st_mode & ~0o011)


@pytest.fixture
def host(place: Path) -> Host:
    return Host(place)


def quiet(**changes: Any) -> dict[str, Any]:
    return {"listeners": [], "reload_command": [], "config_test": [], **changes}


def may(user: tuple[int, int, list[int]], *calls: str) -> list[bool]:
    """Return which of some expressions a user may evaluate."""
    child, answers = os.fork(), []
    if child == 0:
        code = 100
        try:
            uid, gid, groups = user
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            code = 0
            for number, call in enumerate(calls):
                try:
                    eval(call, {"os": os})
                    code |= 1 << number
                except PermissionError:
                    pass
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    answers = [bool(code & 1 << number) for number in range(len(calls))]
    return answers


@pytest.mark.parametrize(
    ("owner", "group", "key_mode", "mode", "readers"),
    [
        ("root", "root", "0600", 0o700, set()),
        ("root", "daemon", "0640", 0o750, {"member"}),
        ("nobody", OWNER.pw_name and grp.getgrgid(OWNER.pw_gid).gr_name, "0600", 0o711, {"owner", "bare owner"}),
        ("nobody", "daemon", "0640", 0o751, {"owner", "bare owner", "member"}),
        ("nobody", "root", "0400", 0o751, {"owner", "bare owner"}),
    ],
)
def test_who_may_read_the_key_and_who_may_change_names(
    host: Host, owner: str, group: str, key_mode: str, mode: int, readers: set[str]
) -> None:
    host.deploy(LEAF, **quiet(owner=owner, group=group, key_mode=key_mode))
    version = host.live.resolve()
    for directory in (host.root, host.root / "www", version.parent, version, host.root / "www" / "backups"):
        status = directory.stat()
        assert status.st_uid == 0 and not status.st_mode & 0o022
    assert stat.S_IMODE(version.stat().st_mode) == mode
    users = {
        "owner": (OWNER.pw_uid, OWNER.pw_gid, []),
        "bare owner": (OWNER.pw_uid, 0, []),  # as a container runs what is given a user without a group
        "member": (12346, 12346, [GROUP.gr_gid]),
        "stranger": STRANGER,
    }
    read = f"os.close(os.open('{host.live}/privkey.pem', os.O_RDONLY))"
    names = [
        f"os.rename('{version}/privkey.pem', '{version}/other.pem')",
        f"os.symlink('/etc', '{version}/etc')",
        f"os.mkdir('{version}/sub')",
        f"os.unlink('{version}/cert.pem')",
        f"os.rename('{version}', '{version}.2')",
    ]
    allowed = {name for name, user in users.items() if may(user, read)[0]}
    assert allowed == readers
    for user in users.values():
        assert not any(may(user, *names))
    assert not host.deploy(LEAF, **quiet(owner=owner, group=group, key_mode=key_mode)).to_result()["changed"]


def test_a_server_gets_through_while_a_directory_is_taken_from_it(host: Host) -> None:
    """A directory of old belongs to the owner; at each step of taking it the owner can read its key."""
    changes = quiet(owner="nobody", group=grp.getgrgid(OWNER.pw_gid).gr_name)
    host.deploy(LEAF, **changes)
    version = host.live.resolve()
    os.chown(version, OWNER.pw_uid, OWNER.pw_gid)
    version.chmod(0o700)
    read = f"os.close(os.open('{host.live}/privkey.pem', os.O_RDONLY))"
    steps = []

    def look(operation: str, _path: str) -> None:
        steps.append(operation)
        assert may((OWNER.pw_uid, OWNER.pw_gid, []), read) == [True]

    host.transaction(host.options(LEAF, **changes), on_step=look).run()
    assert steps == ["chmod", "chown"]
    assert may((OWNER.pw_uid, OWNER.pw_gid, []), read) == [True]
    assert (version.stat().st_uid, stat.S_IMODE(version.stat().st_mode)) == (0, 0o711)


@pytest.mark.parametrize("directory", [True, False], ids=["directory", "file"])
def test_no_other_group_may_read_for_a_moment(tmp_path: Path, directory: bool) -> None:
    """Before each step, what is there is either for its maker alone or belongs to the right group."""
    path = tmp_path / "made"
    looked = []

    def look(operation: str, _path: str) -> None:
        for found in tmp_path.iterdir():
            status = found.stat()
            looked.append(operation)
            assert not status.st_mode & 0o077 or (status.st_uid, status.st_gid) == (OWNER.pw_uid, GROUP.gr_gid)

    files = FileChange(look)
    access = Access(0o750 if directory else 0o640, OWNER.pw_uid, GROUP.gr_gid)
    former = os.umask(0)
    try:
        files.make_directory(str(path), access) if directory else files.write(str(path), b"key", access)
    finally:
        os.umask(former)
    assert {"chown", "chmod"} <= set(looked)
    assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (GROUP.gr_gid, access.mode)


# What killed runs left.


def left_version(host: Host) -> Path:
    """Make the version that a run leaves when it is killed before it prunes."""
    left = host.root / "www" / "versions" / ("a" * 64)
    left.mkdir(mode=0o700)
    (left / "privkey.pem").write_text(LEAF.private_key)
    return left


def test_a_run_that_changes_nothing_removes_what_nothing_needs(host: Host) -> None:
    changes = quiet(keep_versions=2)
    host.deploy(LEAF, **changes)
    host.deploy(NEW, **changes)
    left = left_version(host)
    backup = host.root / "www" / "backups" / ("b" * 64)
    backup.write_text(LEAF.private_key)
    checked = host.transaction(host.options(NEW, **changes), check_mode=True).check().to_result()
    assert left.exists() and checked["changed"]
    report = host.deploy(NEW, **changes)
    assert report.to_result()["actions"] == checked["actions"]
    assert "aaaaaaaaaaaa" in str(checked["actions"])
    assert not left.exists() and not backup.exists()
    assert {path.name for path in left.parent.iterdir()} == {LEAF.fingerprint, NEW.fingerprint}
    assert not host.deploy(NEW, **changes).to_result()["changed"]


def test_killed_before_the_prune_the_next_run_removes_the_old_key(host: Host) -> None:
    changes = quiet(keep_versions=1)
    host.deploy(LEAF, **changes)
    child = os.fork()
    if child == 0:
        try:
            host.transaction(
                host.options(NEW, **changes), on_step=lambda step, _path: os._exit(7) if step == "clean up" else None
            ).run()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    versions = host.root / "www" / "versions"
    assert {path.name for path in versions.iterdir()} == {LEAF.fingerprint, NEW.fingerprint}
    host.deploy(NEW, **changes)
    assert [path.name for path in versions.iterdir()] == [NEW.fingerprint]


def test_where_nothing_is_remembered_nothing_is_removed(host: Host) -> None:
    host.deploy(LEAF, **quiet())
    host.deploy(NEW, **quiet())
    (host.root / "www" / "record.json").unlink()
    assert not host.deploy(NEW, **quiet()).to_result()["changed"]
    assert (host.root / "www" / "versions" / LEAF.fingerprint).exists()


# Directories held open.


def test_a_held_directory_is_the_same_after_it_was_swapped(place: Path) -> None:
    """Whatever gets its name meanwhile, what is written goes where it was looked."""
    (place / "app").mkdir()
    os.chown(place / "app", OWNER.pw_uid, OWNER.pw_gid)
    (place / "app" / "site").mkdir()
    files = FileChange()
    with files.directories.holding():
        assert files.status(str(place / "app" / "site" / "x")) is None
        (place / "app" / "site").rename(place / "app" / "moved")
        (place / "app" / "site").symlink_to("/etc")
        files.write(str(place / "app" / "site" / "x"), b"content", Access(0o644))
    assert (place / "app" / "moved" / "x").read_bytes() == b"content"


def test_links_that_only_root_could_make_are_followed(place: Path) -> None:
    (place / "real").mkdir()
    (place / "alias").symlink_to("real")
    (place / "again").symlink_to(place / "alias")
    with Directories().open(str(place / "again")) as held:
        assert os.path.samestat(os.fstat(held.descriptor), (place / "real").stat())
        assert held.private
    (place / "real").chmod(0o777)
    with Directories().open(str(place / "again")) as held:
        assert not held.private


def test_nothing_stays_open(host: Host) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = opened()
    for leaf in (LEAF, NEW, NEWEST):
        host.deploy(leaf, **quiet(config_files=[{"path": str(host.etc / "x"), "content": "x", "mode": "0644"}]))
        host.transaction(host.options(leaf, **quiet()), check_mode=True).check().to_result()
    assert opened() == before
