# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""playbooks/setup_awx.yml with the real modules of awx.awx against the stand-in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from integration.playbook import PlaybookRun, run_playbook

from ansible_collections.certops.acm.plugins.module_utils.plan import SERVICES
from awx import Awx
from awx.client import call

SECRET_KEY = "a-secret-access-key-for-tests-0123456789"
HOSTS_ROLE = "arn:aws:iam::444455556666:role/certops-hosts"
CHANNEL_TOKEN = "a-token-of-a-chat-for-tests-0123456789"
GIVEN = {
    "awx_jobs_region": "eu-west-1",
    "awx_jobs_machine_credential": "hosts",
    "awx_jobs_access_key": "an-access-key-for-tests",
    "awx_jobs_secret_key": SECRET_KEY,
    "awx_jobs_execution_environment": "certops",
    "awx_jobs_execution_environment_image": "registry.example.com/certops-acm:0.1.0",
    "awx_jobs_variables": {"certops_waves": [1, "100%"]},
    "awx_jobs_host_role_arns": [HOSTS_ROLE],
    "awx_jobs_notification": {
        "notification_type": "slack",
        "notification_configuration": {"channels": ["#certificates"], "token": CHANNEL_TOKEN, "hex_color": ""},
    },
}
TABLES = ("organizations", "projects", "inventories", "inventory_sources", "job_templates", "schedules")
DOOR = "/api/v2/job_templates/{}/gitlab/"
ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"


@contextmanager
def with_machine_credential() -> Iterator[Awx]:
    with Awx() as made:
        machine = made.records.where("credential_types", name="Machine")[0]
        made.records.create(
            "credentials", {"name": "hosts", "organization": 1, "credential_type": machine["id"], "inputs": {}}
        )
        yield made


@pytest.fixture
def awx() -> Iterator[Awx]:
    with with_machine_credential() as made:
        yield made


@pytest.fixture(scope="module")
def ready() -> Iterator[Awx]:
    """An AWX that was set up; tests read it and launch, they do not change it."""
    with with_machine_credential() as made:
        run = set_up(made, "--diff", "-vvv")
        assert run.returncode == 0, run.output
        assert SECRET_KEY not in run.output and CHANNEL_TOKEN not in run.output
        assert f"{made.url}{DOOR.format(renewing(made)['id'])}" in run.output
        yield made


def set_up(awx: Awx, *arguments: str, **variables: Any) -> PlaybookRun:
    return run_playbook(
        None, awx.env, playbook="certops.acm.setup_awx", extra_vars={**GIVEN, **variables}, arguments=arguments
    )


def changed(run: PlaybookRun) -> set[str]:
    return {result.task.partition(" : ")[2] or result.task for result in run.results if result.changed}


def one(awx: Awx, table: str, **fields: Any) -> dict[str, Any]:
    [found] = awx.records.where(table, **fields)
    return found


def renewing(awx: Awx) -> dict[str, Any]:
    return one(awx, "job_templates", name="certops.acm renew")


def launched(awx: Awx, template: dict[str, Any], variables: dict[str, Any]) -> Any:
    """What a launch by hand answers."""
    headers = {"Authorization": f"Bearer {awx.token}"}
    return call(awx.door(template, "launch"), {"extra_vars": variables}, headers)


def test_set_up_again_changes_only_what_awx_does_not_show(ready: Awx) -> None:
    before = json.dumps([ready.records.page(table, {}) for table in TABLES])

    again = set_up(ready)

    assert again.returncode == 0, again.output
    assert changed(again) == {"Create the access key", "Create whom to tell of a failure"}
    assert json.dumps([ready.records.page(table, {}) for table in TABLES]) == before


def test_the_renew_template_takes_events_and_no_variables(ready: Awx) -> None:
    renew = renewing(ready)
    assert (renew["webhook_service"], renew["ask_variables_on_launch"]) == ("gitlab", False)
    assert len(renew["webhook_key"]) > 20
    event = {"source": "aws.acm"}
    assert call(ready.door(renew, "gitlab"), event, {"X-Gitlab-Token": renew["webhook_key"]}).status == 202
    by_hand = launched(ready, renew, {"ansible_connection": "local"})
    assert by_hand.body["ignored_fields"] == {"extra_vars": {"ansible_connection": "local"}}

    *_others, by_event, last = ready.jobs.wait(5)
    assert by_event.variables["awx_webhook_payload"] == event
    assert "ansible_connection" not in last.variables
    assert last.variables["certops_waves"] == [1, "100%"]


