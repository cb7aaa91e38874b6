# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Input transformers: what a target is sent instead of the event."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


class TransformError(Exception):
    """The template asks for what is not known, or does not make JSON."""


def body_for(target: Mapping[str, Any], event: Event, rule_arn: str) -> str:
    """The body that EventBridge sends to a target."""
    transformer = target.get("InputTransformer")
    return _transform(transformer, event, rule_arn) if transformer else json.dumps(event)


def _transform(transformer: Mapping[str, Any], event: Event, rule_arn: str) -> str:
    known = {
        "aws.events.event.json": json.dumps(event),
        "aws.events.rule-arn": json.dumps(rule_arn),
        "aws.events.rule-name": json.dumps(rule_arn.rpartition("/")[2]),
    }
    for name, path in transformer.get("InputPathsMap", {}).items():
        known[name] = _at(path, event)

    def insert(match: re.Match[str]) -> str:
        try:
            return known[match.group(1)]
        except KeyError:
            raise TransformError(f"<{match.group(1)}> is not known") from None

    body = re.sub(r"<([A-Za-z0-9_.-]+)>", insert, transformer["InputTemplate"])
    try:
        json.loads(body)
    except ValueError as error:
        raise TransformError(f"the input transformer makes no JSON: {error}") from error
    return body


def _at(path: str, event: Event) -> str:
    """A value by its path; one that is missing leaves nothing, and most often spoils the JSON."""
    value: Any = event
    for step in path.removeprefix("$").strip(".").split("."):
        if not isinstance(value, Mapping) or step not in value:
            return ""
        value = value[step]
    return json.dumps(value)
