# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CloudFormation template as AWS reads it: parameters checked, rules asserted, functions resolved.

Knows the functions and the resource types that the templates of this project use; any other is an error,
never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from .stack_names import NAMING, Place, attributes

NO_VALUE = object()
"""What ``AWS::NoValue`` leaves behind: the property is not there."""


class TemplateError(Exception):
    """CloudFormation would refuse this; the text says why."""


class _Loader(yaml.SafeLoader):
    """YAML with the short forms ``!Ref``, ``!GetAtt``, ``!Sub``, ..."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def load(text: str) -> dict[str, Any]:
    """Parse a template."""
    template: dict[str, Any] = yaml.load(text, Loader=_Loader)
    return template


@dataclass
class Stack:
    """A template with everything in it resolved.

    Attributes:
        resources: by logical id: ``Type``, and ``Properties`` without any function. Only those whose condition holds.
        outputs: by key.
        parameters: all values, defaults too; secrets in the clear.
    """

    place: Place
    parameters: dict[str, Any]
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of the resources of one type, by logical id."""
        return {name: body["Properties"] for name, body in self.resources.items() if body["Type"] == kind}

    def attribute(self, logical_id: str, name: str = "Ref") -> str:
        """What ``!Ref``, or ``!GetAtt`` with a name, gives for a resource."""
        kind = self.resources[logical_id]["Type"]
        properties = self.resources[logical_id].get("Properties", {})
        return attributes(self.place, kind, logical_id, properties)[name]


def resolve(template: Mapping[str, Any], given: Mapping[str, str], place: Place) -> Stack:
    """The stack that ``template`` makes of the parameters given.

    Raises:
        TemplateError: as CloudFormation refuses it.
    """
    stack = Stack(place, _parameters(template, given))
    resolver = _Resolver(template, stack)
    for name, rule in template.get("Rules", {}).items():
        if resolver.truth(rule["RuleCondition"]):
            for assertion in rule["Assertions"]:
                if not resolver.truth(assertion["Assert"]):
                    raise TemplateError(f"{name}: {assertion['AssertDescription']}")
    kept = {name: body for name, body in template["Resources"].items() if resolver.holds(body)}
    for name, body in kept.items():
        # The type first: another resource may refer to it before its turn.
        stack.resources[name] = {"Type": body["Type"], "Properties": _names_of(resolver, body)}
    for name, body in kept.items():
        stack.resources[name]["Properties"] = resolver.value(body.get("Properties", {}))
    for name, output in template.get("Outputs", {}).items():
        if resolver.holds(output):
            stack.outputs[name] = resolver.value(output["Value"])
    return stack


def render(template: Mapping[str, Any], given: Mapping[str, str], place: Place) -> dict[str, Any]:
    """The template without parameters and conditions, for tools that look at templates; secrets are in it."""
    renderer = _Renderer(template, resolve(template, given, place))
    resources = {
        name: {"Type": body["Type"], "Properties": renderer.value(body.get("Properties", {}))}
        for name, body in template["Resources"].items()
        if renderer.holds(body)
    }
    return {"AWSTemplateFormatVersion": template["AWSTemplateFormatVersion"], "Resources": resources}


def _names_of(resolver: _Resolver, body: Mapping[str, Any]) -> dict[str, Any]:
    properties = body.get("Properties", {})
    return {name: resolver.value(properties[name]) for name in NAMING if name in properties}