def test_credentials_inject_where_aws_is(ready: Awx) -> None:
    job = ready.jobs.get(launched(ready, renewing(ready), {}).body["job"])
    assert job.environment == {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "an-access-key-for-tests",
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    assert job.variables["certops_inventory_table"] == "certops-acm-inventory"
    assert job.variables["certops_inventory_region"] == "eu-west-1"


def test_the_survey_asks_for_the_variables_of_deploy(ready: Awx) -> None:
    deploy = one(ready, "job_templates", name="certops.acm deploy")
    answers = {"certificate_arn": ARN, "certificate_name": "shop", "target_tag_value": "web"}

    answer = launched(ready, deploy, answers)
    assert answer.status == 201, answer.body
    job = ready.jobs.get(answer.body["job"])

    left_out = {"target_tag_key": "Role", "target_account": "", "service": "nginx"}
    assert {name: job.variables[name] for name in left_out} == left_out
    assert launched(ready, deploy, {**answers, "certificate_arn": "short"}).status == 400
    playbook = (ready.repository / "playbooks" / "deploy.yml").read_text(encoding="utf-8")
    questions = {question["variable"]: question for question in deploy["survey_spec"]["spec"]}
    assert all(re.search(rf"\b{name}\b", playbook) for name in questions)
    assert questions["service"]["choices"] == list(SERVICES)


def test_people_take_a_certificate_back_and_ask_for_a_report(ready: Awx) -> None:
    rollback = one(ready, "job_templates", name="certops.acm rollback")
    answer = launched(ready, rollback, {"certificate_arn": ARN})
    assert answer.status == 201, answer.body
    job = ready.jobs.get(answer.body["job"])
    assert {name: job.variables[name] for name in ("certificate_arn", "certops_limit")} == {
        "certificate_arn": ARN,
        "certops_limit": "all",
    }
    assert launched(ready, rollback, {"certops_limit": "web1_*"}).status == 400, "which certificate was not said"
    report = one(ready, "job_templates", name="certops.acm report")
    assert launched(ready, report, {}).status == 201
    for template in (rollback, report):
        assert (ready.repository / template["playbook"]).exists()
        assert (template["webhook_service"], template["ask_variables_on_launch"]) == ("", False)


HOSTILE = {"ansible_ssh_common_args": "-o ProxyCommand=id", "certops_allow_commands": True}


@pytest.mark.parametrize("name", ["deploy", "rollback", "report", "renew"])
def test_who_launches_a_template_gives_its_answers_and_no_other_variable(ready: Awx, name: str) -> None:
    template = one(ready, "job_templates", name=f"certops.acm {name}")
    questions = template["survey_spec"].get("spec", ())
    answers = {question["variable"]: ARN for question in questions if question["required"]}
    answer = launched(ready, template, {**answers, **HOSTILE})
    assert answer.status == 201, answer.body
    assert answer.body["ignored_fields"]["extra_vars"] == HOSTILE
    assert not HOSTILE.keys() & ready.jobs.get(answer.body["job"]).variables.keys()


def test_the_webhook_key_is_read_as_the_page_says(ready: Awx) -> None:
    page = (ready.repository / "docs" / "awx_webhook.md").read_text(encoding="utf-8")
    [written] = re.findall(r"^eventbridge_secret: (.*)$", page, re.MULTILINE)
    given = {"eventbridge_secret": written.strip('"'), "eventbridge_awx_template_id": renewing(ready)["id"]}
    check = {"ansible.builtin.assert": {"that": "eventbridge_secret == expected"}}
    variables = {**given, "expected": renewing(ready)["webhook_key"]}
    assert run_playbook([{**check, "vars": variables}], ready.env, keep_going=False).returncode == 0


def test_hosts_come_from_aws_and_failures_are_told(ready: Awx) -> None:
    source = one(ready, "inventory_sources", name="EC2")
    other = json.loads(one(ready, "inventory_sources", name="EC2 444455556666")["source_vars"])
    assert other == {**json.loads(source["source_vars"]), "assume_role_arn": HOSTS_ROLE}
    variables = json.loads(source["source_vars"])
    assert (source["source"], source["update_on_launch"]) == ("ec2", True)
    assert variables["regions"] == ["eu-west-1"]
    assert "ec2_tags" not in json.dumps(variables["compose"]), "what names a tag there evaluates it"
    for template in ready.records.where("job_templates"):
        told = ready.records.links("job_templates", template["id"], "notification_templates_error")
        assert [entry["notification_type"] for entry in told] == ["slack"]
    schedule = one(ready, "schedules")
    assert (schedule["unified_job_template"], schedule["enabled"]) == (renewing(ready)["id"], True)


def test_the_other_door_without_an_access_key(awx: Awx) -> None:
    bare = {"awx_jobs_access_key": "", "awx_jobs_notification": {}, "awx_jobs_execution_environment_image": ""}
    bare |= {"awx_jobs_execution_environment": "", "awx_jobs_door": "awx_launch"}
    bare |= {"awx_jobs_variables": {"certops_limit": "shop_*"}}
    run = set_up(awx, **bare)
    assert run.returncode == 0, run.output
    renew = renewing(awx)
    assert (renew["webhook_service"], renew["webhook_key"], renew["ask_variables_on_launch"]) == ("", "", True)
    assert awx.records.where("credentials", name="certops.acm AWS") == []
    job = awx.jobs.get(launched(awx, renew, HOSTILE).body["job"])
    assert HOSTILE.items() <= job.variables.items(), "who holds the token of this door runs what he likes in the job"
    [_arn, hosts] = one(awx, "job_templates", name="certops.acm rollback")["survey_spec"]["spec"]
    assert hosts["default"] == "shop_*", "what all templates set is no less in force for a rollback"


def test_a_missing_region_is_said(awx: Awx) -> None:
    run = set_up(awx, awx_jobs_region="")
    assert run.returncode != 0
    assert "awx_jobs_region is missing" in run.output
