# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a template makes of a launch: what it takes, what it drops without a word, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from . import survey
from .answers import Refusal

ASKED = {
    "inventory": "ask_inventory_on_launch",
    "credentials": "ask_credential_on_launch",
    "limit": "ask_limit_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "job_type": "ask_job_type_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "diff_mode": "ask_diff_mode_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "execution_environment": "ask_execution_environment_on_launch",
    "labels": "ask_labels_on_launch",
    "forks": "ask_forks_on_launch",
    "job_slice_count": "ask_job_slice_count_on_launch",
    "timeout": "ask_timeout_on_launch",
    "instance_groups": "ask_instance_groups_on_launch",
}
"""Field of a launch, and the field of the template that lets it through. Other fields are nobody's."""

MASKED = "$encrypted$"
Template = Mapping[str, Any]


@dataclass(frozen=True)
class Launch:
    """A job about to be made.

    Attributes:
        variables: extra variables, passwords included.
        fields: other fields of the job that were asked for.
        ignored: what was dropped, as the answer tells it.
        secret: names of variables that are passwords.
    """

    variables: Mapping[str, Any] = field(repr=False)
    fields: Mapping[str, Any]
    ignored: Mapping[str, Any]
    secret: frozenset[str]

    @property
    def shown(self) -> str:
        """Extra variables as AWX shows them."""
        masked = {name: MASKED if name in self.secret else value for name, value in self.variables.items()}
        return json.dumps(masked)


def accept(template: Template, body: Mapping[str, Any]) -> Launch:
    """Apply the rules of the launch endpoint.

    Raises:
        Refusal: 400 with AWX's words.
    """
    sent = parse_variables(body["extra_vars"]) if "extra_vars" in body else {}
    questions = _survey(template)
    ignored: dict[str, Any] = {name: body[name] for name, ask in ASKED.items() if name in body and not template[ask]}
    if not template["ask_variables_on_launch"]:
        answered = {question["variable"] for question in questions.get("spec", ())}
        dropped = {name: value for name, value in sent.items() if name not in answered}
        sent = {name: value for name, value in sent.items() if name in answered}
        if dropped:
            ignored["extra_vars"] = dropped
    errors = [error for question in questions.get("spec", ()) for error in survey.errors_of(question, sent)]
    if errors:
        raise Refusal(400, {"variables_needed_to_start": errors})
    fields = {name: body[name] for name in ASKED if name in body and name not in ignored}
    return Launch(with_defaults(template, sent), fields, ignored, frozenset(survey.passwords(questions)))


def unasked(template: Template, variables: Mapping[str, Any]) -> Launch:
    """A launch by a webhook or a schedule: no rule of the launch endpoint holds."""
    return Launch(with_defaults(template, variables), {}, {}, frozenset(survey.passwords(_survey(template))))


def with_defaults(template: Template, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The template's variables, then answers nobody gave, then what was sent."""
    own = parse_variables(template["extra_vars"] or "{}")
    return {**own, **survey.defaults(_survey(template)), **variables}


def needs(template: Template) -> dict[str, Any]:
    """What GET of the launch endpoint tells."""
    missing = survey.needed(_survey(template))
    return {
        "can_start_without_user_input": not missing and not any(template[ask] for ask in _asks()),
        "variables_needed_to_start": missing,
        "survey_enabled": template["survey_enabled"],
        **{ask: template[ask] for ask in _asks()},
    }


def parse_variables(given: Any) -> dict[str, Any]:
    """Read extra variables: an object, or text of JSON or YAML."""
    if given is None:
        raise Refusal(400, {"extra_vars": ["This field may not be null."]})
    if isinstance(given, dict):
        return given
    try:
        read = json.loads(given)
    except (TypeError, ValueError) as json_error:
        try:
            read = yaml.safe_load(given)
        except (AttributeError, yaml.YAMLError) as yaml_error:
            reason = f"Cannot parse as JSON (error: {json_error}) or YAML (error: {yaml_error})."
            raise Refusal(400, {"extra_vars": [reason]}) from None
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise Refusal(400, {"extra_vars": [f"Input type `{type(read).__name__}` is not a dictionary"]})
    return read


def _asks() -> list[str]:
    return ["ask_variables_on_launch", *ASKED.values()]


def _survey(template: Template) -> survey.Spec:
    return template["survey_spec"] if template["survey_enabled"] else {}
