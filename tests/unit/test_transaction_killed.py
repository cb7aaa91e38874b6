# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed before any of its system calls leaves a host that works, and the next run finishes.

Each run is a process of its own that kills itself with SIGKILL before its n-th change of the file
system, for every n. The server is one that reads its files when told so and remembers what it read.
tests/faults does the same with the real nginx and Apache, and with the scenes that are left out here.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unit import tls_server
from unit.certificates import authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils import handshake
from ansible_collections.certops.acm.plugins.module_utils.deploy_report import Report
from ansible_collections.certops.acm.plugins.module_utils.deploy_request import read_desired
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.handshake import Listener, Seen
from ansible_collections.certops.acm.plugins.module_utils.server import Outcome, Server
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack, Settings, Transaction

FIRST = authority().leaf(age=3)
OLD = authority().leaf(age=2)
NEW = authority().leaf(age=1)
Step = Callable[[str, str], object]
Scene = Callable[["Rehearsal"], "tuple[dict[str, Any], set[str]]"]


@pytest.fixture(autouse=True)
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of runs: no waiting between looks at a server that has no workers."""
    monkeypatch.setattr(handshake, "IN_A_ROW", 1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: each run forces every file to the disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else tmp_path) as directory:
        yield Path(directory) / "host"


class Rehearsal:
    """A host whose server is a file with the fingerprint it would serve."""

    def __init__(self, directory: Path, scene: Scene) -> None:
        directory.mkdir()
        self.host = Host(directory)
        self.memory = directory / "served"
        self.refuses: str | None = None
        self.options, self.known = scene(self)
        self.reload()
        self._template = directory.with_name("template")
        shutil.copytree(directory, self._template, symlinks=True)

    def reset(self) -> None:
        """Put the host back to where it was made; in the same place, because backups are named by content."""
        shutil.rmtree(self.host.directory)
        shutil.copytree(self._template, self.host.directory, symlinks=True)

    def run_command(self, argv: tuple[str, ...]) -> Outcome:
        try:
            tls_server.load(str(self.host.config))
            served = self.on_disk()
        except (OSError, ValueError, KeyError) as error:
            return Outcome(1, f"{self.host.config}: {error}")
        if argv[1] == "test":
            return Outcome(1, "told to fail") if served == self.refuses else Outcome(0, "")
        self.memory.write_text(served)
        return Outcome(0, "")

    def look(self, listener: Listener) -> Seen:
        return Seen(listener, self.memory.read_text())

    def on_disk(self) -> str:
        """Return what a server would serve that starts now; fails if it would not come up."""
        settings = tls_server.read_settings(str(self.host.config))
        return self.host.pair(Path(settings["certificate"]), Path(settings["key"]))

    def reload(self) -> None:
        assert self.run_command(("true", "reload")).code == 0

    def run(self, options: dict[str, Any], on_step: Step | None = None) -> Report:
        options = {**options, "config_test": ["true", "test"], "reload_command": ["true", "reload"]}
        server = Server(("true", "test"), None, ("true", "reload"), run=self.run_command)
        settings = Settings(0.0, 1.0, on_step=on_step, look=self.look)
        desired = read_desired(options, check_mode=False)
        return Transaction(options["root"], options["name"], desired, server, settings).run()

    def run_and_die(self, number: int) -> bool:
        """Run in a process that kills itself before its n-th change; return whether it came that far."""
        child = os.fork()
        if child == 0:
            try:
                self.run(self.options, _killer(number))
            except HostError:
                os._exit(0)
            except BaseException:
                os._exit(3)
            os._exit(0)
        _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the run itself failed"
        return os.WIFSIGNALED(status)


def _killer(number: int, wanted: str | None = None) -> Step:
    count = 0

    def die(operation: str, _path: str) -> None:
        nonlocal count
        # A kill before fsync leaves what a kill after it leaves.
        if operation == "fsync" or wanted not in (None, operation):
            return
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    return die


def links_of(host: Host) -> list[dict[str, str]]:
    return [
        {"path": str(host.etc / "own.pem"), "part": "fullchain"},
        {"path": str(host.etc / "own.key"), "part": "private_key"},
    ]


def first_install(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    stage.host.own_pair(OLD)
    return stage.host.options(NEW, **stage.host.managed()), {OLD.fingerprint, NEW.fingerprint}


def two_files(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    """A new file, and one that includes it."""
    stage.host.own_pair(OLD)
    part = str(stage.host.etc / "part.conf")
    files = [
        {"path": part, "content": stage.host.lines("{live}/fullchain.pem", "{live}/privkey.pem"), "mode": "0640"},
        {"path": str(stage.host.config), "content": f"include {part}\n", "mode": "0644"},
    ]
    return stage.host.options(NEW, config_files=files), {OLD.fingerprint, NEW.fingerprint}


def two_new_files(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    """Two new files, one including the other; the server reads the outer one as soon as it is there."""
    stage.host.own_pair(OLD)
    outer, inner = stage.host.etc / "outer.conf", stage.host.etc / "inner.conf"
    with stage.host.config.open("a") as config:
        config.write(f"optional {outer}\n")
    files = [
        {"path": str(inner), "content": stage.host.lines("{live}/fullchain.pem", "{live}/privkey.pem"), "mode": "0644"},
        {"path": str(outer), "content": f"include {inner}\n", "mode": "0644"},
    ]
    return stage.host.options(NEW, config_files=files), {OLD.fingerprint, NEW.fingerprint}


def renewal(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, _known = first_install(stage)
    stage.reload()
    stage.run(stage.host.options(OLD, **stage.host.managed()))
    return options, {OLD.fingerprint, NEW.fingerprint}


def adoption(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    """The server names files of its own, and they are to be replaced by links."""
    stage.host.own_pair(OLD)
    return stage.host.options(NEW, links=links_of(stage.host)), {OLD.fingerprint, NEW.fingerprint}


def late_adoption(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    """The same, with a version that is live already and newer than the files."""
    stage.host.own_pair(FIRST)
    stage.reload()
    stage.run(stage.host.options(OLD, listeners=[]))
    return stage.host.options(NEW, links=links_of(stage.host)), {FIRST.fingerprint, NEW.fingerprint}


def damaged(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    """The chain of the live version is cut short; the pair is still good."""
    options, _known = first_install(stage)
    stage.reload()
    stage.run(options)
    (stage.host.live / "chain.pem").write_text("")
    return options, {NEW.fingerprint}


def removal(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, known = two_files(stage)
    stage.reload()
    stage.run(options)
    return stage.host.options(state="absent"), known


def removal_of_new_files(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, known = two_new_files(stage)
    stage.reload()
    stage.run(options)
    return stage.host.options(state="absent"), known


def removal_of_links(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, known = adoption(stage)
    stage.reload()
    stage.run(options)
    return stage.host.options(state="absent"), known


def going_back(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, known = renewal(stage)
    stage.run(options)
    return stage.host.options(state="rolled_back"), known


def failing(make: Scene) -> Scene:
    def scene(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
        options, known = make(stage)
        stage.refuses = NEW.fingerprint
        return options, known

    scene.__name__ = f"failing_{make.__name__}"
    return scene


SCENES = [
    first_install,
    two_files,
    two_new_files,
    renewal,
    adoption,
    late_adoption,
    damaged,
    removal,
    removal_of_new_files,
    removal_of_links,
    going_back,
    failing(first_install),
    failing(two_files),
    failing(renewal),
    failing(adoption),
    failing(late_adoption),
]

KILLED_ON_REAL_HOSTS = [first_install, two_files, renewal, adoption, going_back]


def check_alive(stage: Rehearsal, when: str) -> None:
    assert stage.on_disk() in stage.known, when
    if stage.host.live.is_symlink():
        stage.host.pair()


def finish(stage: Rehearsal, on_step: Step | None = None) -> None:
    try:
        stage.run(stage.options, on_step)
    except RolledBack:
        assert stage.refuses


@pytest.mark.parametrize(
    "scene", [scene for scene in SCENES if scene not in KILLED_ON_REAL_HOSTS], ids=lambda scene: scene.__name__
)
def test_a_killed_run_leaves_a_working_host(place: Path, scene: Scene) -> None:
    stage = Rehearsal(place, scene)
    finish(stage)
    expected = stage.host.snapshot()
    for number in range(2000):
        stage.reset()
        killed = stage.run_and_die(number)
        check_alive(stage, f"killed before change {number}")
        finish(stage)
        check_alive(stage, f"repaired after change {number}")
        assert stage.host.snapshot() == expected, f"killed before change {number}"
        if not killed:
            assert number > 10
            return
    pytest.fail("the run has no end")


@pytest.mark.parametrize("scene", [adoption, failing(adoption)], ids=lambda s: s.__name__)
def test_a_killed_repair_can_be_repaired(place: Path, scene: Scene) -> None:
    stage = Rehearsal(place, scene)
    finish(stage)
    expected = stage.host.snapshot()
    number, killed = 20, True
    while killed:
        again = True
        for second in range(0, 2000, 11):
            stage.reset()
            killed = stage.run_and_die(number)
            again = stage.run_and_die(second)
            check_alive(stage, f"killed before change {number}, then {second}")
            finish(stage)
            check_alive(stage, f"repaired after {number}, then {second}")
            assert stage.host.snapshot() == expected, f"killed before change {number}, then {second}"
            if not again:
                break
        number += 19


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_server_that_reads_at_any_moment_reads_one_bundle(place: Path, scene: Scene) -> None:
    stage = Rehearsal(place, scene)
    finish(stage, lambda operation, path: check_alive(stage, f"before {operation} {path}"))


def test_a_server_that_read_what_is_undone_is_reloaded(place: Path) -> None:
    """Killed after the reload; nothing but the journal tells the next run, which wants the old certificate."""
    stage = Rehearsal(place, renewal)
    child = os.fork()
    if child == 0:
        stage.run(stage.options, _killer(0, "handshake"))
        os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert stage.memory.read_text() == NEW.fingerprint
    report = stage.run(stage.host.options(OLD, **stage.host.managed(), listeners=[]))
    assert report.plan.changed
    assert stage.memory.read_text() == OLD.fingerprint == stage.on_disk()
