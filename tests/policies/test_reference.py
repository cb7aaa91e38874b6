# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every statement of every policy, in templates and on pages, against AWS's service authorization reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tools.lint_stacks import STACKS

from policies.documents import ACCOUNT, REGION, Policy, of_pages, of_stack, template
from policies.reference import mistakes
from standin.stack_names import Place
from standin.stack_template import resolve

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:certops-acm-t"


def everything() -> Iterator[Any]:
    for number, (name, parameters) in enumerate(STACKS):
        stack = resolve(template(name), parameters, Place("certops-acm", ACCOUNT, REGION))
        for policy in of_stack(f"{name} {number}", stack):
            yield pytest.param(policy, id=policy.name)
    for policy in of_pages():
        yield pytest.param(policy, id=policy.name)


@pytest.mark.parametrize("policy", list(everything()))
def test_aws_knows_what_a_policy_says(policy: Policy) -> None:
    found = [
        f"{statement.get('Sid')}: {mistake}"
        for statement in policy.document["Statement"]
        for mistake in mistakes(statement, policy.kind)
    ]
    assert found == []


def test_there_are_policies() -> None:
    assert len(list(everything())) > 60


def said(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statement", "phrase"),
    [
        (said("dynamodb:ReadItem", TABLE), "is no action"),
        (said("dynamodb:getitem", TABLE), "is no action"),
        (said("events:PutPermission", f"arn:aws:events:*:{ACCOUNT}:event-bus/default"), "never allowed"),
        (said("sns:Unsubscribe", TOPIC), "never allowed"),
        (said("dynamodb:GetItem", "*"), "on everything"),
        (said("dynamodb:GetItem", [TABLE, TOPIC]), "is no resource"),
        (said("sns:Publish", TABLE), "takes"),
        (said("dynamodb:GetItem", f"arn:aws:dynamodb::{ACCOUNT}:table/t"), "takes"),
        (said("iam:GetRole", f"arn:aws:iam:{REGION}:{ACCOUNT}:role/r"), "takes"),
        (
            said(
                "iam:TagRole",
                f"arn:aws:iam::{ACCOUNT}:role/r",
                Condition={"Null": {"iam:PermissionsBoundary": "false"}},
            ),
            "knows no",
        ),
        (said("sns:Publish", TOPIC, Condition={"StringEquals": {"aws:RequestTag/Role": "web"}}), "knows no"),
        (said("sns:Publish", TOPIC, Condition={"StringEquals": {"aws:SourceAcount": ACCOUNT}}), "knows no"),
        (
            said(
                "events:PutRule",
                f"arn:aws:events:*:{ACCOUNT}:rule/r",
                Condition={"StringEquals": {"events:source": "aws.acm"}},
            ),
            "several values",
        ),
        (
            said(
                "acm:ExportCertificate",
                f"arn:aws:acm:*:{ACCOUNT}:certificate/*",
                Condition={"ForAllValues:StringLike": {"acm:DomainNames": "a"}},
            ),
            "add Null",
        ),
        (
            said("sns:Publish", TOPIC, Condition={"ForAllValues:StringEquals": {"aws:SourceAccount": ACCOUNT}}),
            "one value",
        ),
    ],
)
def test_a_wrong_statement_is_found(statement: dict[str, Any], phrase: str) -> None:
    assert any(phrase in mistake for mistake in mistakes(statement, "identity"))
