# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The doctor: each thing that can be wrong on the path is found, and nothing else is said to be wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.doctor import examine

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
ENDPOINT = "https://awx.example.com/api/v2/job_templates/7/{}/"

Found = dict[str, Any]


def answer(**json: Any) -> Found:
    return {"status": 200, "json": json}


def well(door: str = "awx_webhook") -> Found:
    """A path on which nothing is wrong."""
    launched = door == "awx_launch"
    template = {
        "id": 7,
        "name": "certops.acm renew",
        "webhook_service": "" if launched else "gitlab",
        "ask_variables_on_launch": launched,
        "summary_fields": {"project": {"name": "certops.acm", "status": "successful"}},
    }
    dead = {"name": "dead", "messages": 0}
    target: Found = {"input_template": "{...}" if launched else None, "dead_letter_queue": dead}
    if door == "sqs":
        target["queue"] = {"name": "queue", "messages": 0}
    else:
        endpoint = ENDPOINT.format("launch" if launched else "gitlab")
        header = "Authorization" if launched else "X-Gitlab-Token"
        target["api_destination"] = {"name": "awx", "state": "ACTIVE", "endpoint": endpoint}
        target["connection"] = {"name": "awx", "state": "AUTHORIZED", "reason": None, "header": header}
    name = "shop.example.com"
    held = Certificate(ARN, "111122223333", "eu-west-1", name, (name,), "ISSUED", "AMAZON_ISSUED")
    certificate = {**held.to_result(), "renewal_eligibility": "ELIGIBLE"}
    found = {
        "door": door,
        "awx": {
            "me": answer(results=[{}]),
            "templates": answer(results=[template]),
            "launch": answer(variables_needed_to_start=[]),
            "webhook_key": answer(webhook_key="a-key"),
            "schedules": answer(results=[{}]),
        },
        "path": {"rule": {"name": "certops-acm-renewals", "state": "ENABLED"}, "targets": [target]},
        "inventory": {"targets": [{}], "deployments": [{}, {}]},
        "certificates": [{"certificates": [certificate], "missing": []}],
        "trial": {"event_id": "e-1", "jobs": [{"id": 9, "extra_vars": '{"awx_webhook_payload": {"id": "e-1"}}'}]},
    }
    if door == "sqs":
        del found["awx"]
        found["trial"] = {"event_id": "e-1", "left": 0}
    return copy.deepcopy(found)


@pytest.mark.parametrize("door", ["awx_webhook", "awx_launch", "sqs"])
def test_a_path_that_is_well(door: str) -> None:
    checks = examine(well(door))
    assert [check.line for check in checks if not check.ok] == []
    assert len({check.name for check in checks}) == len(checks) >= 6


def template(found: Found) -> Found:
    return found["awx"]["templates"]["json"]["results"][0]


def target(found: Found) -> Found:
    return found["path"]["targets"][0]


def held(found: Found) -> Found:
    return found["certificates"][0]["certificates"][0]


