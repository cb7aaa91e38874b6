# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack of an account: the controller gets what the page of IAM policies says, through its own two roles."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from standin.stack_names import Place
from standin.stack_template import Stack, TemplateError, load, resolve

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles/aws_foundation"
TEMPLATE = (ROLE / "files/account.template").read_text(encoding="utf-8")
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
CONTROLLER = "arn:aws:iam::111122223333:role/awx"
MEMBER = "arn:aws:iam::444455556666:role/certops"


def made(account: str, **parameters: str) -> Stack:
    return resolve(load(TEMPLATE), parameters, Place("certops-acm-access", account, "eu-west-1"))


def statements(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def page(sid: str) -> dict[str, Any]:
    """A statement of the page of IAM policies."""
    text = (ROOT / "docs/iam.md").read_text(encoding="utf-8")
    found = [json.loads(block)["Statement"] for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    return next(statement for listed in found for statement in listed if statement.get("Sid") == sid)


def test_a_member_lets_the_controller_in_and_nobody_else() -> None:
    stack = made("444455556666", ControllerArn=CONTROLLER, ExternalId="the-id")
    role, hosts = (stack.resources[name]["Properties"] for name in ("MemberRole", "HostsRole"))
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": CONTROLLER}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "the-id"}}
    assert (role["RoleName"], hosts["RoleName"]) == ("certops", "certops-hosts")
    assert hosts["ManagedPolicyArns"] == [stack.outputs["HostsPolicyArn"]], "it sees instances, and nothing else"
    assert set(statements(stack.resources["HostsPolicy"]["Properties"])) == {"SeeInstances"}
    deploying = {"DeployerPolicyArn", "PermissionsBoundaryArn"}
    assert set(stack.outputs) - deploying == {"CertificatesPolicyArn", "HostsPolicyArn", "RoleArn", "HostsRoleArn"}
    assert stack.outputs["RoleArn"] == MEMBER


def test_the_controllers_own_account_has_the_inventory_and_no_role() -> None:
    stack = made("111122223333", MemberRoles=f"{MEMBER},{MEMBER}-hosts")
    assert stack.of_type("AWS::IAM::Role") == {}
    said = statements(stack.resources["ControllerPolicy"]["Properties"])
    assert said["WorkInOtherAccounts"]["Resource"] == [MEMBER, f"{MEMBER}-hosts"]
    assert sorted(said["UseInventory"]["Action"]) == sorted(page("UseInventory")["Action"])
    alone = statements(made("111122223333").resources["ControllerPolicy"]["Properties"])
    assert set(alone) == {"UseInventory"}


def test_certificates_are_narrowed_by_name_and_tag() -> None:
    narrow = {"DomainNames": "example.com,*.example.com", "Team": "web"}
    stack = made("111122223333", **narrow)
    said = statements(stack.resources["CertificatesPolicy"]["Properties"])
    assert said["ExportCertificates"] == page("ExportCertificates")
    open_to_all = statements(made("444455556666").resources["CertificatesPolicy"]["Properties"])["ExportCertificates"]
    assert "StringEquals" not in open_to_all["Condition"]
    for sid, statement in said.items():
        assert statement["Resource"] != "*" or sid == "ListCertificates"
        assert "*" not in json.dumps(statement["Action"])


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, {"StringLike": {"aws:RequestTag/Role": ["*"]}}),
        ({"HostTagValues": "web,edge web"}, {"StringLike": {"aws:RequestTag/Role": ["web", "edge web"]}}),
        ({"HostTag": "Service"}, {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Service"]}}),
        ({"HostTag": ""}, None),
    ],
)
@pytest.mark.parametrize("side", [{}, {"ControllerArn": CONTROLLER}], ids=["controller", "member"])
def test_a_secret_is_made_with_the_tag_of_its_hosts(
    given: dict[str, str], asked: dict[str, Any] | None, side: dict[str, str]
) -> None:
    said = statements(made("444455556666", **side, **given).resources["CertificatesPolicy"]["Properties"])
    assert said["MakeTaggedSecrets"]["Action"] == "secretsmanager:CreateSecret"
    assert said["MakeTaggedSecrets"].get("Condition") == asked
    allowed = [sid for sid, statement in said.items() if "secretsmanager:CreateSecret" in statement["Action"]]
    assert allowed == ["MakeTaggedSecrets"]


def test_each_role_has_a_path_and_a_boundary() -> None:
    """Not the path below which whoever deploys the EventBridge stacks may change roles."""
    stack = made("444455556666", ControllerArn=CONTROLLER)
    bounds = {
        name: (role["Path"], role["PermissionsBoundary"]) for name, role in stack.of_type("AWS::IAM::Role").items()
    }
    outputs = stack.outputs
    assert bounds == {
        "MemberRole": ("/", outputs["CertificatesPolicyArn"]),
        "HostsRole": ("/", outputs["HostsPolicyArn"]),
    }


def test_the_controller_checks_signatures_and_another_makes_them() -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
    stack = made("111122223333", SigningKeyArn=key)
    controller, signer = (
        statements(stack.resources[name]["Properties"]) for name in ("ControllerPolicy", "SigningPolicy")
    )
    assert controller["CheckSignatures"]["Action"] == "kms:GetPublicKey"
    assert signer["SignTargets"]["Action"] == "kms:Sign" and signer["SignTargets"]["Resource"] == key
    assert "kms:Sign" not in json.dumps(controller)
    member = made("444455556666", ControllerArn=CONTROLLER, SigningKeyArn=key)
    assert "SigningPolicyArn" in stack.outputs and "SigningPolicyArn" not in member.outputs


def test_what_deploys_is_made_where_it_is_wanted() -> None:
    deploying = {"DeployerPolicyArn", "HubDeployerPolicyArn", "PermissionsBoundaryArn"}
    assert deploying <= set(made("111122223333").outputs)
    assert deploying.isdisjoint(made("111122223333", EventBridgeStack="").outputs)
    other = json.dumps(made("111122223333", EventBridgeStack="mine").resources["DeployerPolicy"])
    assert ":stack/mine/*" in other and "certops-acm-*" not in other


@pytest.mark.parametrize(
    "wrong", [{"ControllerArn": "111122223333"}, {"ExternalId": "x"}, {"RoleName": "a b"}, {"EventBridgeStack": "a*"}]
)
def test_what_is_wrong_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(TemplateError, match="must be"):
        made("444455556666", **wrong)


def test_defaults_specs_and_page_agree() -> None:
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    assert {name: rules["default"] for name, rules in options.items()} == DEFAULTS
    readme, guide = ((ROOT / path).read_text() for path in ("roles/aws_foundation/README.md", "docs/accounts.md"))
    named = [
        set(re.findall(r"\baws_foundation_[a-z_]+[a-z]\b", page)) - {"aws_foundation_outputs"}
        for page in (readme, guide)
    ]
    assert named[0] == set(DEFAULTS) and named[1] <= set(DEFAULTS)
