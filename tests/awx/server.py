# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in itself: state, the HTTP server in threads of this process, and what tests ask of it."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import rules
from .answers import Answer, Request
from .api import Api
from .faults import Faults
from .jobs import AT_ONCE, Command, Jobs, record_only
from .records import Record, Records
from .seed import seed
from .users import User, Users

VERSION = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}


@dataclass(frozen=True)
class Seen:
    """A request that arrived, and the status it was answered with."""

    method: str
    path: str
    status: int


class Awx:
    """One AWX: ``with Awx() as awx``.

    Attributes:
        token: of an administrator, for ``Authorization: Bearer``.
        administrator: user and password of the same.
        records: every object, by table.
        jobs: the queue.
        faults: what goes wrong.
        seen: the requests so far.
        repository: what every git project of it holds: this repository.
    """

    repository = rules.REPOSITORY

    def __init__(self, command: Command = record_only, *, at_once: int = AT_ONCE) -> None:
        self.records = Records()
        self.users = Users()
        self.faults = Faults()
        self.seen: list[Seen] = []
        self.jobs = Jobs(self.records, command, at_once)
        self.administrator = self.users.add(User("admin", secrets.token_urlsafe(18), administrator=True))
        self.token = self.users.token(self.administrator).value
        self.ended = threading.Event()
        self._api = Api(self.records, self.users, self.jobs)
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        seed(self.records)

    def __enter__(self) -> Awx:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self.jobs.stop()
        self.down()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def env(self) -> dict[str, str]:
        """What the modules of awx.awx read from the environment."""
        return {"CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": self.token, "CONTROLLER_VERIFY_SSL": "false"}

    def up(self) -> Awx:
        """Answer; after :meth:`down` at the same port, with all that was there."""
        if self._server is None:
            handler = type("Handler", (_Handler,), {"awx": self})
            self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
            self._port = int(self._server.server_address[1])
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def down(self) -> None:
        """Refuse connections; jobs go on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def template(self, name: str, *, playbook: str = "playbooks/renew.yml", **fields: Any) -> Record:
        """A job template, with the project and the host inventory it needs; its record."""
        organization = self.records.where("organizations")[0]["id"]
        needed = {}
        for table, field in (("projects", "project"), ("inventories", "inventory")):
            found = self.records.where(table) or [
                self.records.create(table, {"name": "stand-in", "organization": organization})
            ]
            needed[field] = found[0]["id"]
        made = self.records.create("job_templates", {"name": name, "playbook": playbook, **needed, **fields})
        rules.saved(self.records, "job_templates", made, {})
        return made

    def door(self, template: Record, name: str) -> str:
        """URL to ``launch`` a template, or its ``gitlab`` or ``github`` webhook."""
        return f"{self.url}/api/v2/job_templates/{template['id']}/{name}/"

    def answer(self, request: Request) -> Answer:
        """Answer one request, with its fault."""
        fault = self.faults.take(request.path)
        if fault.status:
            answer = Answer(fault.status, {"detail": f"The stand-in was told to answer {fault.status}."})
        else:
            answer = self._api.answer(request)
        self.seen.append(Seen(request.method, request.path, answer.status))
        if fault.delay:
            # The job does not wait for the answer: whoever gave up waiting has launched it all the same.
            self.jobs.start_next()
            self.ended.wait(fault.delay)
        return answer


class _Handler(BaseHTTPRequestHandler):
    awx: Awx

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(parts.path).rstrip("/") + "/",
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        answer = self.awx.answer(request)
        body = b"" if answer.body is None else _text(answer.body).encode()
        try:
            self.send_response(answer.status)
            for name, value in {**VERSION, "Content-Type": answer.content_type}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # the client did not wait for the answer
        self.awx.jobs.start_next()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what arrived is in ``seen``."""


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)