WRONG: list[tuple[str, Callable[[Found], Any], str, str]] = [
    ("awx_webhook", lambda f: f["awx"].update(me={"status": -1, "msg": "refused"}), "AWX", "refused: check CONTROLLER"),
    ("awx_webhook", lambda f: f["awx"].update(me={"status": 401}), "AWX", "the token is not valid"),
    ("awx_webhook", lambda f: f["awx"].update(me={"status": 502}), "AWX", "AWX answered 502"),
    ("awx_webhook", lambda f: f["awx"].update(templates=answer(results=[])), "template", "run certops.acm.setup_awx"),
    ("awx_webhook", lambda f: f["awx"].update(launch={"status": 403}), "launch", "role Execute"),
    (
        "awx_webhook",
        lambda f: f["awx"]["launch"]["json"].update(variables_needed_to_start=["certificate_arn"]),
        "launch",
        "asks for certificate_arn",
    ),
    (
        "awx_webhook",
        lambda f: template(f)["summary_fields"]["project"].update(status="failed"),
        "launch",
        "could not be fetched",
    ),
    ("awx_webhook", lambda f: template(f).update(webhook_service=""), "variables", "not of type GitLab"),
    ("awx_webhook", lambda f: f["awx"].update(webhook_key=answer(webhook_key="")), "variables", "key is not set"),
    ("awx_webhook", lambda f: f["awx"].update(webhook_key={"status": 403}), "variables", "administrator's token"),
    ("awx_launch", lambda f: template(f).update(ask_variables_on_launch=False), "variables", "answer 201 and drop"),
    ("awx_webhook", lambda f: f["awx"].update(schedules=answer(results=[])), "schedule", "stays lost"),
    ("awx_webhook", lambda f: f.update(path={"msg": "may not call events:DescribeRule"}), "rule", "may not call"),
    ("awx_webhook", lambda f: f["path"].update(rule=None, targets=[]), "rule", "no such rule"),
    ("awx_webhook", lambda f: f["path"]["rule"].update(state="DISABLED"), "rule", "is disabled: enable it"),
    ("awx_webhook", lambda f: f["path"].update(targets=[]), "target", "does not lead to the door awx_webhook"),
    ("sqs", lambda f: f["path"].update(targets=[]), "target", "does not lead to the door sqs"),
    ("awx_webhook", lambda f: target(f)["api_destination"].update(state="INACTIVE"), "API destination", "is INACTIVE"),
    (
        "awx_webhook",
        lambda f: target(f)["api_destination"].update(endpoint=ENDPOINT.replace("7", "8").format("gitlab")),
        "API destination",
        "ends in /job_templates/7/gitlab/",
    ),
    ("awx_webhook", lambda f: target(f).update(input_template="{}"), "input", "the webhook takes it bare"),
    ("awx_launch", lambda f: target(f).update(input_template=None), "input", "has no extra_vars"),
    (
        "awx_webhook",
        lambda f: target(f)["connection"].update(state="DEAUTHORIZED", reason="expired"),
        "connection",
        "DEAUTHORIZED (expired): set its secret again",
    ),
    ("awx_launch", lambda f: target(f)["connection"].update(header="X-API-Key"), "connection", "wants Authorization"),
    ("sqs", lambda f: target(f)["queue"].update(messages=3), "queue", "3 events wait"),
    ("sqs", lambda f: target(f).update(dead_letter_queue=None), "dead letters", "no dead-letter queue"),
    ("awx_webhook", lambda f: target(f)["dead_letter_queue"].update(messages=2), "dead letters", "2 events in dead"),
    ("awx_webhook", lambda f: f.update(inventory={"msg": "table x does not exist"}), "inventory", "does not exist"),
    (
        "sqs",
        lambda f: f["inventory"].update(problems=[{"msg": "it is not signed"}]),
        "inventory",
        "it is not signed (1 in all",
    ),
    ("awx_webhook", lambda f: held(f).update(renewal_eligibility="INELIGIBLE"), "shop", "is not going to renew it"),
    ("awx_webhook", lambda f: held(f).update(renewal_status="PENDING_VALIDATION"), "shop", "create the CNAME records"),
    (
        "awx_webhook",
        lambda f: held(f).update(renewal_status="FAILED", renewal_status_reason="CAA_ERROR"),
        "shop",
        "(CAA_ERROR): remove the cause",
    ),
    ("awx_webhook", lambda f: held(f).update(status="EXPIRED"), "shop", "it is EXPIRED"),
    ("awx_webhook", lambda f: f["certificates"][0].update(missing=[ARN]), ARN, "holds it no more"),
    ("awx_webhook", lambda f: f.update(certificates=[{"msg": "throttled"}]), "certificate", "throttled"),
    ("sqs", lambda f: f["trial"].update(left=1), "test event", "e-1 waits in the queue: start the rulebook"),
    ("awx_webhook", lambda f: f["trial"].update(jobs=[]), "test event", "did not arrive"),
    ("awx_webhook", lambda f: f["trial"].update(event_id="", msg="denied"), "test event", "not be sent: denied"),
]


@pytest.mark.parametrize(("door", "spoil", "name", "text"), WRONG)
def test_what_is_wrong_is_found_alone(door: str, spoil: Callable[[Found], Any], name: str, text: str) -> None:
    found = well(door)
    spoil(found)

    wrong = [check for check in examine(found) if not check.ok]

    assert len(wrong) == 1, [check.line for check in wrong]
    assert wrong[0].name.startswith(name)
    assert text in wrong[0].text
    assert wrong[0].line.startswith("MEND")


def test_all_checks_run_whatever_failed() -> None:
    found = well()
    found["awx"]["me"] = {"status": 401}
    found["path"] = {"msg": "denied"}
    found["inventory"] = {"msg": "denied"}
    assert [check.name for check in examine(found) if not check.ok] == ["AWX", "rule", "inventory"]
    assert [check.name for check in examine(found) if check.ok] == ["certificates", "test event"]
