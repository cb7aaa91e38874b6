# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in front of moto: identifies each call, lets faults act, serialises, counts."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from . import answers, cloudformation
from .calls import Call
from .control import answer_control
from .faults import Request, Rule
from .service_names import Wire, identify
from .world import WORLD

CONTROL_PATH = "/_standin/"
POLL_SECONDS = 0.05

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Response = tuple[int, list[tuple[str, str]], bytes]


class Middleware:
    """One WSGI application: control calls are answered here, all others go to moto.

    Calls of one service run one after another: moto's conditional writes to DynamoDB are only
    atomic that way, and they are in AWS. Latency is waited for outside, and so are messages in a long poll.
    """

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = _read(environ)
        path = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL_PATH):
            status, text = answer_control(path.removeprefix(CONTROL_PATH), body)
            return _send(start_response, (status, [("Content-Type", "application/json")], text))
        wire = identify(environ, body)
        if wire is None:
            return self._moto(environ, start_response)
        started = time.monotonic()
        time.sleep(WORLD.faults.delay(wire.request))
        response = self._response(wire, environ, body)
        _count(wire.request, response, started)
        return _send(start_response, response)

    def _response(self, wire: Wire, environ: Environ, body: bytes) -> Response:
        request = wire.request
        if WORLD.options.quotas and WORLD.faults.over_quota(request):
            return _own(answers.throttled(wire.protocol, request))
        if _wrong_external_id(request):
            return _own(answers.denied(wire.protocol, request))
        rule, wire = _first_fault(wire)
        if rule and not rule.lose_answer:
            return _own(_fault(wire, rule))
        pass_on = self._poll if _is_long_poll(request, body) else self._pass_on
        response = pass_on(request, environ, body)
        return _own(_fault(wire, rule)) if rule else response

    def _pass_on(self, request: Request, environ: Environ, body: bytes) -> Response:
        service = request.action.partition(":")[0]
        with self._locks[service]:
            if service == "cloudformation":
                return _own(cloudformation.answer(WORLD.stacks, request, body))
            return _collect(self._moto, environ)

    def _poll(self, request: Request, environ: Environ, body: bytes) -> Response:
        """Look for messages until there are some or the wait is over, as SQS does; others are served meanwhile."""
        asked = json.loads(body)
        end = time.monotonic() + int(asked["WaitTimeSeconds"])
        look = json.dumps({**asked, "WaitTimeSeconds": 0}).encode()
        while True:
            response = self._pass_on(request, _with_body(environ, look), look)
            if response[0] != HTTPStatus.OK or json.loads(response[2]).get("Messages") or time.monotonic() >= end:
                return response
            time.sleep(POLL_SECONDS)


def _first_fault(wire: Wire) -> tuple[Rule | None, Wire]:
    """The first rule for the call or a part of it, and the call as far as that rule is about it."""
    for request in (wire.request, *wire.parts):
        rule = WORLD.faults.take(request)
        if rule:
            return rule, replace(wire, request=request)
    return None, wire


def _is_long_poll(request: Request, body: bytes) -> bool:
    return request.action == "sqs:ReceiveMessage" and int(json.loads(body).get("WaitTimeSeconds", 0)) > 0


def _fault(wire: Wire, rule: Rule) -> answers.Answer:
    if rule.code == "deny":
        return answers.denied(wire.protocol, wire.request)
    if rule.code == "throttle":
        return answers.throttled(wire.protocol, wire.request)
    return answers.error(wire.protocol, wire.request, rule.code, rule.message or rule.code, rule.status)


def _wrong_external_id(request: Request) -> bool:
    expected = WORLD.external_ids.get(request.resource) if request.action == "sts:AssumeRole" else None
    return expected is not None and expected != request.external_id


def _own(answer: answers.Answer) -> Response:
    status, content_type, body = answer
    return status, [("Content-Type", content_type), ("x-amzn-RequestId", "standin")], body


def _collect(application: Application, environ: Environ) -> Response:
    """Run an application and hold its whole answer."""
    head: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        head["status"], head["headers"] = int(status.split()[0]), headers
        return lambda _: None

    body = b"".join(application(environ, start_response))
    return head["status"], head["headers"], body


def _send(start_response: StartResponse, response: Response) -> Iterable[bytes]:
    status, headers, body = response
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start_response(f"{status} {HTTPStatus(status).phrase}", [*kept, ("Content-Length", str(len(body)))])
    return [body]


def _read(environ: Environ) -> bytes:
    """The body, put back for whoever reads it next; a chunked one is left alone."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return b""
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    if length:
        environ["wsgi.input"] = io.BytesIO(body)
    return body


def _with_body(environ: Environ, body: bytes) -> Environ:
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def _count(request: Request, response: Response, started: float) -> None:
    status, headers, body = response
    WORLD.calls.add(
        Call(
            action=request.action,
            account=request.account,
            region=request.region,
            resource=request.resource,
            status=status,
            error=_error_code(headers, body) if status >= 400 else None,
            milliseconds=round((time.monotonic() - started) * 1000, 1),
            at=time.time(),
        )
    )


def _error_code(headers: list[tuple[str, str]], body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        return str(json.loads(text)["__type"]).rpartition("#")[2]
    except (ValueError, KeyError, TypeError):
        pass
    found = re.search(r"<Code>([^<]+)</Code>", text)
    named = {name.lower(): value for name, value in headers}.get("x-amzn-errortype", "")
    return found.group(1) if found else named.split(":")[0]
