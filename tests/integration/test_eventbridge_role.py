# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role eventbridge through ansible-playbook, and what its stacks then deliver."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.playbook import PlaybookRun, run_playbook

from delivery import Delivery
from delivery.door import Door
from standin.client import Standin, StandinError
from standin.stack_template import load

SECRET = "a-webhook-key-that-nobody-may-see"
AWX = {
    "eventbridge_awx_url": "https://awx.example.com/",
    "eventbridge_awx_template_id": 7,
    "eventbridge_secret": SECRET,
}
STACK_TASK = "certops.acm.eventbridge : Bring the stack about"

DOCS = Path(__file__).resolve().parents[2] / "docs"

Play = Callable[..., PlaybookRun]


ACCOUNT_TEMPLATE = DOCS.parent / "roles/aws_foundation/files/account.template"


@pytest.fixture
def bounded(standin: Standin) -> None:
    """What the administrator of the account did before: the role of each stack needs a boundary."""
    standin.client("cloudformation").create_stack(
        StackName="certops-acm-access",
        TemplateBody=ACCOUNT_TEMPLATE.read_text(encoding="utf-8"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )


@pytest.fixture
def play(standin: Standin, tmp_path: Path, bounded: None) -> Play:
    """Run the playbook with variables from a file, as a user does who keeps secrets out of argv."""

    def run(*arguments: str, playbook: Any = "certops.acm.setup_eventbridge", **variables: Any) -> PlaybookRun:
        told = tmp_path / "variables.json"
        told.write_text(json.dumps(variables), encoding="utf-8")
        return run_playbook(None, standin.env, playbook=playbook, arguments=["-e", f"@{told}", *arguments])

    return run


def changes(run: PlaybookRun) -> list[bool]:
    """Whether each stack changed, in order."""
    assert run.returncode == 0, run.output
    return [result.changed for result in run.results if result.task == STACK_TASK]


def no_stack(standin: Standin) -> bool:
    try:
        standin.control("stack", stack_name="certops-acm")
    except StandinError:
        return True
    return False


def test_do_it_again_in_check_mode_and_without(play: Play, standin: Standin) -> None:
    assert changes(play("--check", **AWX)) == [True] and no_stack(standin)
    assert changes(play(**AWX)) == [True]
    assert changes(play("--check", **AWX)) == [False]
    assert changes(play(**AWX)) == [False]
    assert changes(play("--check", **AWX, eventbridge_maximum_retries=3)) == [True]
    assert standin.control("stack", stack_name="certops-acm")["parameters"]["MaximumRetries"] == "185"
    assert changes(play("--check", **AWX, eventbridge_state="absent")) == [True] and not no_stack(standin)
    assert changes(play(**AWX, eventbridge_state="absent")) == [True] and no_stack(standin)
    assert changes(play(**AWX, eventbridge_state="absent")) == [False]
    template = load(ACCOUNT_TEMPLATE.read_text(encoding="utf-8"))
    statements = template["Resources"]["DeployerPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = {action for statement in statements if statement["Effect"] == "Allow" for action in statement["Action"]}
    assert set(standin.counts()) - {"sts:GetCallerIdentity"} <= allowed


def written(door: str) -> dict[str, Any]:
    """What the page of a door tells to write."""
    page = (DOCS / f"{door}.md").read_text(encoding="utf-8")
    told = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    [found] = [variables for variables in told if any(name.startswith("eventbridge_") for name in variables)]
    return dict(found)


@pytest.mark.parametrize(
    ("kind", "path", "header"),
    [
        ("awx_webhook", "gitlab", ("X-Gitlab-Token", SECRET)),
        ("awx_launch", "launch", ("Authorization", f"Bearer {SECRET}")),
    ],
)
def test_events_reach_awx_through_the_stack(
    play: Play, standin: Standin, door: Door, kind: str, path: str, header: tuple[str, str]
) -> None:
    given = written(kind)
    if "eventbridge_secret_arn" in given:
        made = standin.client("secretsmanager").create_secret(Name="awx", SecretString=json.dumps({"token": SECRET}))
        given["eventbridge_secret_arn"] = made["ARN"]
    else:  # its lookup in AWX has a test of its own
        given["eventbridge_secret"] = SECRET
    changes(play(**given))
    delivery = Delivery.of_stack("certops-acm", standin, reroute={"https://awx.example.com": door.url})
    standin.request("shop.example.com")
    delivery.deliver_pending()
    (request,) = door.requests
    assert request.path == f"/api/v2/job_templates/7/{path}/"
    assert request.headers[header[0]] == header[1]


def test_events_reach_the_queue_whose_address_is_shown(play: Play, standin: Standin) -> None:
    run = play(**{**written("sqs"), "eventbridge_visibility_timeout": 600})
    changes(run)
    outputs = run["certops.acm.eventbridge : Show what was made"]["eventbridge_outputs"]
    arn = standin.request("shop.example.com")
    Delivery.of_stack("certops-acm", standin).deliver_pending()
    queue = standin.client("sqs")
    (message,) = queue.receive_message(QueueUrl=outputs["QueueUrl"])["Messages"]
    assert json.loads(message["Body"])["resources"] == [arn]
    told = queue.get_queue_attributes(QueueUrl=outputs["QueueUrl"], AttributeNames=["VisibilityTimeout"])
    assert told["Attributes"] == {"VisibilityTimeout": "600"}


def test_events_of_another_region_reach_the_hub(play: Play, standin: Standin, door: Door) -> None:
    everything = {**AWX, "eventbridge_member_regions": ["us-east-1"]}
    assert changes(play("--check", **everything)) == [True, True]
    assert changes(play(**everything)) == [True, True]
    hub = Delivery.of_stack("certops-acm", standin, reroute={"https://awx.example.com": door.url})
    buses = {hub.stack.outputs["EventBusArn"]: hub}
    member = Delivery.of_stack("certops-acm-member", standin, region="us-east-1", buses=buses)
    arn = standin.request("shop.example.com", region="us-east-1")
    member.deliver_pending()
    hub.deliver_pending()
    assert [request.json["resources"] for request in door.requests] == [[arn]]


def test_a_member_of_another_account_is_a_stack_of_its_own(play: Play, standin: Standin) -> None:
    bus = "arn:aws:events:eu-west-1:444455556666:event-bus/default"
    run = play(playbook="certops.acm.setup_eventbridge_member", eventbridge_event_bus_arn=bus)
    assert changes(run) == [True]
    assert standin.control("stack", stack_name="certops-acm-member")["parameters"]["EventBusArn"] == bus


def test_where_the_boundary_is_missing_the_administrator_is_called(play: Play, standin: Standin) -> None:
    standin.client("cloudformation").delete_stack(StackName="certops-acm-access")
    run = play(**AWX)
    assert run.returncode != 0 and no_stack(standin)
    assert "certops-acm-boundary does not exist" in run.output and "certops.acm.setup_account first" in run.output
    of_another = {"eventbridge_permissions_boundary_arn": "arn:aws:iam::123456789012:policy/security/boundary"}
    assert "policy/security/boundary does not exist" in play(**AWX, **of_another).output
    assert changes(play(eventbridge_door="sqs")) == [True], "it has no role"


def test_the_hub_is_no_member_of_itself(play: Play, standin: Standin) -> None:
    run = play(eventbridge_door="sqs", eventbridge_member_regions=["eu-west-1"])
    assert run.returncode != 0 and "the hub is in eu-west-1 itself" in run.output


def test_a_member_needs_a_hub(play: Play, standin: Standin) -> None:
    run = play(playbook="certops.acm.setup_eventbridge_member")
    assert run.returncode != 0 and "eventbridge_event_bus_arn is missing" in run.output


def test_the_secret_is_in_no_output_and_in_no_file(play: Play, standin: Standin) -> None:
    run = play("-vvvv", "--diff", **AWX)
    assert changes(run) == [True] and SECRET not in run.output
    # What Ansible copies to a file it says so; the module with the secret in its arguments is piped.
    copied = [line for line in run.output.splitlines() if " PUT " in line]
    assert copied and not any("AnsiballZ_cloudformation.py" in line for line in copied)
    described = standin.client("cloudformation").describe_stacks(StackName="certops-acm")
    assert SECRET not in json.dumps(described, default=str)


@pytest.mark.parametrize("setting", ["ANSIBLE_KEEP_REMOTE_FILES", "ANSIBLE_DEBUG"])
def test_the_secret_is_refused_where_ansible_would_keep_it(
    play: Play, standin: Standin, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv(setting, "1")
    run = play(**AWX)
    assert run.returncode != 0 and "unset it" in run.output and no_stack(standin)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"eventbridge_secret": ""}, "set eventbridge_secret or eventbridge_secret_arn"),
    ({"eventbridge_awx_url": "http://awx.example.com"}, "set eventbridge_awx_url to https://"),
    ({"eventbridge_awx_url": ""}, "set eventbridge_awx_url to https://"),
    ({"eventbridge_awx_template_id": ""}, "eventbridge_awx_template_id to the number"),
    ({"eventbridge_stack_name": "x" * 49}, "48 are possible"),
    ({"eventbridge_invocation_rate": 500}, "InvocationRate failed to satisfy constraint"),
    ({"eventbridge_door": "email"}, "value of eventbridge_door must be one of"),
]


