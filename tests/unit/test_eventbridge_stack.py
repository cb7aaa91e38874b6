# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped CloudFormation templates: who may do what, and that nothing is lost or left open."""

from __future__ import annotations

from typing import Any

import pytest
from unit.eventbridge import ACCOUNT, DOORS, REGION, hub, member, targets

from standin.stack_template import Stack, TemplateError

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"


def every_stack() -> list[Any]:
    """Each template and door, plain and with all options."""
    bounded = {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/security/boundary"}
    options = {"KmsKeyArn": KEY, "AlertEmail": "certificates@example.com", **bounded}
    members = {"OrganizationId": "o-1234567890", "MemberAccounts": "444455556666"}
    plain = [pytest.param(hub(door), id=door) for door in DOORS]
    full = [pytest.param(hub(door, **options, **members), id=f"{door}-options") for door in DOORS]
    return [*plain, *full, pytest.param(member(), id="member"), pytest.param(member(**options), id="member-options")]


on_each = pytest.mark.parametrize("stack", every_stack())


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
def test_each_role_stands_below_a_path_and_a_boundary(stack: Stack) -> None:
    made = f"arn:aws:iam::{ACCOUNT}:policy/certops-acm/certops-acm-boundary"
    for role in stack.of_type("AWS::IAM::Role").values():
        assert role["Path"] == "/certops-acm/" and "RoleName" not in role
        assert role["PermissionsBoundary"] == (stack.parameters["PermissionsBoundaryArn"] or made)


@pytest.mark.parametrize("none", ["none", "arn:aws:iam::aws:policy/AdministratorAccess"])
def test_there_is_no_role_without_a_boundary_of_the_account(none: str) -> None:
    with pytest.raises(TemplateError, match="must be the ARN of a policy of an account"):
        member(PermissionsBoundaryArn=none)


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
        assert statement["Condition"]["Bool"] == {"events:eventBusInvocation": "true"}
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
