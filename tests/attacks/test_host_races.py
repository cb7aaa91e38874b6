# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another user of a host exchanges names while root works on them: nothing of root's is emptied, shown or overwritten.

Each race takes some seconds and counts how often the names were really exchanged.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attacks.racer import NOBODY, Racer, exchange, needs_root
from unit.certificates import authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import FileChange
from ansible_collections.certops.acm.plugins.module_utils.versions import VersionStore

pytestmark = needs_root
LEAF, NEW = authority().leaf(age=2), authority().leaf(age=1)
SECRET = "what only root may read\n"
SECONDS = 2.5
ENOUGH = 500


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory that everybody can reach, in memory where there is one: a race needs many runs."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else tmp_path) as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


@pytest.fixture
def host(place: Path) -> Host:
    return Host(place)


def quiet(**changes: Any) -> dict[str, Any]:
    return {"listeners": [], "reload_command": [], "config_test": [], **changes}


def canary(place: Path) -> Path:
    """A directory of root's with something in it."""
    made = place / "canary"
    made.mkdir(mode=0o700)
    for number in range(20):
        (made / f"file{number}").write_text(SECRET)
    return made


def give(*paths: Path) -> None:
    for path in paths:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def trapped(version: Path, outside: Path) -> None:
    """Put into a directory what its owner can put there: a directory, and a link to exchange it with."""
    (version / "sub").mkdir(mode=0o777)
    for number in range(20):
        (version / "sub" / f"file{number}").write_text("")
        give(version / "sub" / f"file{number}")
    (version / "other").symlink_to(outside)
    give(version, version / "sub", version / "other")
    version.chmod(0o700)


def test_no_directory_outside_is_emptied(place: Path) -> None:
    outside, swaps, removals = canary(place), 0, 0
    expected = sorted(path.name for path in outside.iterdir())
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        doomed = place / "doomed"
        doomed.mkdir()
        trapped(doomed, outside)
        with Racer(doomed, "sub", "other") as racer:
            while racer.swaps < 10:
                os.sched_yield()
            FileChange().remove_tree(str(doomed))
        assert sorted(path.name for path in outside.iterdir()) == expected
        assert not doomed.exists()
        swaps += racer.swaps
        removals += 1
    assert removals > 10 and swaps > ENOUGH, (removals, swaps)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_owner_of_the_files_cannot_have_root_empty_a_directory(host: Host, place: Path, state: str) -> None:
    """The directories of versions were the owner's once; a run that prunes or removes them meets his trap."""
    outside, swaps, runs = canary(place), 0, 0
    expected = sorted(path.name for path in outside.iterdir())
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        shutil.rmtree(host.root, ignore_errors=True)
        host.deploy(LEAF, **quiet(owner="nobody", group=group_of_nobody()))
        version = host.live.resolve()
        trapped(version, outside)
        changes = quiet(owner="nobody", group=group_of_nobody(), keep_versions=1)
        with Racer(version, "sub", "other") as racer:
            while racer.swaps < 10:
                os.sched_yield()
            if state == "present":
                host.deploy(NEW, **changes)
            else:
                host.transaction(host.options(state="absent", **changes)).run()
        assert sorted(path.name for path in outside.iterdir()) == expected
        assert not version.exists()
        swaps += racer.swaps
        runs += 1
    assert runs > 5 and swaps > ENOUGH, (runs, swaps)


def group_of_nobody() -> str:
    return grp.getgrgid(NOBODY).gr_name


# Directories of another user that root is told to write to.


def shown_to_nobody(directory: Path) -> list[str]:
    """Return the files in which another user can read the secret."""
    found = []
    for path in directory.rglob("*"):
        status = path.lstat()
        readable = status.st_uid == NOBODY or status.st_mode & 0o004
        if path.is_file() and not path.is_symlink() and readable and SECRET in path.read_text():
            found.append(str(path))
    return found


class App:
    """A directory of another user with a file, and a link that he can exchange it with."""

    def __init__(self, place: Path) -> None:
        self.secret = place / "secret"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)
        self.directory = place / "app"
        self.directory.mkdir()
        give(self.directory)
        self.path, self.other = self.directory / "site.pem", self.directory / "other"
        self._mark = place / "tested"

    def reset(self) -> None:
        for entry in self.directory.iterdir():
            entry.unlink()
        self.path.write_text("of nobody\n")
        self.path.chmod(0o644)
        self.other.symlink_to(self.secret)
        give(self.path, self.other)
        self._mark.unlink(missing_ok=True)

    def options(self, kind: str) -> dict[str, Any]:
        """Return the options of a change that is put back: the test before it succeeds, the next one fails."""
        test = ["sh", "-c", f"test ! -e {self._mark} && touch {self._mark}"]
        if kind == "links":
            return quiet(config_test=test, links=[{"path": str(self.path), "part": "fullchain"}])
        return quiet(config_test=test, config_files=[{"path": str(self.path), "content": "new\n", "mode": "0600"}])

    def check(self) -> None:
        assert shown_to_nobody(self.directory) == []
        assert self.secret.read_text() == SECRET
        assert (self.secret.stat().st_mode & 0o7777, self.secret.stat().st_uid) == (0o600, 0)


