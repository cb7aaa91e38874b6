# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that is deployed, and the questions each fault is asked: is one clear message said, is all as it was."""

from __future__ import annotations

import json
import re
from typing import Any

from lab import TABLE, Lab, Run

NAME = "shop.example.com"
WEB = ("web1", "web2")


def served(site: Lab) -> dict[str, str]:
    return {host: site.served(host, NAME).fingerprint for host in WEB}


def must_serve(site: Lab, arn: str, name: str = NAME) -> None:
    """Both serve what ACM holds, and the chain verifies."""
    for host in WEB:
        seen = site.served(host, name)
        assert seen.verified, seen.text
        assert seen.fingerprint == site.fingerprint(arn)


def ended_well(run: Run) -> Run:
    assert run.returncode == 0, run.output
    assert "Traceback" not in run.output
    return run


def changed_on(run: Run, *hosts: str) -> int:
    """Tasks that changed one of the hosts, not the controller."""
    begin = tuple(f"changed: [{host}]" for host in hosts)
    return sum(line.startswith(begin) for line in run.output.splitlines())


def records(site: Lab) -> dict[str, dict[str, Any]]:
    """Deployments as the table holds them, by key; without what only says when."""
    return _items(site, "deployment#")


def targets(site: Lab) -> dict[str, dict[str, Any]]:
    """Targets as the table holds them, by key, with their options."""
    return _items(site, "target#")


def _items(site: Lab, kind: str) -> dict[str, dict[str, Any]]:
    items = site.aws.client("dynamodb").scan(TableName=TABLE)["Items"]
    found = {}
    for item in items:
        plain = {name: next(iter(value.values())) for name, value in item.items()}
        if plain["sk"].startswith(kind):
            found[plain["pk"] + plain["sk"]] = plain
    return found


def refused(site: Lab, run: Run, *phrases: str) -> str:
    """The run failed with one clear message that holds the phrases; the message.

    Tasks that failed before the last one said nothing that it does not say.
    """
    assert run.returncode != 0, run.output
    assert "Traceback" not in run.output, run.output
    assert "MODULE FAILURE" not in run.output, run.output
    failed = re.findall(r"^(?:fatal|failed): \[localhost\].*? => (\{.*\})$", run.output, re.MULTILINE)
    messages = [json.loads(result)["msg"] for result in failed]
    assert messages, run.output
    for phrase in phrases:
        assert re.search(phrase, messages[-1]), f"{phrase!r} is not in: {messages[-1]}"
    others = [message for message in messages if message not in messages[-1]]
    assert not others, f"beside {messages[-1]!r} the run said {others}"
    return str(messages[-1])
