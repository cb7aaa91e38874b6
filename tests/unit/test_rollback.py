# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Going back on purpose: who is taken, what is held, and that the schedule does not undo it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.test_plan import ARN, CERTIFICATE, OTHER, TARGET, chosen, plan, served, web

from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment, next_record
from ansible_collections.certops.acm.plugins.module_utils.plan import Desired, make_plan
from ansible_collections.certops.acm.plugins.module_utils.report import lay_out, make_attempt, wave_items
from ansible_collections.certops.acm.plugins.module_utils.rollback import plan_rollback

HOSTS = [web(1), web(2), web(3)]


def test_who_serves_the_last_certificate_goes_back_and_who_failed_is_only_held() -> None:
    failed = served("web03", "rolled_back", serial="0a", desired_serial="0b", error="nginx -t failed")
    made, held = plan_rollback([TARGET], [served("web01"), served("web02"), failed], HOSTS)
    assert [(item.host, item.state, item.held_serial, item.wave) for item in made.rollouts[0].items] == [
        ("web01", "rolled_back", "0b", 1),
        ("web02", "rolled_back", "0b", 2),
    ]
    assert made.rollouts[0].export is None, "nothing is exported"
    assert [(attempt["host"], attempt["held_serial"], attempt["status"]) for attempt in held] == [
        ("web03", "0b", "rolled_back")
    ]
    record = next_record(failed, held[0])
    assert replace(record, held_serial=None) == failed, "nothing else of the record changes"


@pytest.mark.parametrize(
    ("deployments", "problems", "done"),
    [
        ([served("web09")], ("nothing goes back: the host inventory, or certops_limit, has none",), 0),
        # One of them is not in the host inventory, or left out by the limit.
        ([served("web01", held_serial="0b", serial="0a"), served("web09")], (), 1),
        ([served("web01", held_serial="0b", serial="0a")], (), 1),
        ([replace(served("web01"), certificate_name="old")], ("web01 (old): no target is recorded",), 0),
        ([], (), 0),
    ],
)
def test_who_is_left_alone(deployments: list[Deployment], problems: tuple[str, ...], done: int) -> None:
    made, held = plan_rollback([TARGET], deployments, HOSTS)
    assert (made.rollouts, made.up_to_date, held) == ((), done, [])
    assert len(made.problems) == len(problems)
    assert all(problem.startswith(start) for problem, start in zip(made.problems, problems))


def test_two_certificates_go_back_each_in_its_own_waves() -> None:
    other = replace(TARGET, certificate_arn=OTHER, certificate_name="api")
    api = replace(served("web02"), certificate_arn=OTHER, certificate_name="api")
    made, _held = plan_rollback([TARGET, other], [served("web01"), api], HOSTS)
    assert [(rollout.certificate_arn, chosen_of(rollout)) for rollout in made.rollouts] == [
        (ARN, ["web01"]),
        (OTHER, ["web02"]),
    ]


def test_a_host_that_was_not_reached_on_the_way_back_is_taken_again() -> None:
    made, _held = plan_rollback([TARGET], [served("web01")], HOSTS)
    item = made.rollouts[0].items[0].to_result()
    missed = next_record(served("web01"), make_attempt(item, {"unreachable": True, "msg": "no route"}, {}))
    again, held = plan_rollback([TARGET], [missed], HOSTS)
    assert [chosen_of(rollout) for rollout in again.rollouts] == [["web01"]] and held == []


def test_a_way_back_waits_for_nobody() -> None:
    made, _held = plan_rollback([TARGET], [served(f"web0{number}") for number in (1, 2)], HOSTS, waves=[1, "100%"])
    first, second = made.rollouts[0].items
    down = make_attempt(first.to_result(), {"unreachable": True, "msg": "no route"}, {})
    taken = wave_items(made.to_result(), second.wave, [down], [ARN])
    assert [item["host"] for item in taken] == ["web02"]


def chosen_of(rollout: Any) -> list[str]:
    return [item.host for item in rollout.items]


def test_a_host_that_went_back_keeps_what_it_has_until_acm_holds_another_serial() -> None:
    back = served("web01", serial="0a", held_serial="0b")
    made = plan([web(1)], [back])
    assert chosen(made) == []
    assert "web01 was rolled back from serial 0b" in made.warnings[0]
    assert chosen(plan([web(1)], [back], redeploy=True)) == ["web01"]
    desired = Desired([TARGET], [CERTIFICATE], {ARN: "0b"})
    assert chosen(make_plan(desired, [back], [web(1)], take_held=True)) == ["web01"]
    newer = replace(CERTIFICATE, serial="0c")
    assert chosen(plan([web(1)], [back], certificate=newer, exported="0c")) == ["web01"]


def test_what_is_recorded_of_the_way_back() -> None:
    made, _held = plan_rollback([TARGET], [served("web01", fingerprint="f" * 64)], HOSTS)
    item = made.rollouts[0].items[0].to_result()
    result = {"changed": True, "status": "verified", "fingerprint": "e" * 64, "serial": "0a", "not_after": "2027"}
    record = next_record(served("web01", fingerprint="f" * 64), make_attempt(item, result, {}))
    assert (record.status, record.fingerprint, record.serial, record.held_serial) == ("verified", "e" * 64, "0a", "0b")
    assert record.previous_fingerprint == "f" * 64
    assert "verified (held)" in lay_out([record.to_result()])[1]
    again = next_record(record, {**record.to_result(), "status": "unreachable", "held_serial": None})
    assert again.held_serial == "0b", "a failure does not lift it"
    installed = next_record(record, {**record.to_result(), "held_serial": None})
    assert installed.held_serial is None, "an installation does"