@pytest.mark.parametrize("kind", ["config_files", "links"])
def test_a_swapped_link_shows_nothing_of_roots(host: Host, place: Path, kind: str) -> None:
    """The way back writes what was read before; it must not be what a link led to meanwhile."""
    app = App(place)
    swaps, runs = 0, 0
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        app.reset()
        with Racer(app.directory, app.path.name, app.other.name) as racer:
            while racer.swaps < 10:
                os.sched_yield()
            with contextlib.suppress(HostError):
                host.deploy(NEW, **app.options(kind))
        app.check()
        swaps += racer.swaps
        runs += 1
    assert runs > 5 and swaps > ENOUGH, (runs, swaps)


@pytest.mark.parametrize("kind", ["config_files", "links"])
def test_a_link_swapped_after_any_look_shows_nothing(
    host: Host, place: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with the best of luck: the names are exchanged after the n-th look, for each n."""
    app, looks, wanted, armed = App(place), 0, 0, False

    def watched(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def look(path: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal looks
            found = real(path, *args, **kwargs)
            if armed and os.path.basename(str(path)) == app.path.name:
                looks += 1
                if looks == wanted:
                    exchange(app.path, app.other)
            return found

        return look

    for name in ("lstat", "stat", "readlink", "open"):
        monkeypatch.setattr(os, name, watched(name))
    while looks >= wanted:
        app.reset()
        looks, wanted, armed = 0, wanted + 1, True
        with contextlib.suppress(HostError):
            host.deploy(NEW, **app.options(kind))
        armed = False
        app.check()
    assert wanted > 3


def test_a_swapped_directory_redirects_nothing(host: Host, place: Path) -> None:
    """A component of the path becomes a link to a directory of root's that holds a file of the same name."""
    outside = canary(place)
    (outside / "site.conf").write_text(SECRET)
    (outside / "site.conf").chmod(0o600)
    app = place / "app"
    app.mkdir()
    before = {path.name: (path.read_text(), path.stat().st_ino) for path in outside.iterdir()}
    swaps, runs = 0, 0
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        shutil.rmtree(app)
        (app / "conf").mkdir(parents=True)
        (app / "other").symlink_to(outside)
        (app / "conf" / "site.conf").write_text("of nobody\n")
        give(app, app / "conf", app / "other", app / "conf" / "site.conf")
        path = app / "conf" / "site.conf"
        mark = place / "tested"
        mark.unlink(missing_ok=True)
        changes = quiet(
            config_files=[{"path": str(path), "content": "new\n", "mode": "0644"}],
            config_test=["sh", "-c", f"test ! -e {mark} && touch {mark}"] if runs % 2 else [],
        )
        with Racer(app, "conf", "other") as racer:
            while racer.swaps < 10:
                os.sched_yield()
            with contextlib.suppress(HostError):
                host.deploy(NEW if runs % 4 < 2 else LEAF, force=True, **changes)
        assert {path.name: (path.read_text(), path.stat().st_ino) for path in outside.iterdir()} == before
        assert shown_to_nobody(app) == []
        swaps += racer.swaps
        runs += 1
    assert runs > 5 and swaps > ENOUGH, (runs, swaps)


def test_what_a_link_of_another_user_leads_to_is_not_adopted(host: Host, place: Path) -> None:
    secret, app = place / "secret", place / "app"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    app.mkdir()
    give(app)
    (app / "site.pem").symlink_to(secret)
    give(app / "site.pem")
    with pytest.raises(HostError, match="leads to a file of another user"):
        host.deploy(NEW, **quiet(links=[{"path": str(app / "site.pem"), "part": "fullchain"}]))
    assert SECRET not in str(host.snapshot())
    assert os.readlink(app / "site.pem") == str(secret)


def test_a_directory_of_the_services_user_is_served_all_the_same(host: Host, place: Path) -> None:
    app = place / "app"
    app.mkdir()
    (app / "real.pem").write_text(LEAF.fullchain)
    (app / "site.pem").symlink_to("real.pem")
    (app / "site.conf").write_text("old\n")
    give(app, app / "site.pem", app / "real.pem", app / "site.conf")
    changes = quiet(
        links=[{"path": str(app / "site.pem"), "part": "fullchain"}],
        config_files=[{"path": str(app / "site.conf"), "content": "new\n", "mode": "0640"}],
    )
    host.deploy(NEW, **changes)
    assert (app / "site.pem").read_text() == NEW.fullchain
    assert (app / "site.conf").read_text() == "new\n"
    host.transaction(host.options(state="absent", **quiet())).run()
    assert os.readlink(app / "site.pem") == "real.pem"
    assert (app / "site.conf").read_text() == "old\n"
    assert (app / "site.conf").stat().st_uid == NOBODY


def test_a_path_through_a_link_of_another_user_is_refused(host: Host, place: Path) -> None:
    app, outside = place / "app", canary(place)
    app.mkdir()
    (app / "conf").symlink_to(outside)
    give(app, app / "conf")
    files = [{"path": str(app / "conf" / "site.conf"), "content": "new\n", "mode": "0644"}]
    for check_mode in (True, False):
        transaction = host.transaction(host.options(NEW, **quiet(config_files=files)), check_mode=check_mode)
        with pytest.raises(HostError, match=r"symbolic link that the user nobody .* could change"):
            transaction.check() if check_mode else transaction.run()
    assert not (outside / "site.conf").exists()


def test_a_root_that_another_user_could_replace_is_refused(place: Path) -> None:
    """Whoever may write above the root, or in it, can put keys and a journal of his own there."""
    host = Host(place)
    give(place)
    with pytest.raises(HostError, match="others than root may write to"):
        host.deploy(NEW, **quiet())
    assert not host.root.exists()
    os.chown(place, 0, 0)
    host.deploy(LEAF, **quiet())
    for directory in (host.root, host.root / "www", host.root / "www" / "versions", host.root / "www" / "backups"):
        give(directory)
        with pytest.raises(HostError, match="belongs to another user than root"):
            host.deploy(NEW, **quiet())
        os.chown(directory, 0, 0)
    assert host.deploy(NEW, **quiet()).plan.changed


def test_the_journal_of_another_user_is_not_carried_out(host: Host, place: Path) -> None:
    """It would have root write any file."""
    host.deploy(LEAF, **quiet())
    victim = place / "victim"
    victim.write_text("of root\n")
    evil = host.root / "evil"
    evil.mkdir()
    goal = {"live": None, "files": [[str(victim), {"kind": "absent"}]], "links": [], "record": None}
    (evil / "journal.json").write_text(json.dumps({"before": goal, "reloaded": False, "pid": 1}))
    give(evil, evil / "journal.json")
    report = host.deploy(NEW, **quiet())
    assert victim.read_text() == "of root\n"
    assert [warning for warning in report.warnings if "evil is left alone" in warning]


def test_a_file_with_a_second_name_in_a_directory_of_others_is_refused(host: Host, place: Path) -> None:
    """Where hard links are not protected, anybody can give any file a second name."""
    app, secret = place / "app", place / "secret"
    app.mkdir()
    secret.write_text(SECRET)
    os.link(secret, app / "site.conf")
    give(app)
    files = [{"path": str(app / "site.conf"), "content": "new\n", "mode": "0644"}]
    with pytest.raises(HostError, match="has another name besides"):
        host.deploy(NEW, **quiet(config_files=files))


def test_versions_of_old_are_taken_back_from_their_owner(host: Host) -> None:
    changes = quiet(owner="nobody", group=group_of_nobody(), key_mode="0600")
    host.deploy(LEAF, **changes)
    version = host.live.resolve()
    give(version)
    version.chmod(0o700)
    check = host.transaction(host.options(LEAF, **changes), check_mode=True).check()
    assert check.repaired == ["take 1 version directory of www back from another user"]
    assert version.stat().st_uid == NOBODY
    report = host.deploy(LEAF, **changes)
    assert report.to_result()["changed"] and not report.plan.changed
    assert (version.stat().st_uid, version.stat().st_gid) == (0, NOBODY)
    assert host.live.resolve() == version
    assert not host.deploy(LEAF, **changes).to_result()["changed"]
    # An anchor for whoever has the store open: a version of another certificate is taken back, too.
    give(version)
    host.deploy(NEW, name="other", **changes)
    assert version.stat().st_uid == 0
    assert VersionStore(str(host.root), "www", FileChange()).foreign() == []
