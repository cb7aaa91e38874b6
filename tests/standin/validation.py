# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a request against the service's own model: what boto3 leaves to the service.

Lengths, ranges, enumerations, patterns and required members, from the model that botocore ships.
Patterns that use Java's ``\\p`` classes are not checked.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session

from .refusal import Refusal


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def check_input(service: str, operation: str, params: dict[str, Any]) -> None:
    """Raises ValidationException in the words AWS uses for it."""
    shape = _model(service).operation_model(operation).input_shape
    problems = list(_problems(shape, params, "")) if shape else []
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise Refusal("ValidationException", count + "; ".join(problems))


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _problems(member, value[name], _join(path, name))
    elif shape.type_name == "list":
        yield from _length_problems(shape, value, path, len(value))
        for number, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "blob":
        yield from _length_problems(shape, value, path, len(_decoded(value)))
    elif shape.type_name == "string":
        yield from _length_problems(shape, value, path, len(value))
        yield from _text_problems(shape, value, path)
    elif shape.type_name in ("integer", "long"):
        yield from _range_problems(shape, value, path)


def _length_problems(shape: Any, value: Any, path: str, length: int) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    start = f"{_shown(shape, value)} at '{path}' failed to satisfy constraint: Member must have length "
    if least is not None and length < least:
        yield f"{start}greater than or equal to {least}"
    if most is not None and length > most:
        yield f"{start}less than or equal to {most}"


def _range_problems(shape: Any, value: int, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    start = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must have value "
    if least is not None and value < least:
        yield f"{start}greater than or equal to {least}"
    if most is not None and value > most:
        yield f"{start}less than or equal to {most}"


def _text_problems(shape: Any, value: str, path: str) -> Iterator[str]:
    start = f"{_shown(shape, value)} at '{path}' failed to satisfy constraint: Member must satisfy "
    choices, pattern = shape.enum, shape.metadata.get("pattern")
    if choices and value not in choices:
        yield f"{start}enum value set: [{', '.join(choices)}]"
    if pattern and "\\p" not in pattern and not re.fullmatch(pattern, value):
        yield f"{start}regular expression pattern: {pattern}"


def _shown(shape: Any, value: Any) -> str:
    """Passphrases and keys are never repeated."""
    hidden = shape.type_name == "blob" or shape.metadata.get("sensitive")
    return "Value" if hidden else f"Value '{value}'"


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise Refusal("SerializationException", "A blob is not valid Base64.") from None


def _join(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name
