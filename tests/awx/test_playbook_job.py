# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job that really plays renew.yml: what it gets from AWX, and what it hands over."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.playbook import run_playbook

from awx import Awx, Job, Playbook
from awx.client import call
from standin.client import Standin

EVENTS = Path(__file__).resolve().parents[1] / "unit" / "events"
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
TEST = {"id": "1", "source": "certops.acm", "detail-type": "certops.acm Test", "detail": {}}


@pytest.fixture(scope="module")
def standin() -> Iterator[Standin]:
    """The stand-in for AWS with an empty inventory."""
    with Standin() as aws:
        assert run_playbook(None, aws.env, playbook="certops.acm.setup_aws").returncode == 0
        yield aws


@pytest.fixture
def awx(standin: Standin, tmp_path: Path) -> Iterator[Awx]:
    surroundings = {**os.environ, **standin.env, "ANSIBLE_INVENTORY": "localhost,", "ANSIBLE_HOME": str(tmp_path)}
    with Awx(Playbook(lambda: surroundings, PLAYBOOK)) as made:
        yield made


def renewed(awx: Awx, event: dict[str, Any]) -> Job:
    template = awx.template("renew", webhook_service="gitlab")
    assert call(awx.door(template, "gitlab"), event, {"X-Gitlab-Token": template["webhook_key"]}).status == 202
    [job] = awx.jobs.wait(120)
    return job


def test_an_event_for_nothing_hands_over_an_empty_summary(awx: Awx) -> None:
    job = renewed(awx, json.loads((EVENTS / "available-renewal-bool.json").read_text(encoding="utf-8")))
    assert job.status == "successful", job.output
    report = {"changed": 0, "up_to_date": 0, "statuses": {}, "failures": [], "alarms": [], "warnings": []}
    assert job.record["artifacts"] == {"certops_report": report}


def test_the_test_event_is_ignored_and_says_so(awx: Awx) -> None:
    job = renewed(awx, TEST)
    assert job.status == "successful", job.output
    reason = "the event is a test of the way that events take: it arrived"
    assert job.record["artifacts"] == {"certops_report": {"ignored": reason}}
    assert f"Nothing to do: {reason}" in job.output


def test_jinja_in_what_a_host_said_is_handed_over_as_text(awx: Awx, standin: Standin, tmp_path: Path) -> None:
    trap = "{{ lookup('ansible.builtin.pipe', 'touch " + str(tmp_path / "evaluated") + "') }}"
    (tmp_path / "said").write_text(trap, encoding="utf-8")
    finish = awx.repository / "playbooks" / "tasks" / "finish.yml"
    said = {"ansible.builtin.command": {"argv": ["cat", str(tmp_path / "said")]}, "register": "said"}
    plan: dict[str, Any] = {"rollouts": [], "problems": [], "up_to_date": 0}
    facts = {"certops_plan": plan, "certops_known": {"deployments": []}, "certops_problems": ["{{ said.stdout }}"]}
    tasks: list[dict[str, Any]] = [
        said,
        {"ansible.builtin.set_fact": facts},
        {"ansible.builtin.include_tasks": str(finish)},
    ]
    run = run_playbook(tasks, {**standin.env, "ANSIBLE_SHOW_CUSTOM_STATS": "true"})
    assert "lookup(" in run["Fail if anything failed"].msg, run.output
    assert "lookup(" in run.stdout.partition("CUSTOM STATS")[2], "as text"
    assert not (tmp_path / "evaluated").exists()


def test_jinja_in_an_event_is_never_evaluated(awx: Awx, tmp_path: Path) -> None:
    trap = "{{ lookup('ansible.builtin.pipe', 'touch " + str(tmp_path / "evaluated") + "') }}"
    job = renewed(awx, {"source": "aws.acm", "detail-type": trap, "detail": {trap: trap}})
    assert job.status == "successful", job.output
    assert "lookup(" in job.record["artifacts"]["certops_report"]["ignored"]
    assert not (tmp_path / "evaluated").exists()


def test_answers_that_look_like_numbers_stay_as_they_were_written(awx: Awx, standin: Standin) -> None:
    arn = standin.request("shop.example.com")
    template = awx.template("deploy", playbook="playbooks/deploy.yml", ask_variables_on_launch=True)
    answers = {"certificate_arn": arn, "certificate_name": "2024.10", "target_tag_key": "010"}
    answers |= {"target_tag_value": "1.10", "target_account": "012345670123"}
    headers = {"Authorization": f"Bearer {awx.token}"}
    launched = call(awx.door(template, "launch"), {"extra_vars": answers}, headers)
    assert launched.status == 201, launched.body
    [job] = awx.jobs.wait(120)
    assert "no host carries the tag 010=1.10 in account 012345670123" in job.output, job.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-e", '{"version": 1.10}'], "version is 1.1, which is no text: write it in quotes"),
        (["-e", '{"version": 110}'], "'110'"),
        (["-e", "@{file}", "-e", '{"version": 110}'], "'110'"),
        (["-e", "version=1.0", "-e", "@{file}"], "'1.10'"),
    ],
)
def test_a_text_is_looked_up_where_it_was_written(arguments: list[str], said: str, tmp_path: Path) -> None:
    file = tmp_path / "given.yml"
    file.write_text("other: 1\nversion: !unsafe '1.10'\n", encoding="utf-8")
    show = {"ansible.builtin.debug": {"msg": "{{ [lookup('certops.acm.given_text', 'version')] }}"}}
    run = run_playbook([show], {}, arguments=[argument.replace("{file}", str(file)) for argument in arguments])
    assert said in str(run[0].msg), run.output
