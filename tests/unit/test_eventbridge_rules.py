# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped CloudFormation templates: which events they match, what is sent, which parameters they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from unit.eventbridge import ACCOUNT, REGION, TEMPLATES, hub, member, targets

from delivery import HUB
from delivery.patterns import PatternError, matches
from delivery.samples import NAMES, sample
from standin.stack_template import Stack, TemplateError

EVENTS = {name: sample(name) for name in NAMES}
RENEWALS = {name for name in EVENTS if name.startswith(("available-", "health-"))}
TEST_EVENT = {"source": "certops.acm", "detail-type": "certops.acm Test", "detail": {}}


def pattern(stack: Stack, rule: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.resources[rule]["Properties"]["EventPattern"]
    return found


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
