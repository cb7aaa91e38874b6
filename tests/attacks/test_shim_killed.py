# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed at any call that changes something leaves a host that works, and the next run finishes.

The kills come from outside of the product, out of a library between it and the C library (shim/shim.c): nothing has to
be announced to be hurt. The judge is outside of it, too: bytes, modes, and the command openssl.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from attacks.shim.scenes import SCENES
from attacks.shim.stage import Stage
from attacks.shim.stages import Stages

OPENSSL_EVERY = 20


@pytest.fixture(scope="module")
def stages() -> Iterator[Stages]:
    with Stages() as stages:
        yield stages


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("mode", ["before", "after"])
def test_a_killed_run_leaves_a_working_host(stages: Stages, scene: str, mode: str) -> None:
    stage = stages[scene]
    for call in stage.calls:
        kill(stage, mode, call.number)


@pytest.mark.parametrize("scene", ["first install", "renewal"])
def test_a_run_that_is_killed_within_a_write_leaves_a_working_host(stages: Stages, scene: str) -> None:
    stage = stages[scene]
    writes = [call.number for call in stage.calls if call.operation == "write"]
    assert len(writes) > 5
    for number in writes:
        kill(stage, "short", number)


@pytest.mark.parametrize("scene", ["first install", "renewal"])
def test_a_run_that_is_killed_on_its_way_back_leaves_a_working_host(stages: Stages, scene: str) -> None:
    """The configuration test refuses what is new."""
    stage = stages[scene]
    with stage.refusing():
        calls = stage.run(stage.order()).calls
        assert len(calls) > len(stage.calls) / 2
        for number in range(1, len(calls) + 1, 3):
            stage.reset()
            assert stage.run(stage.order("before", number)).killed == signal.SIGKILL
            when = f"killed before {calls[number - 1]}"
            stage.check_alive(when)
            assert stage.run().status == "rolled_back", when
            stage.check_before(f"{when}, after the next run")


@pytest.mark.parametrize("scene", SCENES)
def test_a_repair_that_is_killed_can_be_repaired(stages: Stages, scene: str) -> None:
    """Killed here and there, and killed again here and there while the next run repairs and goes on."""
    stage, repairs = stages[scene], 0
    for first in range(len(stage.calls) // 5, len(stage.calls) + 1, max(len(stage.calls) // 5, 7)):
        second, killed = 2, True
        while killed:
            stage.reset()
            assert stage.run(stage.order("before", first)).killed == signal.SIGKILL
            killed = stage.run(stage.order("before", second)).killed is not None
            when = f"killed before {stage.calls[first - 1]}, then before call {second}"
            stage.check_alive(when)
            stage.check_healed(when)
            second, repairs = second + 13, repairs + killed
    assert repairs > 5


def kill(stage: Stage, mode: str, number: int) -> None:
    stage.reset()
    answer = stage.run(stage.order(mode, number))
    when = f"killed {mode} {answer.calls[-1]}"
    assert (answer.killed, answer.calls[-1].number) == (signal.SIGKILL, number)
    stage.check_alive(when, openssl=number % OPENSSL_EVERY == 0)
    stage.check_healed(when)
