# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP request, whatever the status of its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """Status and body; the body is read as JSON when it is JSON."""

    status: int
    body: Any


def call(
    url: str,
    body: Any = None,
    headers: Mapping[str, str | None] | None = None,
    *,
    method: str = "",
    timeout: float = 30,
) -> Reply:
    """Send bytes as they are, anything else as JSON, nothing for None; POST when there is a body.

    Args:
        headers: one whose value is None is not sent.
        timeout: seconds to wait for the answer; TimeoutError when it does not come.
    """
    parts = urlsplit(url)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=timeout)
    try:
        connection.request(
            method or ("GET" if data is None else "POST"),
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            data,
            {name: value for name, value in given.items() if value is not None},
        )
        answer = connection.getresponse()
        return Reply(answer.status, _read(answer.read()))
    finally:
        connection.close()


def _read(content: bytes) -> Any:
    text = content.decode()
    try:
        return json.loads(text)
    except ValueError:
        return text
