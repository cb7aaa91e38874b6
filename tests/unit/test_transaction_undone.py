# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The install transaction on a real TLS server: what fails is undone, and why it failed is told."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
from unit.host import Host, listener_options
from unit.scenes import NEW, OLD, failure

from ansible_collections.certops.acm.plugins.module_utils.deploy_request import read_desired
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.handshake import Listener, Seen, look
from ansible_collections.certops.acm.plugins.module_utils.server import Outcome, Server, run_command
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack, Settings, Transaction


@pytest.mark.parametrize("state", ["fresh", "managed"])
@pytest.mark.parametrize("reason", ["config test", "reload", "handshake"])
def test_any_failure_puts_everything_back(request: pytest.FixtureRequest, state: str, reason: str) -> None:
    host: Host = request.getfixturevalue(state)
    before, served = host.snapshot(), host.served()
    changes: dict[str, Any] = host.managed()
    if reason == "config test":
        changes["config_files"][0]["content"] = "nonsense\n"
    elif reason == "reload":
        changes["reload_command"] = [sys.executable, "-c", "raise SystemExit('reload: told to fail')"]
    else:  # the reload succeeds, but the server does not use the new certificate
        changes["config_files"][0]["content"] = host.lines(host.etc / "own.pem", host.etc / "own.key")
        changes["handshake_timeout"] = 0.5
        (host.etc / "own.pem").write_text(OLD.fullchain)
        (host.etc / "own.key").write_text(OLD.private_key)
        before = host.snapshot()
    result = failure(host.transaction(host.options(NEW, **changes)), "rolled_back")
    assert result["status"] == "rolled_back"
    assert result["step"] == reason
    assert not result["changed"]
    assert result["fingerprint"] == NEW.fingerprint
    assert result["served_fingerprint"] == served == host.served()
    assert host.snapshot() == before
    host.comes_up()


def test_what_somebody_elses_reload_has_read_is_taken_back(managed: Host) -> None:
    """Our own reload has not begun when the run fails: without one the server would go on with the new certificate."""

    def reload_and_fail(step: str, _path: str) -> None:
        if step == "reload":
            subprocess.run(managed.options()["reload_command"], check=True, capture_output=True)
            assert managed.served() == NEW.fingerprint
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(managed.root))

    before = managed.snapshot()
    transaction = managed.transaction(managed.options(NEW, **managed.managed()), on_step=reload_and_fail)
    result = failure(transaction, "rolled_back")
    assert result["served_fingerprint"] == OLD.fingerprint == managed.served()
    assert managed.snapshot() == before


def test_what_a_slow_server_shows_only_later_is_taken_back(managed: Host) -> None:
    """As before, but at the first look of the way back the server still shows the old certificate."""
    command = tuple(managed.options()["reload_command"])
    happened: list[str] = []

    def reload_and_fail(step: str, _path: str) -> None:
        if step == "reload":
            run_command(command)
            happened.append("read")
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(managed.root))

    def late(listener: Listener) -> Seen:
        if happened == ["read"]:
            happened.append("looked")
            return Seen(listener, OLD.fingerprint)
        return look(listener)

    before = managed.snapshot()
    desired = read_desired(managed.options(NEW, **managed.managed()), check_mode=False)
    settings = Settings(handshake_timeout=0.5, on_step=reload_and_fail, look=late)
    failure(Transaction(str(managed.root), "www", desired, Server((), None, command), settings), "rolled_back")
    assert happened == ["read", "looked"]
    assert managed.served() == OLD.fingerprint
    assert managed.snapshot() == before


