# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server that answers as it is told, for whatever a delivery does to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Door:
    """``with Door([500, 201]) as door: ...``: the first request gets 500, the second 201, and so all after it.

    Attributes:
        requests: what came, in order.
        seconds: to wait before each answer.
        busiest: most requests that were answered at the same time.
    """

    def __init__(self, answers: Iterable[int] = (201,), seconds: float = 0.0) -> None:
        self.requests: list[Received] = []
        self.answers = list(answers)
        self.seconds = seconds
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Door:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, received: Received) -> int:
        with self._lock:
            self.requests.append(received)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            status = self.answers[min(len(self.requests), len(self.answers)) - 1]
        time.sleep(self.seconds)
        with self._lock:
            self._busy -= 1
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                status = door._answer(Received(self.path, dict(self.headers), body))
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # whoever asked did not wait

            def log_message(self, format: str, *arguments: Any) -> None:
                """Stay silent."""

        return Handler
