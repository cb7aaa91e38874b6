# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped CloudFormation templates: what cfn-lint cannot know about them.

Which events they match, who may do what, and that nothing is lost or left open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from delivery import HUB, MEMBER
from delivery.patterns import PatternError, matches
from delivery.samples import NAMES, sample
from standin.stack_names import Place
from standin.stack_template import Stack, TemplateError, load, resolve

ACCOUNT, REGION = "111122223333", "eu-west-1"
HOME = Place("certops-acm", ACCOUNT, REGION)
AWX = {"Endpoint": "https://awx.example.com/api/v2/job_templates/7/gitlab/", "Secret": "a-webhook-key"}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
TEMPLATES = {path: load(path.read_text(encoding="utf-8")) for path in (HUB, MEMBER)}
DOORS = {"awx_webhook": AWX, "awx_launch": AWX, "sqs": {}}
EVENTS = {name: sample(name) for name in NAMES}
RENEWALS = {name for name in EVENTS if name.startswith(("available-", "health-"))}
TEST_EVENT = {"source": "certops.acm", "detail-type": "certops.acm Test", "detail": {}}


def hub(door: str = "awx_webhook", **parameters: str) -> Stack:
    return resolve(TEMPLATES[HUB], {"Door": door, **DOORS[door], **parameters}, HOME)


def member(**parameters: str) -> Stack:
    bus = f"arn:aws:events:{REGION}:444455556666:event-bus/default"
    return resolve(TEMPLATES[MEMBER], {"EventBusArn": bus, **parameters}, HOME)


def every_stack() -> list[Any]:
    """Each template and door, plain and with all options."""
    options = {"KmsKeyArn": KEY, "AlertEmail": "certificates@example.com"}
    members = {"OrganizationId": "o-1234567890", "MemberAccounts": "444455556666"}
    plain = [pytest.param(hub(door), id=door) for door in DOORS]
    full = [pytest.param(hub(door, **options, **members), id=f"{door}-options") for door in DOORS]
    return [*plain, *full, pytest.param(member(), id="member"), pytest.param(member(**options), id="member-options")]


on_each = pytest.mark.parametrize("stack", every_stack())


