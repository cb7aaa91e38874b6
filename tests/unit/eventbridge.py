# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks of the shipped templates, resolved as CloudFormation does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from delivery import HUB, MEMBER
from standin.stack_names import Place
from standin.stack_template import Stack, load, resolve

ACCOUNT, REGION = "111122223333", "eu-west-1"
HOME = Place("certops-acm", ACCOUNT, REGION)
AWX = {"Endpoint": "https://awx.example.com/api/v2/job_templates/7/gitlab/", "Secret": "a-webhook-key"}
TEMPLATES = {path: load(path.read_text(encoding="utf-8")) for path in (HUB, MEMBER)}
DOORS = {"awx_webhook": AWX, "awx_launch": AWX, "sqs": {}}


def hub(door: str = "awx_webhook", **parameters: str) -> Stack:
    return resolve(TEMPLATES[HUB], {"Door": door, **DOORS[door], **parameters}, HOME)


def member(**parameters: str) -> Stack:
    bus = f"arn:aws:events:{REGION}:444455556666:event-bus/default"
    return resolve(TEMPLATES[MEMBER], {"EventBusArn": bus, **parameters}, HOME)


def targets(stack: Stack) -> Iterator[dict[str, Any]]:
    """The targets of all rules."""
    for rule in stack.of_type("AWS::Events::Rule").values():
        yield from rule["Targets"]
