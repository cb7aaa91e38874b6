# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs cfn-lint over the shipped CloudFormation templates: as they are, and as each door and option renders them.

Needs ``tests`` on PYTHONPATH.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cfnlint.api import lint
from cfnlint.config import ManualArgs

from standin.stack_names import Place
from standin.stack_template import load, render

ROLES = Path(__file__).resolve().parents[2] / "roles"
ACCOUNT, REGION = "111122223333", "eu-west-1"
KEY = {"KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-1234-1234-1234-123456789012"}
MAIL = {"AlertEmail": "certificates@example.com"}
MEMBERS = {"OrganizationId": "o-1234567890", "MemberAccounts": "444455556666,777788889999"}
AWX = {"Endpoint": "https://awx.example.com/api/v2/job_templates/7/gitlab/"}
TOKEN = {"Secret": "x" * 40}
SECRET = {"SecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:awx-AbCdEf", "SecretKey": "token"}
PRIVATE = {
    "ResourceConfigurationArn": f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:resourceconfiguration/rcfg-0123456789abcdef0"
}
BUS = {"EventBusArn": f"arn:aws:events:{REGION}:444455556666:event-bus/default"}

BOUNDARY = {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/security/boundary"}

CONTROLLER = {"ControllerArn": f"arn:aws:iam::{ACCOUNT}:role/awx", "ExternalId": "an-external-id"}
ROLE = "arn:aws:iam::444455556666:role/certops"

STACKS: list[tuple[str, dict[str, str]]] = [
    ("hub.template", {"Door": "awx_webhook", **AWX, **TOKEN}),
    ("hub.template", {"Door": "awx_webhook", **AWX, **SECRET, **PRIVATE, **KEY, **MAIL, **MEMBERS, **BOUNDARY}),
    ("hub.template", {"Door": "awx_launch", **AWX, **TOKEN, **MAIL}),
    ("hub.template", {"Door": "awx_launch", **AWX, **SECRET, **PRIVATE, **KEY, **MEMBERS}),
    ("hub.template", {"Door": "sqs"}),
    ("hub.template", {"Door": "sqs", **KEY, **MAIL, **MEMBERS}),
    ("member.template", BUS),
    ("member.template", {**BUS, **KEY, **MAIL, **BOUNDARY}),
    ("account.template", {}),
    ("account.template", {"MemberRoles": f"{ROLE},{ROLE}-hosts", "Team": "web", "DomainNames": "*.example.com"}),
    ("account.template", {"ControllerArn": CONTROLLER["ControllerArn"]}),
    ("account.template", {**CONTROLLER, "Team": "web", "DomainNames": "example.com,*.example.com"}),
    ("account.template", {**CONTROLLER, "HostTag": "Service", "PassphraseKeyArn": KEY["KmsKeyArn"]}),
    (
        "account.template",
        {"HostTag": "", "HostTagValues": "web,db", "EventBridgeStack": "", "SigningKeyArn": KEY["KmsKeyArn"]},
    ),
]


def templates() -> dict[str, Path]:
    """All shipped templates, by name."""
    return {path.name: path for path in sorted(ROLES.glob("*/files/*.template"))}


def texts() -> Iterator[tuple[str, str]]:
    """What to look at, with a name for it."""
    for name, path in templates().items():
        yield name, path.read_text(encoding="utf-8")
    for name, parameters in STACKS:
        template = load(templates()[name].read_text(encoding="utf-8"))
        options = " ".join(parameters[key] if key == "Door" else key for key in parameters)
        yield f"{name} ({options})", json.dumps(render(template, parameters, Place("certops-acm", ACCOUNT, REGION)))


def main() -> int:
    """Print every finding and return the exit code."""
    found = [
        f"{name}: {match.rule.id} {match.message}"
        for name, text in texts()
        for match in lint(text, config=ManualArgs(regions=[REGION]))
    ]
    print("\n".join(found) or f"{len(STACKS)} stacks of {len(templates())} templates are well formed")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