def test_one_listener_that_fails_puts_all_back(managed: Host) -> None:
    """The first one serves the new certificate already, so the server must be reloaded on the way back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    changes = {"listeners": listener_options([managed.port, closed]), "handshake_timeout": 0.5}
    result = failure(managed.transaction(managed.options(NEW, **managed.managed(), **changes)), "rolled_back")
    assert f"connection refused at 127.0.0.1:{closed}" in result["msg"]
    assert [seen["fingerprint"] for seen in result["served"]] == [OLD.fingerprint, None]
    assert managed.served() == OLD.fingerprint


def test_a_failed_change_can_be_made_later(managed: Host) -> None:
    broken = [{"path": str(managed.config), "content": "nonsense\n", "mode": "0644"}]
    failure(managed.transaction(managed.options(NEW, config_files=broken)), "rolled_back")
    assert managed.deploy(NEW, **managed.managed()).to_result()["status"] == "verified"


def test_a_server_that_is_not_reloaded_is_not_reloaded_back(fresh: Host) -> None:
    ran: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...]) -> Outcome:
        ran.append(argv)
        return Outcome(0 if len(ran) < 2 else 1, "told to fail")

    desired = read_desired(fresh.options(NEW, **fresh.managed()), check_mode=False)
    server = Server(("true", "test"), None, ("true", "reload"), run=run)
    with pytest.raises(RolledBack):
        Transaction(str(fresh.root), "www", desired, server, Settings()).run()
    assert ran == [("true", "test"), ("true", "test")]


def test_when_going_back_fails_both_reasons_are_told(managed: Host) -> None:
    def break_off(step: str, _path: str) -> None:
        if step == "roll back":
            raise OSError(errno.EROFS, "Read-only file system", str(managed.live))

    changes = managed.managed()
    changes["config_files"][0]["content"] = "nonsense\n"
    result = failure(managed.transaction(managed.options(NEW, **changes), on_step=break_off))
    assert result["status"] == "failed"
    assert "nonsense" in result["msg"]
    assert "going back failed, too" in result["msg"]
    assert "read-only" in result["msg"]
    report = managed.deploy(NEW, **managed.managed())  # the next run repairs, then does its work
    assert report.repaired == ["repaired what an interrupted run left of www"]
    assert managed.served() == NEW.fingerprint


@pytest.mark.parametrize("slow", [0, 1])
def test_a_server_that_the_reload_killed_is_started_again(managed: Host, slow: int) -> None:
    """As Apache dies from a pair that does not match; systemd starts it, once what is left of it has ended."""
    alive, ran = [True], []

    def run(argv: tuple[str, ...]) -> Outcome:
        ran.append(argv)
        if argv[:2] == ("systemctl", "is-active"):
            return Outcome(0 if alive[0] else 3, "")
        if argv[:2] == ("systemctl", "reload"):
            alive[0] = False
            managed.stop()
            return Outcome(1, "Job for www.service failed")
        if argv[:2] == ("systemctl", "start"):
            if ran.count(argv) <= slow:
                return Outcome(None, "")
            alive[0] = True
            managed.start()
        return Outcome(0, "")

    desired = read_desired(managed.options(NEW, **managed.managed()), check_mode=False)
    server = Server((), "www", run=run, systemd=lambda: True)
    transaction = Transaction(str(managed.root), "www", desired, server, Settings(handshake_timeout=5))
    result = failure(transaction, "rolled_back")
    assert "Job for www.service failed" in result["msg"]
    assert managed.served() == OLD.fingerprint
    assert ("systemctl", "start", "www") in ran


def test_the_way_back_lets_a_slow_server_read_first(managed: Host) -> None:
    """Its reload is said to have failed, but it reads all the same: never while the link moves back."""
    command = tuple(managed.options()["reload_command"])
    readers: list[threading.Timer] = []

    def run(argv: tuple[str, ...]) -> Outcome:
        readers.append(threading.Timer(0.4, lambda: run_command(command)))
        readers[-1].start()
        return Outcome(1, "it took too long")

    served = []

    def see(operation: str, path: str) -> None:
        if readers and (operation, path) == ("replace", str(managed.live)):
            served.append(managed.served())

    desired = read_desired(managed.options(NEW, **managed.managed()), check_mode=False)
    server = Server((), None, ("true",), run=run)
    settings = Settings(handshake_timeout=5, on_step=see)
    transaction = Transaction(str(managed.root), "www", desired, server, settings)
    failure(transaction, "rolled_back")
    for reader in readers:
        reader.join()
    assert served == [NEW.fingerprint]
    assert managed.served() == OLD.fingerprint


def test_why_a_killed_server_cannot_be_started_again_is_told(managed: Host) -> None:
    """As when the pair of another site is broken: that it is down alone would not help anybody."""
    alive = [True]

    def run(argv: tuple[str, ...]) -> Outcome:
        if argv[:2] == ("systemctl", "reload"):
            alive[0] = False
            managed.stop()
        if argv[:2] == ("systemctl", "start"):
            return Outcome(1, "the key of another site does not fit")
        return Outcome(0 if alive[0] else 3, "")

    desired = read_desired(managed.options(NEW, **managed.managed()), check_mode=False)
    server = Server((), "www", run=run, systemd=lambda: True)
    transaction = Transaction(str(managed.root), "www", desired, server, Settings(handshake_timeout=0.2))
    result = failure(transaction, "failed")
    assert "www died and cannot be started again: the key of another site does not fit" in result["msg"]
    assert "the old certificate is not served again" in result["msg"]


@pytest.mark.parametrize("number", [0, 5, 12, 20, 28])
def test_a_full_disk_leaves_nothing_behind(managed: Host, number: int) -> None:
    before, count = managed.snapshot(), 0

    def run_out(operation: str, path: str) -> None:
        nonlocal count
        if operation in ("open", "write", "mkdir", "fsync"):
            count += 1
            if count > number:
                raise OSError(errno.ENOSPC, "No space left on device", path)

    transaction = managed.transaction(managed.options(NEW, **managed.managed()), on_step=run_out)
    with pytest.raises(HostError, match="no space is left"):
        transaction.run()
    assert managed.served() == OLD.fingerprint
    managed.comes_up()
    if number < 20:
        managed.deploy(OLD, **managed.managed())
        assert managed.snapshot() == before


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), HostError("told to stop", "stopped")])
def test_a_call_that_fails_leaves_nothing_behind(fresh: Host, error: Exception) -> None:
    """At each step in turn; no server, so that it is quick."""
    options = fresh.options(NEW, **fresh.managed(), listeners=[], reload_command=[], config_test=[])
    before = {path: text for path, text in fresh.snapshot().items() if not path.startswith(str(fresh.root))}
    for number in range(200):
        count = 0

        def hurt(_operation: str, _path: str, number: int = number) -> None:
            nonlocal count
            count += 1
            if count == number + 1:
                raise error

        transaction = fresh.transaction(options, on_step=hurt)
        try:
            transaction.run()
        except HostError:
            assert {path: text for path, text in fresh.snapshot().items() if path != str(fresh.root)} == before
        else:
            assert number > 40, "made, though something went wrong"
            assert bool(transaction.report.warnings) == (count > number), "only cleaning up may fail so"
            return
    pytest.fail("the run has no end")


def test_a_run_that_is_stopped_while_it_cleans_up_is_made(managed: Host) -> None:
    def stop(operation: str, _path: str) -> None:
        if operation == "clean up":
            raise HostError("the run was stopped by signal 15", "stopped")

    transaction = managed.transaction(managed.options(NEW, **managed.managed(), keep_versions=1), on_step=stop)
    report = transaction.run()
    assert report.to_result()["status"] == "verified"
    assert report.warnings == [
        "the change was made, but not all of the old is removed: the run was stopped by signal 15"
    ]
    assert managed.served() == NEW.fingerprint


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_a_really_full_disk(managed: Host) -> None:
    small = managed.directory / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("no mounts here")
    try:
        for size in range(0, 12):
            shutil.rmtree(small / "acm", ignore_errors=True)
            (small / "filler").write_bytes(b"x" * 4096 * size)
            options = managed.options(NEW, root=str(small / "acm"), listeners=[], reload_command=[], config_test=[])
            try:
                managed.transaction(options).run()
            except HostError as error:
                assert "no space is left" in str(error)
                assert not list(small.glob("acm/**/*.pem"))
                if size < 11:
                    continue
                return
        pytest.fail("the disk never was full")
    finally:
        subprocess.run(["umount", str(small)], check=True)
