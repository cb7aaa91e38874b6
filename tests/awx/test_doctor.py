# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""playbooks/doctor.yml against both stand-ins, on the path that the role eventbridge would have made."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from integration.playbook import PlaybookRun, run_playbook

from awx import Awx
from delivery import HUB, Delivery
from standin.accounts import DEFAULT_ACCOUNT, DEFAULT_REGION
from standin.client import Standin
from standin.stack_names import Place
from standin.stack_template import Stack

STACK = "certops-acm"
ORIGIN = "https://awx.example.com"
TAP = "tap"


@pytest.fixture(scope="module")
def aws() -> Iterator[Standin]:
    with Standin() as started:
        assert run_playbook(None, started.env, playbook="certops.acm.setup_aws").returncode == 0
        yield started


@pytest.fixture
def awx() -> Iterator[Awx]:
    with Awx() as made:
        template = made.template("certops.acm renew", webhook_service="gitlab")
        rule = "DTSTART:20260101T000000Z RRULE:FREQ=HOURLY;INTERVAL=4"
        made.records.create("schedules", {"name": "s", "rrule": rule, "unified_job_template": template["id"]})
        yield made


@pytest.fixture
def path(aws: Standin, awx: Awx) -> Iterator[Delivery]:
    """The stack of the role, as EventBridge's API tells it, and its delivery to AWX."""
    template = awx.records.where("job_templates")[0]
    parameters = {
        "Door": "awx_webhook",
        "Endpoint": f"{ORIGIN}/api/v2/job_templates/{template['id']}/gitlab/",
        "Secret": template["webhook_key"],
    }
    place = Place(STACK, DEFAULT_ACCOUNT, DEFAULT_REGION)
    made = Delivery(HUB, parameters, aws, place=place, reroute={ORIGIN: awx.url})
    wire(aws, made.stack)
    yield made
    unwire(aws)


def wire(aws: Standin, stack: Stack) -> None:
    """Make the stack's rule, connection, API destination and queues, and a queue that hears of test events."""
    events, sqs = aws.client("events"), aws.client("sqs")
    for name in [*(stack.attribute(queue, "QueueName") for queue in stack.of_type("AWS::SQS::Queue")), TAP]:
        sqs.create_queue(QueueName=name)
    [connection] = stack.of_type("AWS::Events::Connection").values()
    names = ("AuthorizationType", "AuthParameters")
    arn = events.create_connection(Name="awx", **{name: connection[name] for name in names})["ConnectionArn"]
    [destination] = stack.of_type("AWS::Events::ApiDestination").values()
    made = events.create_api_destination(
        Name="awx",
        ConnectionArn=arn,
        HttpMethod=destination["HttpMethod"],
        InvocationEndpoint=destination["InvocationEndpoint"],
    )["ApiDestinationArn"]
    rule = stack.of_type("AWS::Events::Rule")["RenewalRule"]
    [target] = rule["Targets"]
    events.put_rule(Name=rule["Name"], EventPattern=json.dumps({"source": ["aws.acm"]}), State="ENABLED")
    kept = {name: target[name] for name in ("Id", "RoleArn", "DeadLetterConfig")}
    events.put_targets(Rule=rule["Name"], Targets=[{**kept, "Arn": made}])
    events.put_rule(Name=TAP, EventPattern=json.dumps({"source": ["certops.acm"]}))
    events.put_targets(Rule=TAP, Targets=[{"Id": TAP, "Arn": f"arn:aws:sqs:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:{TAP}"}])


def unwire(aws: Standin) -> None:
    events = aws.client("events")
    for rule in (f"{STACK}-renewals", TAP):
        targets = [target["Id"] for target in events.list_targets_by_rule(Rule=rule)["Targets"]]
        events.remove_targets(Rule=rule, Ids=targets)
        events.delete_rule(Name=rule)
    events.delete_api_destination(Name="awx")
    events.delete_connection(Name="awx")


@contextmanager
def delivering(aws: Standin, path: Delivery) -> Iterator[None]:
    """Deliver test events as they are sent, as EventBridge does."""
    sqs, ended = aws.client("sqs"), threading.Event()
    url = sqs.get_queue_url(QueueName=TAP)["QueueUrl"]

    def run() -> None:
        while not ended.wait(0.2):
            for message in sqs.receive_message(QueueUrl=url).get("Messages", ()):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                path.send(json.loads(message["Body"]))
                path.deliver_pending()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)


