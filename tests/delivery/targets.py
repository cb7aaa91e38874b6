# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One attempt to hand an event to a target, by the kind of the target."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from standin.client import Standin
from standin.stack_template import Stack

RETRIED = {401, 407, 409, 429}
"""Of the statuses below 500; every other that is not 2xx is final."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class TargetError(Exception):
    """EventBridge would not accept this target; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        status: of HTTP; 0 when there was no answer in time, or when it is not about HTTP.
    """

    delivered: bool
    retry: bool = False
    status: int = 0
    code: str = ""
    message: str = ""


Attempt = Callable[[str, Mapping[str, Any]], Outcome]
"""Takes the body, and the event it was made of."""


@dataclass(frozen=True)
class ApiDestination:
    """An HTTP endpoint with the header of its connection.

    Attributes:
        timeout: seconds for the whole answer; EventBridge gives it 5.
    """

    url: str
    method: str
    header: tuple[str, str]
    timeout: float

    def __call__(self, body: str, event: Mapping[str, Any]) -> Outcome:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise TargetError(f"{self.url} is not https")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=self.timeout)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Amazon/EventBridge/ApiDestinations",
            "Connection": "close",
            self.header[0]: self.header[1],
        }
        try:
            connection.request(self.method, parts.path, body.encode(), headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return Outcome(False, True, 0, "SDK_CLIENT_ERROR", f"no answer within the time limit: {error}")
        finally:
            connection.close()
        if 200 <= status < 300:
            return Outcome(True, status=status)
        retry = status in RETRIED or status >= 500
        return Outcome(False, retry, status, "SDK_CLIENT_ERROR", f"the endpoint answered with status {status}")


def connect(stack: Stack, target: Mapping[str, Any], standin: Standin, timeout: float) -> ApiDestination:
    """The API destination a target names, with its connection's secret.

    Raises:
        TargetError: it has no role that may call it.
    """
    arn = target["Arn"]
    destination = _by_arn(stack, "AWS::Events::ApiDestination", arn)
    role = _by_arn(stack, "AWS::IAM::Role", target.get("RoleArn", ""))
    statements = [line for policy in role.get("Policies", []) for line in policy["PolicyDocument"]["Statement"]]
    if not any(line["Action"] == "events:InvokeApiDestination" and line["Resource"] == arn for line in statements):
        raise TargetError(f"no role lets EventBridge call {arn}")
    connection = _by_arn(stack, "AWS::Events::Connection", destination["ConnectionArn"])
    key = connection["AuthParameters"]["ApiKeyAuthParameters"]
    value = _with_secrets(key["ApiKeyValue"], stack, standin)
    return ApiDestination(
        destination["InvocationEndpoint"], destination["HttpMethod"], (key["ApiKeyName"], value), timeout
    )


def _by_arn(stack: Stack, kind: str, arn: str) -> dict[str, Any]:
    for logical_id, properties in stack.of_type(kind).items():
        if stack.attribute(logical_id, "Arn") == arn:
            return properties
    raise TargetError(f"the stack has no {kind} {arn}")


def _with_secrets(text: str, stack: Stack, standin: Standin) -> str:
    """CloudFormation's references to Secrets Manager, resolved as it does when it makes a resource."""
    client = standin.client("secretsmanager", account=stack.place.account, region=stack.place.region)

    def read(match: re.Match[str]) -> str:
        arn, key, stage, version = match.groups()
        which = {"VersionStage": stage} if stage else {}
        secret = client.get_secret_value(SecretId=arn, **which, **({"VersionId": version} if version else {}))
        return str(json.loads(secret["SecretString"])[key] if key else secret["SecretString"])

    part = r"([^:{}]*)"
    arn = r"(arn:(?:[^:{}]+:){5}[^:{}]+)"
    reference = rf"\{{\{{resolve:secretsmanager:{arn}:SecretString:{part}:{part}:{part}\}}\}}"
    return re.sub(reference, read, text)
