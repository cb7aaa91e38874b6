# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operating system refuses a call: the run's result says what came of it, and says it truly.

The shim refuses, outside of the product (shim/shim.c); the judge compares the whole disk, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacks.shim.judge import Wrong
from attacks.shim.runner import Answer
from attacks.shim.scenes import ERRORS
from attacks.shim.stage import Stage
from attacks.shim.stages import Stages

# What is as before heals as a run does that nothing hurts: seldom enough to look at.
HEALED_EVERY = 17


@pytest.fixture(scope="module")
def stages() -> Iterator[Stages]:
    with Stages() as stages:
        yield stages


@pytest.mark.parametrize("error", ERRORS)
def test_a_renewal_goes_back_when_any_call_is_refused(stages: Stages, error: str) -> None:
    stage = stages["renewal"]
    went_back = [refuse(stage, number, error) for number in range(1, len(stage.calls) + 1)]
    assert went_back.count("rolled_back") > 10
    assert went_back.count("failed") > 10


def test_a_first_install_goes_back_when_a_call_is_refused(stages: Stages) -> None:
    stage = stages["first install"]
    went_back = {refuse(stage, number, "ENOSPC") for number in range(1, len(stage.calls) + 1, 4)}
    assert went_back >= {"rolled_back", "failed"}


def test_a_renewal_goes_back_when_something_cannot_be_opened(stages: Stages) -> None:
    """No descriptors are left, also to read: some of it a run does without, and says so only if it matters."""
    stage = stages["renewal"]
    reads = [call for call in stage.run(stage.order(reads=True)).calls if call.operation == "open to read"]
    assert len(reads) > 20
    statuses = [refuse(stage, call.number, "EMFILE", reads=True) for call in reads]
    assert statuses.count("rolled_back") + statuses.count("failed") > 10


def test_a_disk_that_stays_read_only_is_never_left_with_a_mixture(stages: Stages) -> None:
    """From one call on everything is refused, also the way back."""
    stage = stages["renewal"]
    for number in range(1, len(stage.calls) + 1, 3):
        stage.reset()
        answer = stage.run(stage.order("lasting", number, ERRORS["EROFS"]))
        when = f"read-only from {stage.calls[number - 1]}"
        assert answer.calls[number - 1].status == "refused", when
        assert answer.result.get("failed") or answer.result.get("warnings"), f"{when}: nothing was said"
        stage.check_alive(when)
        if not answer.result.get("failed"):
            stage.check_running("new", when)
        elif "going back failed, too" not in answer.result["msg"]:
            stage.check_running("old", when)
            assert stage.serves("old"), when
        stage.check_healed(when)


def refuse(stage: Stage, number: int, error: str, *, reads: bool = False) -> str:
    """Have one call refused, and hold the run to its word; return its status."""
    stage.reset()
    answer = stage.run(stage.order("fail", number, ERRORS[error], reads=reads))
    when = f"{error} at {answer.calls[number - 1]}"
    assert answer.calls[number - 1].status == "refused", when
    stage.check_alive(when)
    as_before = _keeps_its_word(stage, answer, when)
    if not as_before or number % HEALED_EVERY == 0:
        stage.check_healed(when)
    return answer.status


def _keeps_its_word(stage: Stage, answer: Answer, when: str) -> bool:
    """Refuse a host that is not as the result says; return whether it is as before."""
    result = answer.result
    if not result.get("failed"):
        stage.check_running(stage.scene.ends_with, when)
        if not result.get("warnings"):
            stage.check_after(f"{when}, which is said to have done no harm")
        return False
    assert answer.status in ("rolled_back", "failed"), when
    assert str(stage.directory) in result["msg"] and result["step"], f"{when}: {result['msg']} names no path"
    assert result["changed"] is False, when
    if "going back failed" in result["msg"]:
        raise Wrong(f"{when}: one refusal is no reason not to go back: {result['msg']}")
    try:
        stage.check_before(when)
    except Wrong as wrong:
        raise Wrong(f"{wrong}; the run said: {result['msg']}") from None
    return True
