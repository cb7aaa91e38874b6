# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in the shape of the service's own protocol, as botocore parses them."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from .faults import Request

Answer = tuple[int, str, bytes]
"""Status, content type, body."""

_COMMON_PREFIX = {"dynamodb": "com.amazon.coral.service#"}


def denied(protocol: str, request: Request, code: str = "") -> Answer:
    message = (
        f"User: {request.caller} is not authorized to perform: {request.action} on resource: {request.resource} "
        f"because no identity-based policy allows the {request.action} action"
    )
    if protocol == "ec2":
        return error(protocol, request, "UnauthorizedOperation", f"You are not authorized. {message}", 403)
    if protocol in ("query", "rest"):
        return error(protocol, request, code or "AccessDenied", message, 403)
    return error(protocol, request, code or "AccessDeniedException", message, 400)


def throttled(protocol: str, request: Request) -> Answer:
    if protocol == "ec2":
        return error(protocol, request, "RequestLimitExceeded", "Request limit exceeded.", 503)
    code = "Throttling" if protocol == "query" else "ThrottlingException"
    return error(protocol, request, code, "Rate exceeded", 400)


def error(protocol: str, request: Request, code: str, message: str, status: int) -> Answer:
    if protocol == "json":
        prefix = _COMMON_PREFIX.get(request.action.partition(":")[0], "")
        body = json.dumps({"__type": prefix + code, "message": message})
        return status, "application/x-amz-json-1.1", body.encode()
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        body = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>standin</RequestID></Response>"
    else:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>standin</RequestId></ErrorResponse>"
    return status, "text/xml", body.encode()
