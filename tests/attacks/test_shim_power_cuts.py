# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A power cut leaves what a kill leaves: in the shim's log of a run, nothing leads to what is not on the disk yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacks.shim.power import PowerCuts
from attacks.shim.scenes import SCENES
from attacks.shim.stages import Stages


@pytest.fixture(scope="module")
def stages() -> Iterator[Stages]:
    with Stages() as stages:
        yield stages


@pytest.mark.parametrize("scene", SCENES)
def test_everything_is_on_the_disk_before_something_leads_to_it(stages: Stages, scene: str) -> None:
    order = PowerCuts().follow(stages[scene].calls)
    assert order.faults == []
    assert order.published >= 4


@pytest.mark.parametrize("scene", ["first install", "renewal"])
def test_everything_is_on_the_disk_in_time_on_the_way_back(stages: Stages, scene: str) -> None:
    stage = stages[scene]
    with stage.refusing():
        answer = stage.run(stage.order())
    assert answer.status == "rolled_back"
    order = PowerCuts().follow(answer.calls)
    assert order.faults == []
    assert order.published >= 10


@pytest.mark.parametrize("scene", SCENES)
def test_everything_is_on_the_disk_in_time_in_a_repair(stages: Stages, scene: str) -> None:
    stage, repairs = stages[scene], 0
    for number in range(5, len(stage.calls), 7):
        stage.reset()
        assert stage.run(stage.order("after", number)).killed
        repair = stage.run(stage.order())
        assert PowerCuts().follow(repair.calls).faults == [], f"killed after {stage.calls[number - 1]}"
        repairs += bool(repair.result["actions"])
    assert repairs > 1


@pytest.mark.parametrize("scene", SCENES)
def test_a_repair_first_forces_to_the_disk_what_a_killed_run_left(stages: Stages, scene: str) -> None:
    """Killed between a change and its fsync, then the next run, then a power cut: three accidents within seconds."""
    stage = stages[scene]
    for number in range(1, len(stage.calls) + 1):
        if stage.calls[number - 1].operation in ("rename", "unlink"):
            stage.reset()
            killed = stage.run(stage.order("after", number))
            repair = stage.run(stage.order())
            assert PowerCuts().follow([*killed.calls, *repair.calls]).faults == [], f"killed after {killed.calls[-1]}"
