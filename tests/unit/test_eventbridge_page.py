# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page about EventBridge: its policies are policies, and what it names is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery import HUB

ROOT = HUB.parents[3]
PAGE = (ROOT / "docs/eventbridge.md").read_text(encoding="utf-8")
DOORS = {name: (ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("awx_webhook", "awx_launch", "sqs")}
ALL = "\n".join([PAGE, *DOORS.values()])
README = (ROOT / "roles/eventbridge/README.md").read_text(encoding="utf-8")
DEFAULTS = yaml.safe_load((ROOT / "roles/eventbridge/defaults/main.yml").read_text(encoding="utf-8"))
SPECS = yaml.safe_load((ROOT / "roles/eventbridge/meta/argument_specs.yml").read_text(encoding="utf-8"))[
    "argument_specs"
]


def statements() -> Iterator[dict[str, Any]]:
    for text in re.findall(r"```json\n(.*?)```", ALL, re.DOTALL):
        yield from json.loads(text)["Statement"]


def test_policies_are_narrow() -> None:
    """Which actions have no resource to name is tested in tests/policies."""
    said = {statement["Sid"]: statement for statement in statements()}
    everything = {
        sid for sid, statement in said.items() if statement["Resource"] == "*" and "Principal" not in statement
    }
    assert len(said) > 8
    assert everything == {"EndSubscriptions", "LetMembersForward", "TakeTheWay", "LetEventBridgeTakeIt"}
    assert not any("*" in json.dumps(statement["Action"]) for statement in said.values())


def test_rules_reach_a_topic_under_a_key_of_ones_own() -> None:
    """SNS: source conditions in a key policy are not supported for EventBridge; nothing arrives, and nobody says so."""
    (statement,) = [statement for statement in statements() if statement["Sid"] == "RulesToTopic"]
    assert "aws:Source" not in json.dumps(statement)


def test_variables_on_the_pages_are_those_of_the_role() -> None:
    named = set(re.findall(r"\beventbridge_[a-z_]+[a-z]\b", ALL + README)) - {"eventbridge_outputs"}
    assert named <= set(DEFAULTS)
    assert {name for name in DEFAULTS if name not in README} <= {"eventbridge_secret_key", "eventbridge_secret_version"}


def test_defaults_and_argument_specs_agree() -> None:
    told: dict[str, Any] = SPECS["main"]["options"] | SPECS["member"]["options"]
    assert set(told) == set(DEFAULTS)
    for name, rules in told.items():
        if "{{" not in str(DEFAULTS[name]):
            assert rules["default"] == DEFAULTS[name], name


def test_door_and_playbooks_are_named() -> None:
    for playbook in ("setup_eventbridge", "setup_eventbridge_member", "renew"):
        assert f"certops.acm.{playbook}" in ALL and (ROOT / f"playbooks/{playbook}.yml").is_file()


@pytest.mark.parametrize("door", DOORS)
def test_the_page_of_a_door_stands_alone(door: str) -> None:
    page = DOORS[door]
    [written] = [
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "eventbridge_" in text
    ]
    assert set(written) <= set(DEFAULTS) and written.get("eventbridge_door", DEFAULTS["eventbridge_door"]) == door
    for heading in ("Try it", "IAM", "When it fails"):
        assert re.search(rf"^## .*{heading}$", page, re.MULTILINE), heading
    assert re.match(r"# .*\n\n.+?```\n.*ACM .*EventBridge", page, re.DOTALL), "a picture comes first"
    played = re.findall(r"certops\.acm\.(\w+)", page)
    assert {"setup_eventbridge", "doctor", "setup_account", "renew"} <= set(played)
    for name in re.findall(r"ansible-playbook certops\.acm\.(\w+)", page):
        assert (ROOT / f"playbooks/{name}.yml").is_file()


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            name, _hash, anchor = link.partition("#")
            to = (page.parent / name).resolve() if name else page
            assert to.exists(), link
            assert not anchor or anchor in anchors(to), link
