# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request and its answer, without HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONTENT_TYPE = (
    "You did not use correct Content-Type in your HTTP request. "
    "If you are using our REST API, the Content-Type must be application/json"
)


@dataclass(frozen=True)
class Request:
    """What a client sent.

    Attributes:
        path: without the query, always with a slash at the end.
        query: the last value of each parameter.
        headers: names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object; none at all is an empty one.

        Raises:
            Refusal: with AWX's words for what is wrong.
        """
        if not self.body:
            return {}
        if self.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refusal(415, {"detail": CONTENT_TYPE})
        try:
            read = json.loads(self.body)
        except ValueError as error:
            raise Refusal(400, {"detail": f"JSON parse error - {error}\nPossible cause: trailing comma."}) from None
        if not isinstance(read, dict):
            raise Refusal(400, {"detail": "JSON parse error - not a JSON object"})
        return read


@dataclass(frozen=True)
class Answer:
    """Status and body; a body of text is sent as it is, anything else as JSON, None as nothing."""

    status: int
    body: Any = None
    content_type: str = "application/json"


class Refusal(Exception):
    """A request that AWX does not carry out."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {body}")
        self.answer = Answer(status, dict(body))


def forbidden() -> Refusal:
    return Refusal(403, {"detail": "You do not have permission to perform this action."})


def not_found() -> Refusal:
    return Refusal(404, {"detail": "Not found."})


def not_allowed(method: str) -> Refusal:
    return Refusal(405, {"detail": f'Method "{method}" not allowed.'})