def pattern(stack: Stack, rule: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.resources[rule]["Properties"]["EventPattern"]
    return found


def targets(stack: Stack) -> Iterator[dict[str, Any]]:
    for rule in stack.of_type("AWS::Events::Rule").values():
        yield from rule["Targets"]


def changed(name: str, **fields: Any) -> dict[str, Any]:
    return {**EVENTS[name], **fields}


# What the rules match


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_each_documented_event_takes_one_way(name: str) -> None:
    assert matches(pattern(hub(), "RenewalRule"), EVENTS[name]) == (name in RENEWALS)
    assert matches(pattern(hub(), "AlertRule"), EVENTS[name]) == (name not in RENEWALS)
    assert matches(pattern(member(), "ForwardRule"), EVENTS[name])


def test_the_test_event_is_matched_where_runs_start() -> None:
    assert matches(pattern(hub(), "RenewalRule"), TEST_EVENT)
    assert not matches(pattern(hub(), "AlertRule"), TEST_EVENT)


@pytest.mark.parametrize(
    "event",
    [
        changed("available-renewal-bool", source="com.example"),
        changed("available-renewal-bool", **{"detail-type": "ACM Certificate Deleted"}),
        changed("available-renewal-bool", detail={"Action": "IMPORT"}),
        changed("available-renewal-bool", detail={}),
        changed("expired", source="aws.health"),
        changed("health-renewal-state-change", detail={"service": "EC2", "eventTypeCode": "AWS_EC2_ISSUE"}),
        changed("health-renewal-state-change", source="aws.acm"),
        {"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}},
        {},
    ],
)
def test_foreign_events_are_left_alone(event: dict[str, Any]) -> None:
    assert not any(matches(pattern(hub(), rule), event) for rule in ("RenewalRule", "AlertRule"))


@pytest.mark.parametrize("field", [{"account": "444455556666"}, {"region": "us-east-1"}])
def test_a_member_forwards_only_what_happened_there(field: dict[str, str]) -> None:
    assert not matches(pattern(member(), "ForwardRule"), changed("expired", **field))


@pytest.mark.parametrize("wrong", [{}, {"source": "aws.acm"}, {"source": [{"prefix": "aws"}]}, {"$or": [{"a": [1]}]}])
def test_a_pattern_that_is_not_understood_never_matches(wrong: dict[str, Any]) -> None:
    with pytest.raises(PatternError):
        matches(wrong, EVENTS["expired"])


# What the targets are sent


def test_each_door_gets_what_it_understands() -> None:
    launch = next(target for target in targets(hub("awx_launch")) if target["Id"] == "awx")
    assert launch["InputTransformer"] == {"InputTemplate": '{"extra_vars": {"acm_event": <aws.events.event.json>}}'}
    assert not any("InputTransformer" in target for door in ("awx_webhook", "sqs") for target in targets(hub(door)))


@pytest.mark.parametrize(
    ("door", "header", "value"),
    [("awx_webhook", "X-Gitlab-Token", "a-webhook-key"), ("awx_launch", "Authorization", "Bearer a-webhook-key")],
)
def test_the_connection_carries_the_header_of_its_door(door: str, header: str, value: str) -> None:
    (connection,) = hub(door).of_type("AWS::Events::Connection").values()
    assert connection["AuthParameters"] == {"ApiKeyAuthParameters": {"ApiKeyName": header, "ApiKeyValue": value}}


def test_a_secret_of_secrets_manager_is_referred_to() -> None:
    arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:awx-AbCdEf"
    stack = hub("awx_launch", Secret="", SecretArn=arn, SecretKey="token", SecretVersion="1-2-3")
    (connection,) = stack.of_type("AWS::Events::Connection").values()
    value = connection["AuthParameters"]["ApiKeyAuthParameters"]["ApiKeyValue"]
    assert value == f"Bearer {{{{resolve:secretsmanager:{arn}:SecretString:token::1-2-3}}}}"


def test_a_private_awx_is_reached_through_vpc_lattice() -> None:
    arn = f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:resourceconfiguration/rcfg-0123456789abcdef0"
    (connection,) = hub(ResourceConfigurationArn=arn).of_type("AWS::Events::Connection").values()
    assert connection["InvocationConnectivityParameters"] == {"ResourceParameters": {"ResourceConfigurationArn": arn}}


# Parameters


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"Endpoint": "http://awx.example.com/api/v2/job_templates/7/gitlab/"}, "must begin with https://"),
        ({"Endpoint": "https://awx.example.com/api/v2/job_templates/7/gitlab"}, "end with a slash"),
        ({"Endpoint": "none"}, "Endpoint is needed"),
        ({"Secret": ""}, "Secret or SecretArn is needed"),
        ({"InvocationRate": "0"}, "InvocationRate"),
        ({"MaximumRetries": "186"}, "MaximumRetries"),
        ({"OrganizationId": "*"}, "id of an organization"),
        ({"Door": "email"}, "Door"),
        ({"Unknown": "x"}, "do not exist"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, str], reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        hub(**{"door": "awx_webhook", **parameters} if "Door" not in parameters else {**parameters, "door": "sqs"})


def test_only_the_secret_is_hidden_and_it_has_no_default() -> None:
    hidden = {name: rules for name, rules in TEMPLATES[HUB]["Parameters"].items() if rules.get("NoEcho")}
    assert list(hidden) == ["Secret"] and hidden["Secret"]["Default"] == ""


# Nothing is lost, nothing is open


