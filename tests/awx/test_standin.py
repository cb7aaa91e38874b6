# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the contract does not tell of the stand-in: the queue, the job's variables, faults, lists."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from awx import Awx, Job, Outcome
from awx.client import Reply, call
from awx.playbook import extra_variables

EVENT = {"source": "aws.acm", "detail": {"Action": "RENEWAL"}, "id": "1"}


@pytest.fixture
def awx() -> Iterator[Awx]:
    with Awx() as made:
        yield made


def launch(awx: Awx, template: dict[str, Any], body: Any = None, **options: Any) -> Reply:
    return call(awx.door(template, "launch"), body or {}, {"Authorization": f"Bearer {awx.token}"}, **options)


def deliver(awx: Awx, template: dict[str, Any], event: Any) -> Reply:
    return call(awx.door(template, "gitlab"), event, {"X-Gitlab-Token": template["webhook_key"]})


def get(awx: Awx, path: str) -> Any:
    return call(f"{awx.url}/api/v2/{path}", None, {"Authorization": f"Bearer {awx.token}"}).body


def test_the_webhook_hands_over_the_event_and_says_how_the_job_came(awx: Awx) -> None:
    template = awx.template("renew", webhook_service="gitlab")
    assert deliver(awx, template, EVENT).status == 202

    [job] = awx.jobs.wait(5)
    assert job.status == "successful"
    assert job.variables["awx_webhook_payload"] == job.variables["tower_webhook_payload"] == EVENT
    assert (job.variables["awx_job_id"], job.variables["awx_job_launch_type"]) == (job.id, "webhook")
    assert "awx_user_name" not in job.variables
    again = deliver(awx, template, {**EVENT, "id": "2"})
    assert again.body == {"message": "Job queued."}


@pytest.mark.parametrize(("together", "expected"), [(False, 1), (True, 2)])
def test_jobs_of_a_template_run_one_after_another_unless_allowed(together: bool, expected: int) -> None:
    running, most = [], []
    door = threading.Event()

    def command(job: Job) -> Outcome:
        running.append(job.id)
        most.append(len(running))
        door.wait(0.3)
        running.remove(job.id)
        return Outcome()

    with Awx(command) as awx:
        template = awx.template("renew", allow_simultaneous=together)
        for _number in range(2):
            assert launch(awx, template).status == 201
        assert [job.status for job in awx.jobs.wait(5)] == ["successful", "successful"]
    assert max(most) == expected


def test_a_job_is_read_over_the_api(awx: Awx) -> None:
    def command(job: Job) -> Outcome:
        job.output = "what it printed"
        return Outcome(False, {"certops_report": {"changed": 1}})

    with Awx(command) as failing:
        launch(failing, failing.template("renew"))
        failing.jobs.wait(5)
        [listed] = get(failing, "jobs/?status=failed")["results"]
        job = get(failing, f"jobs/{listed['id']}/")
        assert "artifacts" not in listed
        assert (job["failed"], job["artifacts"]) == (True, {"certops_report": {"changed": 1}})
        assert get(failing, f"jobs/{job['id']}/stdout/?format=txt") == "what it printed"
        assert get(failing, "jobs/?status=successful")["count"] == 0
        assert "has no field" in get(failing, "jobs/?colour=green")["detail"]


def test_a_job_that_waits_can_be_cancelled() -> None:
    door = threading.Event()

    def command(job: Job) -> Outcome:
        door.wait(5)
        return Outcome()

    with Awx(command) as awx:
        template = awx.template("renew")
        launch(awx, template)
        second = launch(awx, template).body["job"]
        headers = {"Authorization": f"Bearer {awx.token}"}
        assert call(f"{awx.url}/api/v2/jobs/{second}/cancel/", {}, headers).status == 202
        door.set()
        assert [job.status for job in awx.jobs.wait(5)] == ["successful", "canceled"]


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_refusal_launches_nothing(awx: Awx, status: int) -> None:
    template = awx.template("renew", webhook_service="gitlab")
    awx.faults.refuse(status, path="*/gitlab/", times=1)

    assert deliver(awx, template, EVENT).status == status
    assert awx.jobs.all == []
    assert deliver(awx, template, EVENT).status == 202
    assert [seen.status for seen in awx.seen] == [status, 202]


