# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed before any of its system calls leaves a host that works, and the next run finishes.

Each run is a process of its own that kills itself with SIGKILL before its n-th change of the file
system, for every n. The server is one that reads its files when told so and remembers what it read.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.module_utils import handshake
from ansible_collections.certops.acm.plugins.module_utils.deploy_report import Report
from ansible_collections.certops.acm.plugins.module_utils.deploy_request import read_desired
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.handshake import Listener, Seen
from ansible_collections.certops.acm.plugins.module_utils.server import Outcome, Server
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack, Settings, Transaction
from unit import tls_server
from unit.certificates import Leaf, authority
from unit.host import Host

FIRST = authority().leaf(age=3)
OLD = authority().leaf(age=2)
NEW = authority().leaf(age=1)
Step = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of runs: no waiting between looks at a server that has no workers."""
    monkeypatch.setattr(handshake, "IN_A_ROW", 1)


class Rehearsal:
    """A host whose server is a file with the fingerprint it would serve."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.host = Host(directory)
        self.memory = directory / "served"
        self.refuses: str | None = None

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

    def run_and_die(self, options: dict[str, Any], number: int) -> bool:
        """Run in a process that kills itself before its n-th change; return whether it came that far."""
        child = os.fork()
        if child == 0:
            try:
                self.run(options, _killer(number))
            except HostError:
                os._exit(0)
            except BaseException:
                os._exit(3)
            os._exit(0)
        _pid, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the run itself failed"
        return os.WIFSIGNALED(status)


def _killer(number: int) -> Step:
    count = 0

    def die(_operation: str, _path: str) -> None:
        nonlocal count
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


def renewal(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, _known = first_install(stage)
    stage.reload()
    stage.run({**options, **stage.host.options(OLD, **stage.host.managed())})
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


def removal_of_links(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, known = adoption(stage)
    stage.reload()
    stage.run(options)
    return stage.host.options(state="absent"), known


def going_back(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
    options, known = renewal(stage)
    stage.run(options)
    return stage.host.options(state="rolled_back"), known


def failing(make: Callable[[Rehearsal], tuple[dict[str, Any], set[str]]]) -> Any:
    def scene(stage: Rehearsal) -> tuple[dict[str, Any], set[str]]:
        options, known = make(stage)
        stage.refuses = NEW.fingerprint
        return options, known

    scene.__name__ = f"failing_{make.__name__}"
    return scene


SCENES = [
    first_install,
    two_files,
    renewal,
    adoption,
    late_adoption,
    damaged,
    removal,
    removal_of_links,
    going_back,
    failing(first_install),
    failing(two_files),
    failing(renewal),
    failing(adoption),
    failing(late_adoption),
]


def numbers(stride: int = 1, start: int = 0) -> Iterable[int]:
    return range(start, 2000, stride)


def check_alive(stage: Rehearsal, known: set[str], when: str) -> None:
    assert stage.on_disk() in known, when
    if stage.host.live.is_symlink():
        stage.host.pair()


def finish(stage: Rehearsal, options: dict[str, Any]) -> Report | None:
    try:
        return stage.run(options)
    except RolledBack:
        assert stage.refuses
        return None


def final(stage: Rehearsal) -> dict[str, str]:
    """What must be the same whether or not a run was killed on the way."""
    base = str(stage.host.directory)
    return {path.replace(base, ""): text.replace(base, "") for path, text in stage.host.snapshot().items()}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_killed_run_leaves_a_working_host(tmp_path: Path, scene: Any) -> None:
    unharmed = Rehearsal(tmp_path / "unharmed")
    options, known = scene(unharmed)
    unharmed.reload()
    finish(unharmed, options)
    expected = final(unharmed)
    for number in numbers():
        stage = Rehearsal(tmp_path / f"killed-{number}")
        options, known = scene(stage)
        stage.reload()
        killed = stage.run_and_die(options, number)
        check_alive(stage, known, f"killed before change {number}")
        finish(stage, options)
        check_alive(stage, known, f"repaired after change {number}")
        assert final(stage) == expected, f"killed before change {number}"
        if not killed:
            assert number > 20
            return
    pytest.fail("the run has no end")


@pytest.mark.parametrize("scene", [two_files, adoption, removal_of_links, failing(adoption)], ids=lambda s: s.__name__)
def test_a_killed_repair_can_be_repaired(tmp_path: Path, scene: Any) -> None:
    for number in numbers(4, 20):
        for second in numbers(3):
            stage = Rehearsal(tmp_path / f"killed-{number}-{second}")
            options, known = scene(stage)
            stage.reload()
            killed = stage.run_and_die(options, number)
            again = stage.run_and_die(options, second)
            check_alive(stage, known, f"killed before change {number}, then {second}")
            finish(stage, options)
            check_alive(stage, known, f"repaired after {number}, then {second}")
            if not again:
                break
        if not killed:
            return


def test_the_running_server_never_reads_a_mixed_pair(tmp_path: Path) -> None:
    """Whoever reloads at any moment, the server reads the old bundle or the new one."""
    for scene in SCENES:
        stage = Rehearsal(tmp_path / scene.__name__)
        options, known = scene(stage)
        stage.reload()

        def look_on(_operation: str, _path: str, stage: Rehearsal = stage, known: set[str] = known) -> None:
            assert stage.on_disk() in known

        try:
            stage.run(options, look_on)
        except RolledBack:
            assert stage.refuses


def test_leaves_are_what_the_scenes_say() -> None:
    leaves: list[Leaf] = [FIRST, OLD, NEW]
    assert len({leaf.fingerprint for leaf in leaves}) == 3