@on_each
def test_every_target_has_a_dead_letter_queue_that_takes_its_events(stack: Stack) -> None:
    queue = stack.attribute("DeadLetterQueue", "Arn")
    (statement,) = stack.resources["DeadLetterQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    rules = {stack.attribute(name, "Arn") for name in stack.of_type("AWS::Events::Rule")}
    listed = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {target["DeadLetterConfig"]["Arn"] for target in targets(stack)} == {queue} == {statement["Resource"]}
    assert set(listed if isinstance(listed, list) else [listed]) == rules
    assert statement["Action"] == "sqs:SendMessage"


@on_each
def test_what_waits_in_the_dead_letter_queue_is_told_to_somebody(stack: Stack) -> None:
    alarm = stack.resources["DeadLetterAlarm"]["Properties"]
    assert alarm["AlarmActions"] == [stack.attribute("AlertTopic")]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": stack.attribute("DeadLetterQueue", "QueueName")}]
    said = stack.resources["AlertTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    alarms = {stack.attribute(name, "Arn") for name in stack.of_type("AWS::CloudWatch::Alarm")}
    (statement,) = [line for line in said if line["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
    listed = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert set(listed if isinstance(listed, list) else [listed]) == alarms


def test_retries_are_as_asked() -> None:
    stack = hub(MaximumEventAge="3600", MaximumRetries="7")
    for target in targets(stack):
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": "3600", "MaximumRetryAttempts": "7"}


@on_each
def test_queues_are_encrypted_and_topics_with_the_key_that_was_given(stack: Stack) -> None:
    key = stack.parameters["KmsKeyArn"]
    for queue in stack.of_type("AWS::SQS::Queue").values():
        encryption = {name: queue[name] for name in ("KmsMasterKeyId", "SqsManagedSseEnabled") if name in queue}
        assert encryption == ({"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True})
    for kind, name in (("AWS::SNS::Topic", "KmsMasterKeyId"), ("AWS::Events::Connection", "KmsKeyIdentifier")):
        for properties in stack.of_type(kind).values():
            assert properties.get(name, "") == key


@on_each
def test_each_role_may_do_one_thing(stack: Stack) -> None:
    allowed = {
        name: [
            (line["Effect"], line["Action"], line["Resource"])
            for policy in role["Policies"]
            for line in policy["PolicyDocument"]["Statement"]
        ]
        for name, role in stack.of_type("AWS::IAM::Role").items()
    }
    if "ForwardRule" in stack.resources:
        assert allowed == {"ForwardRole": [("Allow", "events:PutEvents", stack.parameters["EventBusArn"])]}
    elif "Destination" in stack.resources:
        destination = stack.attribute("Destination", "Arn")
        assert allowed == {"DeliveryRole": [("Allow", "events:InvokeApiDestination", destination)]}
    else:
        assert allowed == {}


@on_each
def test_each_role_serves_one_rule_of_this_account(stack: Stack) -> None:
    for name, role in stack.of_type("AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        rule = stack.attribute("RenewalRule" if name == "DeliveryRole" else "ForwardRule", "Arn")
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Condition"] == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnEquals": {"aws:SourceArn": rule},
        }


@on_each
def test_targets_that_need_a_role_have_it(stack: Stack) -> None:
    for target in targets(stack):
        assert ("RoleArn" in target) == (target["Arn"].split(":")[2] == "events")


@on_each
def test_no_policy_is_open(stack: Stack) -> None:
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        for policy in stack.of_type(kind).values():
            for line in policy["PolicyDocument"]["Statement"]:
                assert line["Principal"] != "*" and "*" not in line["Action"] and line["Condition"]["ArnEquals"]


def test_the_bus_is_closed_unless_members_are_named() -> None:
    assert hub().of_type("AWS::Events::EventBusPolicy") == {}


def test_the_bus_takes_only_what_rules_of_members_forward() -> None:
    stack = hub(OrganizationId="o-1234567890", MemberAccounts="444455556666,777788889999")
    policies = stack.of_type("AWS::Events::EventBusPolicy")
    for policy in policies.values():
        statement = policy["Statement"]
        assert statement["Action"] == "events:PutEvents" and statement["Resource"] == stack.outputs["EventBusArn"]
        assert statement["Condition"]["Bool"] == {"events:eventBusInvocation": True}
        assert statement["Condition"]["ForAllValues:StringEquals"] == {"events:source": ["aws.acm", "aws.health"]}
    organization = policies["OrganizationPolicy"]["Statement"]
    assert organization["Condition"]["StringEquals"] == {"aws:PrincipalOrgID": "o-1234567890"}
    assert policies["AccountsPolicy"]["Statement"]["Principal"] == {"AWS": ["444455556666", "777788889999"]}


def test_the_queue_gives_a_message_up_to_the_dead_letter_queue() -> None:
    stack = hub("sqs", VisibilityTimeout="900")
    queue = stack.resources["Queue"]["Properties"]
    dead_letters = stack.attribute("DeadLetterQueue", "Arn")
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 5}
    assert queue["VisibilityTimeout"] == "900"
    assert stack.resources["BacklogAlarm"]["Properties"]["Threshold"] == "900"
