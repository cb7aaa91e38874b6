# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small site to attack: real playbooks, a real install, no network."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integration.playbook import PlaybookRun, run_playbook

from ansible_collections.certops.acm.plugins.module_utils.inventory_table import TableOptions, ensure_table
from standin.accounts import DEFAULT_ACCOUNT
from standin.client import Standin

ROOT = Path(__file__).resolve().parents[2]
TABLE = "certops-acm-inventory"


class Site:
    """An account, a certificate ``arn``, and hosts; each host that is deployed to is a directory of this machine."""

    def __init__(self, aws: Standin, directory: Path) -> None:
        self.aws = aws
        self.directory = directory
        self.arn = aws.request("shop.example.com")
        ensure_table(aws.client("dynamodb"), TABLE, TableOptions())
        self.web = self.instance(Name="web1", Role="web")

    def instance(self, **tags: str) -> str:
        """Run an instance with tags; what the shipped host inventory calls it."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        specification = [{"ResourceType": "instance", "Tags": pairs}]
        ec2 = self.aws.client("ec2")
        made = ec2.run_instances(ImageId="ami-03cf127a", MinCount=1, MaxCount=1, TagSpecifications=specification)
        identifier = str(made["Instances"][0]["InstanceId"])
        return f"{tags['Name']}_{identifier}" if "Name" in tags else identifier

    def write(self, name: str, content: Any) -> Path:
        """Write a file of JSON, which is YAML, too."""
        path = self.directory / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    @property
    def here(self) -> dict[str, Any]:
        """Variables that make each host this machine. They win over all that a host inventory says."""
        return {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "certops_become": False}

    def play(
        self, playbook: str, *arguments: str, inventory: str | Path = "", extra_vars: Mapping[str, Any] | None = None
    ) -> PlaybookRun:
        """Play one of the collection's playbooks."""
        return run_playbook(
            None,
            self.aws.env,
            playbook=f"certops.acm.{playbook}",
            inventory=inventory or ROOT / "inventory" / "aws_ec2.yml",
            extra_vars={**self.here, **(extra_vars or {})},
            arguments=arguments,
        )

    def deploy(self, *arguments: str, inventory: str | Path = "", **variables: Any) -> PlaybookRun:
        """Play certops.acm.deploy for the hosts that carry Role=web; a variable of None is not given."""
        wanted = {
            "certificate_arn": self.arn,
            "certificate_name": "shop",
            "target_tag_key": "Role",
            "target_tag_value": "web",
            "target_account": DEFAULT_ACCOUNT,
            "service": "file",
            "certificate_options": {"root": str(self.directory / "acm")},
        }
        given = {name: value for name, value in {**wanted, **variables}.items() if value is not None}
        return self.play("deploy", *arguments, inventory=inventory, extra_vars=given)

    def item(self, sort_key: str, **attributes: Any) -> None:
        """Write an item into the inventory table behind the collection's back."""
        client = self.aws.client("dynamodb")
        item = {"pk": {"S": self.arn}, "sk": {"S": sort_key}, **{key: _typed(one) for key, one in attributes.items()}}
        client.put_item(TableName=TABLE, Item=item)

    def items(self) -> list[dict[str, Any]]:
        """Return the items of the inventory table in DynamoDB's notation."""
        return list(self.aws.client("dynamodb").scan(TableName=TABLE, ConsistentRead=True)["Items"])

    def served(self) -> str:
        """Return the fingerprint of the version that is live on the host."""
        live = self.directory / "acm" / "shop" / "live"
        return live.readlink().name if live.is_symlink() else ""


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"M": {key: _typed(entry) for key, entry in value.items()}}
    if isinstance(value, list):
        return {"L": [_typed(entry) for entry in value]}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}
