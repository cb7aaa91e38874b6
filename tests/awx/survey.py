# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A survey: which answers AWX takes. Messages are AWX's own, clients see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .answers import Refusal

Spec = Mapping[str, Any]

TYPES = ("text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect")
CHOOSING = ("multiplechoice", "multiselect")


def check_spec(spec: Mapping[str, Any]) -> None:
    """Refuse a survey that AWX would not store."""
    for name in ("name", "description", "spec"):
        if name not in spec:
            raise Refusal(400, {"error": f"'{name}' missing from survey spec."})
    for number, question in enumerate(spec["spec"]):
        for name in ("type", "question_name", "variable", "required"):
            if name not in question:
                raise Refusal(400, {"error": f"'{name}' missing from survey question {number}"})
        if question["type"] not in TYPES:
            raise Refusal(400, {"error": f"'{question['type']}' in survey question {number} is not one of {TYPES}"})
        if question["type"] in CHOOSING and not question.get("choices"):
            raise Refusal(400, {"error": f"Survey question {number} of type {question['type']} must specify choices."})
        default = question.get("default")
        if default not in (None, "") and list(errors_of(question, {question["variable"]: default})):
            raise Refusal(400, {"error": f"Default of survey question {number} is no answer to it."})


def needed(spec: Spec) -> list[str]:
    """Variables that must be answered."""
    return [question["variable"] for question in spec.get("spec", ()) if question["required"]]


def defaults(spec: Spec) -> dict[str, Any]:
    """Answers of questions that were left out."""
    return {
        question["variable"]: question["default"]
        for question in spec.get("spec", ())
        if question.get("default") is not None
        and not list(errors_of(question, {question["variable"]: question["default"]}))
    }


def passwords(spec: Spec) -> set[str]:
    return {question["variable"] for question in spec.get("spec", ()) if question["type"] == "password"}


def errors_of(question: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the answer to one question."""
    name, kind = question["variable"], question["type"]
    if name not in variables:
        if question["required"]:
            yield f"'{name}' value missing"
        return
    value = variables[name]
    if kind in CHOOSING:
        yield from _choice_errors(question, value)
    elif kind == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        yield f"Value {value} for '{name}' expected to be an integer."
    elif kind == "float" and (isinstance(value, bool) or not isinstance(value, (int, float))):
        yield f"Value {value} for '{name}' expected to be a numeric type."
    elif kind not in ("integer", "float") and not isinstance(value, str):
        yield f"Value {value} for '{name}' expected to be a string."
    else:
        yield from _size_errors(question, value)


def _choice_errors(question: Mapping[str, Any], value: Any) -> Iterator[str]:
    name, choices = question["variable"], question["choices"]
    choices = choices.split("\n") if isinstance(choices, str) else list(choices)
    if question["type"] == "multiselect" and not isinstance(value, list):
        yield f"'{name}' value is expected to be a list."
        return
    for chosen in value if question["type"] == "multiselect" else [value]:
        if chosen not in choices:
            yield f"Value {chosen} for '{name}' expected to be one of {choices}."


def _size_errors(question: Mapping[str, Any], value: Any) -> Iterator[str]:
    name, text = question["variable"], isinstance(value, str)
    size = len(value) if text else value
    least, most = question.get("min"), question.get("max")
    length = f"length is {size} " if text else ""
    if least not in (None, "") and size < least:
        yield f"'{name}' value {value} is too small ({length}must be at least {least})."
    if most not in (None, "") and size > most:
        yield f"'{name}' value {value} is too large (must be no more than {most})."