def test_who_does_not_wait_for_the_answer_has_launched_all_the_same(awx: Awx) -> None:
    template = awx.template("renew")
    awx.faults.delay(30, times=1)

    with pytest.raises(TimeoutError):
        launch(awx, template, timeout=0.2)
    assert [job.status for job in awx.jobs.wait(5)] == ["successful"], "the job does not wait for the answer"
    assert launch(awx, template).status == 201


def test_down_for_a_while(awx: Awx) -> None:
    template = awx.template("renew")
    awx.down()
    with pytest.raises(ConnectionRefusedError):
        launch(awx, template)

    awx.up()

    assert launch(awx, template).status == 201


def test_only_the_template_itself_may_hold_jinja_that_is_evaluated(awx: Awx) -> None:
    own = {"certops_waves": "{{ [1, '100%'] }}"}
    template = awx.template("renew", extra_vars=json.dumps(own), ask_variables_on_launch=True)
    launch(awx, template, {"extra_vars": {"certificate_arn": "{{ 7 * 7 }}"}})
    [job] = awx.jobs.wait(5)

    written = extra_variables(job)

    assert "!unsafe 'certificate_arn': !unsafe '{{ 7 * 7 }}'" in written
    assert "certops_waves: '{{ [1, ''100%''] }}'" in written
    assert yaml.safe_load(written.replace("!unsafe ", ""))["awx_job_id"] == job.id


def test_a_password_reaches_the_job_and_nobody_else(awx: Awx) -> None:
    question = {"variable": "secret", "question_name": "Secret", "type": "password", "required": True}
    survey = {"name": "", "description": "", "spec": [question]}
    template = awx.template("renew", survey_enabled=True, survey_spec=survey)
    launch(awx, template, {"extra_vars": {"secret": "a-long-secret"}})

    [job] = awx.jobs.wait(5)

    assert job.variables["secret"] == "a-long-secret"
    assert "a-long-secret" not in json.dumps(get(awx, "jobs/"))


def test_a_credential_shows_no_secret_and_keeps_it_when_it_is_sent_back(awx: Awx) -> None:
    kind = awx.records.where("credential_types", name="Amazon Web Services")[0]["id"]
    given = {"name": "aws", "organization": 1, "credential_type": kind}
    given["inputs"] = {"username": "a-key", "password": "a-long-secret"}
    headers = {"Authorization": f"Bearer {awx.token}"}
    made = call(f"{awx.url}/api/v2/credentials/", given, headers).body
    assert made["inputs"] == {"username": "a-key", "password": "$encrypted$"}

    inputs = {**made["inputs"], "username": "another-key"}
    call(f"{awx.url}{made['url']}", {"inputs": inputs}, headers, method="PATCH")

    held = awx.records.get("credentials", made["id"])["inputs"]
    assert held == {"username": "another-key", "password": "a-long-secret"}


def test_a_job_that_cannot_be_run_does_not_stop_the_queue() -> None:
    def command(job: Job) -> Outcome:
        raise OSError("no such program")

    with Awx(command) as awx:
        template = awx.template("renew")
        launch(awx, template)
        launch(awx, template)
        assert [job.status for job in awx.jobs.wait(5)] == ["error", "error"]
        assert "no such program" in awx.jobs.all[0].record["job_explanation"]


def test_lists_have_pages_and_filters(awx: Awx) -> None:
    for number in range(30):
        awx.records.create("labels", {"name": f"label-{number:02}", "organization": 1})

    first = get(awx, "labels/?order_by=-name")
    assert (first["count"], len(first["results"]), first["results"][0]["name"]) == (30, 25, "label-29")
    second = get(awx, first["next"].removeprefix("/api/v2/"))
    assert [row["name"] for row in second["results"]] == [f"label-{number:02}" for number in range(4, -1, -1)]
    assert get(awx, "labels/?or__id=3&or__name=label-07")["count"] == 2


def test_a_stand_in_that_ends_kills_what_waits() -> None:
    started = time.monotonic()
    with Awx() as awx:
        awx.faults.delay(30)
        template = awx.template("renew")
        with pytest.raises(TimeoutError):
            launch(awx, template, timeout=0.2)
    assert time.monotonic() - started < 10
