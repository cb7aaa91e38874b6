# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages with tokens that fit only the request they were given for."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from .refusal import Refusal

Item = TypeVar("Item")


def page(items: Sequence[Item], size: int, token: str | None, request: dict[str, Any]) -> tuple[list[Item], str | None]:
    """The page that ``token`` points to, and the token of the next one.

    A token of another request is refused; whether ACM does so is not documented.
    """
    mark = hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()[:16]
    start = _start(token, mark) if token is not None else 0
    following = start + size
    return list(items[start:following]), _token(following, mark) if following < len(items) else None


def _token(start: int, mark: str) -> str:
    return base64.urlsafe_b64encode(f"{start}:{mark}".encode()).decode()


def _start(token: str, mark: str) -> int:
    try:
        start, _unused, given = base64.urlsafe_b64decode(token).decode().partition(":")
        if given != mark:
            raise ValueError
        return int(start)
    except ValueError:
        raise Refusal("ValidationException", "The NextToken is invalid.") from None
