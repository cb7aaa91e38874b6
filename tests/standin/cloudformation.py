# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation, as far as a stack's life goes: made, changed, looked at in a change set, deleted.

moto knows neither connections nor API destinations, and its change sets do not tell that nothing would change.
Here a template is resolved as a whole, and of its resources the queues are real. Secrets (``NoEcho``) are kept
for :meth:`Control.stack` and shown to nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from . import answers
from .faults import Request
from .stack_names import Place
from .stack_queues import make_queues
from .stack_template import Stack, TemplateError, load, resolve

_TIME = "2026-01-01T00:00:00Z"
_NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."
Form = Mapping[str, str]


class StackError(Exception):
    """CloudFormation refuses the call; the text is its message."""


@dataclass
class StoredStack:
    template: str
    stack: Stack
    hidden: frozenset[str]
    status: str = "CREATE_COMPLETE"
    change_sets: dict[str, bool] = field(default_factory=dict)
    """Whether each would change anything."""

    @property
    def id(self) -> str:
        place = self.stack.place
        return place.arn("cloudformation", f"stack/{place.stack}/00000000-0000-4000-8000-000000000000")

    @property
    def parameters(self) -> dict[str, str]:
        """As they were given, with the defaults of those that were not."""
        values = self.stack.parameters.items()
        return {name: ",".join(value) if isinstance(value, list) else value for name, value in values}


Stacks = dict[tuple[str, str, str], StoredStack]


def answer(stacks: Stacks, request: Request, body: bytes) -> answers.Answer:
    """The answer to one call."""
    form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    operation = request.action.partition(":")[2]
    handler = _HANDLERS.get(operation)
    try:
        if handler is None:
            raise StackError(f"the stand-in has no {operation}")
        name = form.get("StackName") or form["ChangeSetName"]
        name = name.split("/")[1] if name.startswith("arn:") else name
        result = handler(stacks, Place(name, request.account, request.region), form)
    except (StackError, TemplateError) as problem:
        return answers.error("query", request, "ValidationError", str(problem), 400)
    inner = f"<{operation}Result>{_xml(result)}</{operation}Result>"
    return 200, "text/xml", f"<{operation}Response>{inner}</{operation}Response>".encode()


def _create(stacks: Stacks, place: Place, form: Form) -> Any:
    key = (place.account, place.region, place.stack)
    if key in stacks:
        raise StackError(f"Stack [{place.stack}] already exists")
    stacks[key] = _read(stacks, place, form)
    make_queues(stacks[key].stack)
    return {"StackId": stacks[key].id}


def _update(stacks: Stacks, place: Place, form: Form) -> Any:
    old, new = _find(stacks, place), _read(stacks, place, form)
    if _same(old, new):
        raise StackError("No updates are to be performed.")
    old.template, old.stack, old.status = new.template, new.stack, "UPDATE_COMPLETE"
    make_queues(old.stack)
    return {"StackId": old.id}


def _delete(stacks: Stacks, place: Place, form: Form) -> Any:
    stacks.pop((place.account, place.region, place.stack), None)
    return {}


def _describe(stacks: Stacks, place: Place, form: Form) -> Any:
    stored = _find(stacks, place)
    shown = {name: "****" if name in stored.hidden else value for name, value in stored.parameters.items()}
    told = {
        "StackId": stored.id,
        "StackName": place.stack,
        "CreationTime": _TIME,
        "StackStatus": stored.status,
        "EnableTerminationProtection": "false",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in shown.items()],
        "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in stored.stack.outputs.items()],
    }
    return {"Stacks": [told]}


def _resources(stacks: Stacks, place: Place, form: Form) -> Any:
    stored = _find(stacks, place)
    listed = [
        {
            "LogicalResourceId": name,
            "PhysicalResourceId": stored.stack.attribute(name),
            "ResourceType": body["Type"],
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": _TIME,
        }
        for name, body in stored.stack.resources.items()
    ]
    return {"StackResourceSummaries": listed}


