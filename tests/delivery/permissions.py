# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may send where: the policies of a stack's queues, topics and bus. moto asks none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from standin.stack_template import Stack

Statement = Mapping[str, Any]


def rule_may_send(stack: Stack, resource_arn: str, rule_arn: str) -> bool:
    """Tell whether a rule may send to a queue or publish to a topic of the stack."""
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "events.amazonaws.com"}
        and statement["Action"] in ("sqs:SendMessage", "sns:Publish")
        and statement["Resource"] == resource_arn
        and rule_arn in _listed(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        for statement in _resource_statements(stack)
    )


def account_may_forward(stack: Stack, account: str, organization: str, event: Mapping[str, Any]) -> bool:
    """Tell whether a rule of another account may put an event on the default bus of the stack's account."""
    if account == stack.place.account:
        return True
    for policy in stack.of_type("AWS::Events::EventBusPolicy").values():
        statement = policy["Statement"]
        condition = statement["Condition"]
        member = organization and condition.get("StringEquals") == {"aws:PrincipalOrgID": organization}
        listed = statement["Principal"] != "*" and account in _listed(statement["Principal"]["AWS"])
        if (member or listed) and event["source"] in condition["ForAllValues:StringEquals"]["events:source"]:
            return True
    return False


def _resource_statements(stack: Stack) -> Iterator[Statement]:
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        for policy in stack.of_type(kind).values():
            yield from policy["PolicyDocument"]["Statement"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
