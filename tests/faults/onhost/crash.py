# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run is killed before each of its steps; what is on the disk then must make a server that works."""

from __future__ import annotations

import os
import signal

from faults.onhost.stage import Stage, Step

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack

MOST = 500


def crash(stage: Stage, only: range = range(MOST)) -> dict[str, int]:
    """Kill the run before its first step, its second step, and so on until it comes to its end."""
    run_unhurt(stage)
    expected = heal(stage, "unhurt")
    for number in only:
        stage.reset()
        killed = run_and_die(stage, number)
        when = f"killed before step {number}"
        stage.must_serve(f"{when}, still running")
        stage.stop()
        stage.start()
        stage.must_serve(f"{when}, started again")
        left = heal(stage, when)
        assert left == expected, f"{when}: {difference(expected, left)}"
        if not killed:
            return {"times": number}
    return {"times": len(only)}


def heal(stage: Stage, when: str) -> dict[str, str]:
    """Let the next run finish the job; what is on the disk then."""
    stage.transaction(stage.healing).run()
    stage.must_settle(stage.final, f"{when}, after the next run")
    return stage.snapshot()


def run_unhurt(stage: Stage) -> None:
    before = stage.snapshot()
    try:
        stage.transaction(stage.options).run()
    except RolledBack:
        assert stage.fails
        assert stage.snapshot() == before
        return
    assert not stage.fails
    stage.must_settle(stage.final, "unhurt")


def run_and_die(stage: Stage, number: int) -> bool:
    """Run in a process that kills itself before its n-th step; return whether it came that far."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            stage.transaction(stage.options, killed_before(number)).run()
            code = 0
        except HostError:
            code = 0 if stage.fails else 4
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"the run itself failed: {status}"
    return os.WIFSIGNALED(status)


def killed_before(number: int) -> Step:
    count = 0

    def step(operation: str, _path: str) -> None:
        nonlocal count
        if operation == "fsync":  # a kill before it leaves what a kill after it leaves
            return
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    return step


def difference(expected: dict[str, str], found: dict[str, str]) -> str:
    """Name the paths that differ."""
    paths = sorted({*expected, *found})
    return ", ".join(path for path in paths if expected.get(path) != found.get(path))