def _parameters(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    declared: dict[str, dict[str, Any]] = template.get("Parameters", {})
    unknown = set(given) - set(declared)
    if unknown:
        raise TemplateError(f"Parameters: {sorted(unknown)} do not exist in the template")
    values = {}
    for name, rules in declared.items():
        if name not in given and "Default" not in rules:
            raise TemplateError(f"Parameters: [{name}] must have values")
        value = str(given.get(name, rules.get("Default")))
        _check(name, value, rules)
        values[name] = value.split(",") if rules["Type"] == "CommaDelimitedList" else value
    return values


def _check(name: str, value: str, rules: Mapping[str, Any]) -> None:
    problem = f"Parameter {name} failed to satisfy constraint: {rules.get('ConstraintDescription', 'of its type')}"
    if "AllowedValues" in rules and value not in map(str, rules["AllowedValues"]):
        raise TemplateError(problem)
    if "AllowedPattern" in rules and not re.fullmatch(rules["AllowedPattern"], value):
        raise TemplateError(problem)
    if rules["Type"] == "Number":
        try:
            number = float(value)
        except ValueError:
            raise TemplateError(problem) from None
        if not rules.get("MinValue", number) <= number <= rules.get("MaxValue", number):
            raise TemplateError(problem)


class _Resolver:
    def __init__(self, template: Mapping[str, Any], stack: Stack) -> None:
        self._template = template
        self._stack = stack

    def holds(self, body: Mapping[str, Any]) -> bool:
        return "Condition" not in body or self.truth({"Condition": body["Condition"]})

    def truth(self, expression: Any) -> bool:
        """A condition."""
        ((function, argument),) = expression.items()
        if function == "Condition":
            return self.truth(self._template["Conditions"][argument])
        if function == "Fn::Equals":
            left, right = (self.value(side) for side in argument)
            return bool(str(left) == str(right))
        if function == "Fn::Not":
            return not self.truth(argument[0])
        if function == "Fn::And":
            return all(self.truth(part) for part in argument)
        if function == "Fn::Or":
            return any(self.truth(part) for part in argument)
        raise TemplateError(f"{function} is no condition")

    def value(self, node: Any) -> Any:
        """A value without functions."""
        if isinstance(node, list):
            return [item for item in map(self.value, node) if item is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        resolved = {key: self.value(item) for key, item in node.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self._ref(argument)
        if name == "Fn::GetAtt":
            logical_id, _dot, attribute = argument.partition(".")
            return self._attribute(logical_id, attribute)
        if name == "Fn::If":
            condition, yes, no = argument
            return self.value(yes if self.truth({"Condition": condition}) else no)
        if name == "Fn::Join":
            return argument[0].join(self.value(argument[1]))
        if name == "Fn::Sub":
            return self._sub(*argument) if isinstance(argument, list) else self._sub(argument, {})
        if name == "Fn::Split":
            return str(self.value(argument[1])).split(argument[0])
        if name == "Fn::Select":
            return self.value(argument[1])[int(argument[0])]
        raise TemplateError(f"{name} is not known here")

    def _sub(self, text: str, own: Mapping[str, Any]) -> str:
        def insert(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in own:
                return str(self.value(own[name]))
            logical_id, _dot, attribute = name.partition(".")
            return str(self._attribute(logical_id, attribute) if attribute else self._ref(name))

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", insert, text)

    def _ref(self, name: str) -> Any:
        place = self._stack.place
        pseudo: dict[str, Any] = {
            "AWS::NoValue": NO_VALUE,
            "AWS::AccountId": place.account,
            "AWS::Region": place.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": place.stack,
        }
        if name in pseudo:
            return pseudo[name]
        if name in self._stack.parameters:
            return self._stack.parameters[name]
        return self._attribute(name, "Ref")

    def _attribute(self, logical_id: str, attribute: str) -> Any:
        if logical_id not in self._stack.resources:
            raise TemplateError(f"Unresolved resource dependencies [{logical_id}]")
        try:
            return self._stack.attribute(logical_id, attribute)
        except KeyError:
            raise TemplateError(f"{logical_id} has no attribute {attribute}") from None


class _Renderer(_Resolver):
    """Leaves what one resource says of another."""

    def _attribute(self, logical_id: str, attribute: str) -> Any:
        return {"Ref": logical_id} if attribute == "Ref" else {"Fn::GetAtt": [logical_id, attribute]}