def _events(stacks: Stacks, place: Place, form: Form) -> Any:
    _find(stacks, place)
    return {"StackEvents": []}


def _create_change_set(stacks: Stacks, place: Place, form: Form) -> Any:
    stored = _find(stacks, place)
    name = form["ChangeSetName"]
    stored.change_sets[name] = not _same(stored, _read(stacks, place, form))
    return {"Id": place.arn("cloudformation", f"changeSet/{place.stack}/{name}"), "StackId": stored.id}


def _describe_change_set(stacks: Stacks, place: Place, form: Form) -> Any:
    stored, name = _find(stacks, place), form["ChangeSetName"].rpartition("/")[2]
    if stored.change_sets[name]:
        return {"ChangeSetName": name, "Status": "CREATE_COMPLETE", "Changes": []}
    return {"ChangeSetName": name, "Status": "FAILED", "StatusReason": _NOTHING, "Changes": []}


def _delete_change_set(stacks: Stacks, place: Place, form: Form) -> Any:
    _find(stacks, place).change_sets.pop(form["ChangeSetName"].rpartition("/")[2], None)
    return {}


_HANDLERS = {
    "CreateStack": _create,
    "UpdateStack": _update,
    "DeleteStack": _delete,
    "DescribeStacks": _describe,
    "ListStackResources": _resources,
    "DescribeStackEvents": _events,
    "CreateChangeSet": _create_change_set,
    "DescribeChangeSet": _describe_change_set,
    "DeleteChangeSet": _delete_change_set,
}


def _find(stacks: Stacks, place: Place) -> StoredStack:
    stored = stacks.get((place.account, place.region, place.stack))
    if stored is None:
        raise StackError(f"Stack with id {place.stack} does not exist")
    return stored


def _read(stacks: Stacks, place: Place, form: Form) -> StoredStack:
    given = {}
    for number in range(1, 201):
        name = form.get(f"Parameters.member.{number}.ParameterKey")
        if name is None:
            break
        given[name] = form.get(f"Parameters.member.{number}.ParameterValue", "")
    template = load(form["TemplateBody"])
    stack = resolve(template, given, place)
    _check_capability(stack, form.get("Capabilities.member.1"))
    _check_boundaries(stacks, stack)
    hidden = frozenset(name for name, rules in template["Parameters"].items() if rules.get("NoEcho"))
    return StoredStack(form["TemplateBody"], stack, hidden)


def _check_capability(stack: Stack, given: str | None) -> None:
    made = [*stack.of_type("AWS::IAM::Role").values(), *stack.of_type("AWS::IAM::ManagedPolicy").values()]
    named = any("RoleName" in properties or "ManagedPolicyName" in properties for properties in made)
    enough = {"CAPABILITY_NAMED_IAM"} if named else {"CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"}
    if made and given not in enough:
        raise StackError(f"Requires capabilities : [{'CAPABILITY_NAMED_IAM' if named else 'CAPABILITY_IAM'}]")


def _check_boundaries(stacks: Stacks, stack: Stack) -> None:
    """A role's boundary is a policy of its account. AWS finds out while it makes the role; here at once."""
    in_account = [other.stack for (account, _region, _name), other in stacks.items() if account == stack.place.account]
    known = {made.attribute(name) for made in [stack, *in_account] for name in made.of_type("AWS::IAM::ManagedPolicy")}
    for role in stack.of_type("AWS::IAM::Role").values():
        boundary = role.get("PermissionsBoundary")
        if boundary is not None and boundary not in known:
            raise StackError(f"Scope ARN: {boundary} does not exist or is not attachable. (Service: Iam, Status: 404)")


def _same(old: StoredStack, new: StoredStack) -> bool:
    return (old.template, old.stack.parameters) == (new.template, new.stack.parameters)


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml(item)}</{name}>" for name, item in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(item)}</member>" for item in value)
    return escape(str(value))
