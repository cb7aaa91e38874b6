# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what: IAM's answers, by a simulator of it, to a table of requests and of ways to become more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from unit.eventbridge import TEMPLATES, hub

from delivery import MEMBER
from policies.documents import ACCOUNT, CONTROLLER_ROLE, OTHER, REGION, document
from policies.packages import evaluate
from policies.rights import CASES, STAR, WHO, Case, Who
from standin.stack_names import Place
from standin.stack_template import Stack, resolve

OF_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
KEY_POLICY = {"Version": "2012-10-17", "Statement": [OF_ACCOUNT]}
"""AWS's default, without which no identity may use a key whatever its policies say."""


def request(who: Who, action: str, resource: str, context: dict[str, Any], trust: Any = None) -> dict[str, Any]:
    tag = {"aws:PrincipalTag/Role": who.tag} if who.tag else {}
    return {
        "action": action,
        "resource": resource,
        "account": resource.split(":")[4] if resource.count(":") > 4 and resource.split(":")[4] else who.account,
        "principal": f"arn:aws:iam::{who.account}:role/somebody",
        "context": {**context, **tag},
        "policies": who.policies,
        "boundary": who.boundary,
        "trust": KEY_POLICY if action.startswith("kms:") else trust,
    }


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """IAM's answers to all cases, from one process."""
    return evaluate([request(WHO[who], action, resource, said) for who, action, resource, said, _yes in CASES])


@pytest.mark.parametrize(
    ("number", "case"),
    list(enumerate(CASES)),
    ids=[f"{who}: {action} {'yes' if yes else 'no'}" for who, action, *_, yes in CASES],
)
def test_iam_answers(answers: list[dict[str, Any]], number: int, case: Case) -> None:
    answer = answers[number]
    assert "error" not in answer, answer
    assert answer["ignored"] == [], "a key that the action does not have makes a case say nothing"
    assert (answer["result"] == "Allowed") is case[-1], answer["result"]


def forwarding() -> Stack:
    """A member that forwards to the hub."""
    bus = {"EventBusArn": hub().outputs["EventBusArn"]}
    return resolve(TEMPLATES[MEMBER], bus, Place("certops-acm-member", OTHER, REGION))


def what_stacks_ask() -> Iterator[tuple[str, dict[str, Any]]]:
    """What CloudFormation asks for a deployer, and EventBridge for a role, of what the templates really make."""
    stacks = (hub("awx_webhook"), "deployer"), (hub("sqs"), "deployer"), (forwarding(), "deployer of a member")
    for stack, who in stacks:
        deployer = WHO[who]
        for name, role in stack.of_type("AWS::IAM::Role").items():
            arn, bounded = stack.attribute(name, "Arn"), {"iam:PermissionsBoundary": role["PermissionsBoundary"]}
            for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRole"):
                yield name, request(deployer, action, arn, bounded)
            given = {"iam:PassedToService": "events.amazonaws.com"}
            yield name, request(deployer, "iam:PassRole", arn, given)
        for name, rule in stack.of_type("AWS::Events::Rule").items():
            aimed = {"events:TargetArn": [target["Arn"] for target in rule["Targets"]]}
            for action, said in (("events:PutRule", {}), ("events:PutTargets", aimed), ("events:DeleteRule", {})):
                yield name, request(deployer, action, stack.attribute(name, "Arn"), said)
        for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
            acting = {"cloudwatch:AlarmActions": [*alarm["AlarmActions"], *alarm["OKActions"]]}
            yield name, request(deployer, "cloudwatch:PutMetricAlarm", stack.attribute(name, "Arn"), acting)
        for kind, action, attribute in MADE:
            for name in stack.of_type(kind):
                yield name, request(deployer, action, stack.attribute(name, attribute), {})


MADE = [
    ("AWS::SQS::Queue", "sqs:CreateQueue", "Arn"),
    ("AWS::SNS::Topic", "sns:CreateTopic", "TopicArn"),
    ("AWS::Events::Connection", "events:CreateConnection", "Arn"),
    ("AWS::Events::ApiDestination", "events:CreateApiDestination", "Arn"),
]


def test_who_deploys_may_make_all_that_the_stacks_hold() -> None:
    asked = list(what_stacks_ask())
    assert len(asked) > 30
    answers = evaluate([made for _name, made in asked])
    refused = [
        (name, made["action"], made["resource"], answer)
        for (name, made), answer in zip(asked, answers, strict=True)
        if answer.get("result") != "Allowed"
    ]
    assert refused == []