def test_what_is_wrong_is_said(standin: Standin) -> None:
    """The role alone, as often as there are mistakes; what it says is the message of the task that failed."""
    said = {"name": "said", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
    role = {"ansible.builtin.include_role": {"name": "certops.acm.eventbridge"}}
    tasks = [{"block": [{**role, "vars": {**AWX, **variables}}], "rescue": [said]} for variables, _said in WRONG]
    run = run_playbook(tasks, standin.env, keep_going=False)
    assert run.returncode == 0 and no_stack(standin), run.output
    told = [" ".join(result.msg.split()) for result in run.results if result.task == "said"]
    for message, (_variables, phrase) in zip(told, WRONG, strict=True):
        assert phrase in message
    assert SECRET not in run.output


def test_what_cloudformation_refuses_is_said_without_the_secret(play: Play, standin: Standin) -> None:
    standin.fault("cloudformation:CreateStack", "ValidationError", message=f"Template error near {SECRET}")
    run = play(**AWX)
    assert run.returncode != 0 and "Template error near ********" in run.output and SECRET not in run.output


def test_a_call_that_iam_refuses_is_named(play: Play, standin: Standin) -> None:
    standin.deny("cloudformation:CreateStack")
    assert "not authorized to perform: cloudformation:CreateStack" in play(**AWX).output
