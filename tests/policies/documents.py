# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All policies of the project: of the templates with examples as parameters, of ``on_pages.yml``, of the pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from standin.stack_names import Place
from standin.stack_template import Stack, load, resolve

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"
CONTROLLER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/awx"
MEMBER_ROLE = f"arn:aws:iam::{OTHER}:role/certops"
SIGNING_KEY = KEY.replace("12345678-", "87654321-", 1)
BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)

_NARROW = {"DomainNames": "example.com,*.example.com", "Team": "web", "HostTagValues": "web"}
_MEMBER = {"ControllerArn": CONTROLLER_ROLE, "ExternalId": "a-long-text-of-yours"}

# What the pages show: name of the stack, its account, and its parameters.
EXAMPLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "controller": (
        "account.template",
        ACCOUNT,
        {
            **_NARROW,
            "PassphraseKeyArn": KEY,
            "SigningKeyArn": SIGNING_KEY,
            "MemberRoles": f"{MEMBER_ROLE},{MEMBER_ROLE}-hosts",
        },
    ),
    "service": ("account.template", ACCOUNT, {"HostTag": "Service"}),
    "member": ("account.template", OTHER, {**_NARROW, **_MEMBER}),
}


class Policy(NamedTuple):
    """A policy document and where it stands. ``kind``: identity, trust, or resource (of a queue, a topic, a key)."""

    name: str
    kind: str
    document: dict[str, Any]


@cache
def template(name: str) -> dict[str, Any]:
    (path,) = ROOT.glob(f"roles/*/files/{name}")
    return load(path.read_text(encoding="utf-8"))


@cache
def example(name: str) -> Stack:
    """The stack of an example."""
    file, account, parameters = EXAMPLES[name]
    return resolve(template(file), parameters, Place("certops-acm-access", account, REGION))


def of_stack(name: str, stack: Stack) -> Iterator[Policy]:
    """Every policy that a stack makes."""
    for logical_id, body in stack.resources.items():
        properties, here = body["Properties"], f"{name}/{logical_id}"
        if body["Type"] == "AWS::IAM::ManagedPolicy":
            yield Policy(here, "identity", properties["PolicyDocument"])
        elif body["Type"] == "AWS::IAM::Role":
            yield Policy(f"{here} trust", "trust", properties["AssumeRolePolicyDocument"])
            for inline in properties.get("Policies", []):
                yield Policy(f"{here} {inline['PolicyName']}", "identity", inline["PolicyDocument"])
        elif body["Type"] in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            yield Policy(here, "resource", properties["PolicyDocument"])
        elif body["Type"] == "AWS::Events::EventBusPolicy":
            yield Policy(here, "resource", {"Version": "2012-10-17", "Statement": [properties["Statement"]]})


@cache
def on_pages() -> dict[str, dict[str, Any]]:
    """The policies that no template holds, by name."""
    told: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "on_pages.yml").read_text("utf-8"))
    return {name: {"Version": "2012-10-17", **body} for name, body in told.items()}


def document(name: str, sids: tuple[str, ...] = ()) -> dict[str, Any]:
    """A policy by the name it has on a page, with all of its statements or those with these Sids."""
    if "/" in name:
        stack, _slash, logical_id = name.partition("/")
        made = {policy.name.partition("/")[2]: policy.document for policy in of_stack(stack, example(stack))}
        found = made[logical_id]
    else:
        found = on_pages()[name]
    told = {statement["Sid"]: statement for statement in found["Statement"]}
    return {**found, "Statement": [told[sid] for sid in sids or told]}


def pages() -> list[Path]:
    """The Markdown that users read."""
    return sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")])


def of_pages() -> Iterator[Policy]:
    """Every policy that a page shows."""
    for path in pages():
        for number, text in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")), 1):
            if '"Statement"' in text:
                shown = json.loads(text)
                kind = _kind(shown)
                yield Policy(f"{path.relative_to(ROOT)} block {number}", kind, shown)


def _kind(shown: dict[str, Any]) -> str:
    if not any("Principal" in statement for statement in shown["Statement"]):
        return "identity"
    return "trust" if any(statement["Action"] == "sts:AssumeRole" for statement in shown["Statement"]) else "resource"
