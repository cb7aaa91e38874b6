# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that takes too long ends, says where it was, and has put everything back; so does a command that never ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from unit.host import Host
from unit.scenes import NEW, OLD, failure

from ansible_collections.certops.acm.plugins.module_utils import server
from ansible_collections.certops.acm.plugins.module_utils.deploy_request import time_limit
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.host_lock import HostLock
from ansible_collections.certops.acm.plugins.module_utils.server import run_command
from ansible_collections.certops.acm.plugins.module_utils.time_limit import Interrupted, TimeLimit

FOR_EVER = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait_in_the_kernel() -> None:
    """Read from a pipe that nobody writes to: a system call that does not end."""
    readable, _writable = os.pipe()
    os.read(readable, 1)


def test_a_system_call_is_interrupted_and_the_step_is_named() -> None:
    begin, former = time.monotonic(), signal.getsignal(signal.SIGALRM)
    with (
        pytest.raises(Interrupted, match=r"within 0\.2 s and was stopped in the step 'handshake'"),
        TimeLimit(0.2) as limit,
    ):
        limit.step = "handshake"
        wait_in_the_kernel()
    assert time.monotonic() - begin < 2
    assert signal.getsignal(signal.SIGALRM) == former
    assert signal.getitimer(signal.ITIMER_REAL)[1] == 0


def test_going_back_has_time_of_its_own() -> None:
    with pytest.raises(Interrupted, match=r"within 0\.3 s"), TimeLimit(0.1) as limit:
        limit.allow(0.3)
        time.sleep(0.2)
        wait_in_the_kernel()


@pytest.mark.parametrize("step", ["stage", "activate", "config test", "reload", "handshake", "commit"])
def test_a_run_that_hangs_at_any_step_is_put_back(managed: Host, step: str) -> None:
    def hang(operation: str, path: str) -> None:
        if operation == step and not path:
            wait_in_the_kernel()

    before = managed.snapshot()
    with TimeLimit(2) as limit:
        transaction = managed.transaction(managed.options(NEW, **managed.managed()), on_step=hang, limit=limit)
        result = failure(transaction, "failed" if step == "stage" else "rolled_back")
    assert f"was stopped in the step '{step}'" in result["msg"]
    assert managed.served() == OLD.fingerprint
    assert managed.snapshot() == before


@pytest.mark.parametrize("option", ["config_test", "reload_command"])
def test_a_command_that_hangs_is_ended_with_the_run(managed: Host, option: str) -> None:
    mark = managed.directory / "pid"
    command = ["sh", "-c", f"echo $$ > {mark}; exec sleep 60"]
    if option == "config_test":
        command = [
            "sh",
            "-c",
            f"test -e {mark}.once || {{ touch {mark}.once; exit 0; }}; echo $$ > {mark}; exec sleep 60",
        ]
    before = managed.snapshot()
    with TimeLimit(2) as limit:
        options = managed.options(NEW, **managed.managed(), **{option: command})
        # A reload that hangs hangs on the way back, too: its own limit is another matter.
        limit.allow = lambda seconds: TimeLimit.allow(limit, 3)  # type: ignore[method-assign]
        result = failure_of(managed.transaction(options, limit=limit))
    assert "was stopped in the step" in result["msg"]
    assert not Path(f"/proc/{mark.read_text().strip()}").exists()
    managed.deploy(OLD, **managed.managed())  # which repairs what could not be put back
    assert managed.served() == OLD.fingerprint
    assert managed.snapshot() == before


def failure_of(transaction: Any) -> dict[str, Any]:
    with pytest.raises(HostError) as caught:
        transaction.run()
    return dict(transaction.report.to_failure(caught.value, "failed"))


def test_waiting_for_another_run_is_limited_too(fresh: Host) -> None:
    fresh.root.mkdir()
    with HostLock(str(fresh.root / ".lock"), 1), TimeLimit(0.5) as limit:
        result = failure_of(fresh.transaction(fresh.options(NEW, lock_timeout=30.0), limit=limit))
    assert "was stopped in the step 'lock'" in result["msg"]


def test_another_certificate_whose_repair_hangs_is_not_taken_for_a_damaged_one(
    managed: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.certops.acm.plugins.module_utils import repair

    def hang(*_arguments: object) -> None:
        wait_in_the_kernel()

    (managed.root / "other").mkdir()
    monkeypatch.setattr(repair, "_undo", hang)
    with TimeLimit(0.5) as limit:
        result = failure_of(managed.transaction(managed.options(NEW), limit=limit))
    assert "was stopped in the step 'repair'" in result["msg"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 330.0),
        ({"handshake_timeout": 600.0}, 900.0),
        ({"timeout": 91.0}, 91.0),
        ({"timeout": 90.0}, None),
        ({"timeout": float("nan")}, None),
        ({"timeout": float("inf")}, None),
        ({"lock_timeout": -1.0}, None),
        ({"handshake_timeout": float("nan")}, None),
    ],
)
def test_the_limit_leaves_time_for_waiting_and_for_work(changes: dict[str, float], expected: float | None) -> None:
    params = {"handshake_timeout": 30.0, "lock_timeout": 60.0, "timeout": None, **changes}
    if expected is None:
        with pytest.raises(HostError, match="timeout"):
            time_limit(params)
    else:
        assert time_limit(params) == expected


def test_a_command_that_never_stops_printing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_PRINT_LIMIT", 1 << 20)
    monkeypatch.setattr(server, "_READ_LIMIT", 1000)
    begin = time.monotonic()
    code, output = run_command(("sh", "-c", "yes; exit 0"), timeout=30)
    assert (code, len(output)) == (None, 999)
    assert time.monotonic() - begin < 10


def test_what_a_daemon_holds_open_is_not_waited_for() -> None:
    begin = time.monotonic()
    assert run_command(("sh", "-c", "sleep 3 & echo started")) == (0, "started")
    assert time.monotonic() - begin < 2


def test_the_module_says_where_it_was(managed: Host) -> None:
    """The whole module, in a process of its own as Ansible starts it."""
    arguments = {
        **managed.options(NEW, **managed.managed(), config_test=FOR_EVER),
        "lock_timeout": 0.5,
        "handshake_timeout": 0.5,
        "timeout": 2,
        "listeners": [{"port": managed.port, "server_name": "www.example.com"}],
    }
    arguments = {name: value for name, value in arguments.items() if value is not None}
    program = (
        "import json, sys\nfrom ansible.module_utils import basic\n"
        "basic._ANSIBLE_ARGS = sys.stdin.buffer.read()\nbasic._ANSIBLE_PROFILE = 'legacy'\n"
        "from ansible_collections.certops.acm.plugins.modules import cert_deploy\ncert_deploy.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    result = json.loads(done.stdout)
    assert (result["status"], result["step"]) == ("failed", "preflight"), result
    assert "did not end within 2 s and was stopped in the step 'preflight'" in result["msg"]
    assert managed.served() == OLD.fingerprint