def doctor(aws: Standin, awx: Awx, *arguments: str, **variables: Any) -> PlaybookRun:
    return run_playbook(
        None, {**aws.env, **awx.env}, playbook="certops.acm.doctor", extra_vars=variables, arguments=arguments
    )


def lines(run: PlaybookRun) -> dict[str, str]:
    """Every check by its name: ``ok`` or what to do."""
    told = {}
    for line in run["What is well, and what is not"]["msg"]:
        name, _colon, text = line[6:].partition(": ")
        told[name] = "ok" if line.startswith("ok") else text
    return told


def test_a_path_that_is_well_and_a_test_event_that_arrives(aws: Standin, awx: Awx, path: Delivery) -> None:
    with delivering(aws, path):
        run = doctor(aws, awx, "-vvv", "--diff", certops_test_event=True)

    assert run.returncode == 0, run.output
    assert set(lines(run).values()) == {"ok"}, run.output
    assert set(lines(run)) >= {"AWX", "launch", "variables", "schedule", "rule", "connection", "test event"}
    assert awx.token not in run.output
    assert awx.records.where("job_templates")[0]["webhook_key"] not in run.output
    [job] = awx.jobs.wait(5)
    assert job.variables["awx_webhook_payload"]["source"] == "certops.acm"


def test_everything_that_is_wrong_is_found_in_one_run(aws: Standin, awx: Awx, path: Delivery) -> None:
    awx.records.where("job_templates")[0]["webhook_service"] = ""
    dead = path.stack.attribute("DeadLetterQueue", "QueueName")
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=dead)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")

    aws.deny("events:PutEvents")

    run = doctor(aws, awx, certops_inventory_table="no-such-table", certops_test_event=True)

    aws.clear_faults()
    sqs.purge_queue(QueueUrl=url)
    assert run.returncode != 0
    wrong = {name for name, text in lines(run).items() if text != "ok"}
    assert wrong == {"variables", "dead letters", "inventory", "test event"}, run.output
    assert "may not call events:PutEvents" in lines(run)["test event"]
    assert "no-such-table does not exist" in lines(run)["inventory"]


def test_awx_is_down_and_there_is_no_rule(aws: Standin, awx: Awx) -> None:
    awx.down()
    run = doctor(aws, awx)
    assert run.returncode != 0
    wrong = {name: text for name, text in lines(run).items() if text != "ok"}
    assert set(wrong) == {"AWX", "rule"}, run.output
    assert "check CONTROLLER_HOST" in wrong["AWX"]


@pytest.mark.parametrize("polled", [True, False])
def test_a_queue_that_somebody_polls(aws: Standin, polled: bool) -> None:
    events, sqs = aws.client("events"), aws.client("sqs")
    arn = f"arn:aws:sqs:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}"
    url, _dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("events", "events-dead"))
    events.put_rule(Name="queued", EventPattern=json.dumps({"source": ["certops.acm"]}))
    dead = {"DeadLetterConfig": {"Arn": f"{arn}:events-dead"}}
    events.put_targets(Rule="queued", Targets=[{"Id": "queue", "Arn": f"{arn}:events", **dead}])
    ended = threading.Event()

    def poll() -> None:
        while polled and not ended.wait(0.2):
            for message in sqs.receive_message(QueueUrl=url).get("Messages", ()):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    variables = {"certops_door": "sqs", "certops_event_rule": "queued", "certops_test_event": True}
    waits = {"certops_test_event_delay": 1, "certops_test_event_wait": 4}
    run = run_playbook(None, aws.env, playbook="certops.acm.doctor", extra_vars={**variables, **waits})
    ended.set()
    thread.join(30)
    sqs.delete_queue(QueueUrl=url)
    events.remove_targets(Rule="queued", Ids=["queue"])
    events.delete_rule(Name="queued")
    wrong = {name: text for name, text in lines(run).items() if text != "ok"}
    assert (run.returncode == 0) == polled, run.output
    assert set(wrong) == (set() if polled else {"test event"}), run.output
