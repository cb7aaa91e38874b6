# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call a gateway can make is on the page of IAM policies, and every policy there is one."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/iam.md").read_text(encoding="utf-8")
SOURCES = REPOSITORY / "plugins/module_utils"
HOST_INVENTORY = {"ec2:DescribeInstances", "ec2:DescribeRegions"}  # called by amazon.aws


def calls() -> set[str]:
    """The actions of all decorated functions, found in the source."""
    found = set()
    services: dict[str, str] = {}
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py")]
    for text in texts:
        services |= dict(re.findall(r'class (\w+)\(ServiceErrorHandler\):.*?SERVICE = "(\w+)"', text, re.DOTALL))
    for text in texts:
        for handler, operation in re.findall(r'@(\w+)\.call\("(\w+)"', text):
            found.add(f"{services[handler]}:{operation}")
    return found


def test_the_page_names_every_call() -> None:
    found = calls()
    assert len(found) > 25
    assert {action for action in found if action not in PAGE} == set()
    assert ServiceErrorHandler.SENTENCES == {}


def test_policies_name_actions_that_are_called() -> None:
    policies = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert len(policies) >= 8
    for policy in policies:
        for statement in policy["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                assert action in calls() | HOST_INVENTORY or action.startswith("kms:")
                assert "*" not in action