@pytest.mark.parametrize("who", ["bounded role", "bounded role of a member"])
def test_the_boundary_leaves_the_roles_of_the_stacks_what_they_do(who: str) -> None:
    stack = hub("awx_webhook") if who == "bounded role" else forwarding()
    [role] = stack.of_type("AWS::IAM::Role").values()
    [inline] = role["Policies"]
    [statement] = inline["PolicyDocument"]["Statement"]
    said: dict[str, Any] = {"events:source": ["aws.acm"]} if statement["Action"] == "events:PutEvents" else {}
    own = WHO[who]._replace(policies=[inline["PolicyDocument"]])
    policy = None
    if said:
        said["events:eventBusInvocation"] = "true"
        bus = hub(MemberAccounts=OTHER).resources["AccountsPolicy"]["Properties"]["Statement"]
        policy = {"Version": "2012-10-17", "Statement": [bus]}
    [answer] = evaluate([request(own, statement["Action"], statement["Resource"], said, policy)])
    assert answer == {"result": "Allowed", "ignored": []}


TRUST = document("member/MemberRole trust")
CERTOPS = f"arn:aws:iam::{OTHER}:role/certops"
STRANGER = f"arn:aws:iam::{ACCOUNT}:role/stranger"


@pytest.mark.parametrize(
    ("principal", "said", "allowed"),
    [
        (CONTROLLER_ROLE, {"sts:ExternalId": "a-long-text-of-yours"}, True),
        (CONTROLLER_ROLE, {"sts:ExternalId": "another"}, False),
        (CONTROLLER_ROLE, {}, False),
        (STRANGER, {"sts:ExternalId": "a-long-text-of-yours"}, False),
    ],
)
def test_a_member_lets_the_controller_in_that_knows_the_id(principal: str, said: dict[str, str], allowed: bool) -> None:
    policies = [document("controller/ControllerPolicy")] if principal == CONTROLLER_ROLE else [STAR]
    asked = {**request(Who(policies), "sts:AssumeRole", CERTOPS, said, TRUST), "principal": principal}
    [answer] = evaluate([asked])
    assert (answer["result"] == "Allowed") is allowed and answer["ignored"] == []


@pytest.mark.parametrize(
    ("rule", "account", "allowed"),
    [
        ("certops-acm-renewals", ACCOUNT, True),
        ("certops-acm-mine", ACCOUNT, False),
        ("certops-acm-renewals", OTHER, False),
    ],
)
def test_only_its_own_rule_works_with_the_role_of_a_stack(rule: str, account: str, allowed: bool) -> None:
    made = hub("awx_webhook")
    trust = made.resources["DeliveryRole"]["Properties"]["AssumeRolePolicyDocument"]
    source = {"aws:SourceAccount": account, "aws:SourceArn": f"arn:aws:events:{REGION}:{account}:rule/{rule}"}
    asked = request(Who([]), "sts:AssumeRole", made.attribute("DeliveryRole", "Arn"), source, trust)
    [answer] = evaluate([{**asked, "principal": "events.amazonaws.com"}])
    assert (answer["result"] == "Allowed") is allowed and answer["ignored"] == []


@pytest.mark.parametrize(
    ("source", "forwarded", "known", "allowed"),
    [
        ("aws.acm", "true", OTHER, True),
        ("aws.health", "true", OTHER, True),
        ("certops.acm", "true", OTHER, False),
        ("aws.acm", "false", OTHER, False),
        ("aws.acm", "true", "777788889999", False),
    ],
)
def test_the_hub_takes_what_rules_of_members_forward(source: str, forwarded: str, known: str, allowed: bool) -> None:
    stack = hub(MemberAccounts=known)
    policy = {"Version": "2012-10-17", "Statement": [stack.resources["AccountsPolicy"]["Properties"]["Statement"]]}
    said = {"events:source": [source], "events:eventBusInvocation": forwarded}
    asked = request(WHO["bounded role of a member"], "events:PutEvents", stack.outputs["EventBusArn"], said, policy)
    [answer] = evaluate([asked])
    assert (answer["result"] == "Allowed") is allowed and answer["ignored"] == []
