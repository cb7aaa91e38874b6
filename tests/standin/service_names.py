# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a raw HTTP request to the IAM action it is: ``acm:ExportCertificate``, ``tag:GetResources``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from .accounts import DEFAULT_REGION, account_of, caller_arn, credential_of
from .faults import Request

_PREFIXES = {"tagging": "tag", "monitoring": "cloudwatch", "eventbridge": "events"}
"""Where IAM's prefix is not the name that requests are signed with."""

_QUERY_SERVICES = ("ec2", "sts", "iam", "sns", "cloudformation", "elasticloadbalancing", "autoscaling", "monitoring")


@dataclass(frozen=True)
class Wire:
    """How the service talks, for answers of our own: ``json``, ``query``, ``ec2`` or ``rest``.

    Attributes:
        parts: what has to be allowed, too: for a transaction IAM has no action but those of its operations.
    """

    protocol: str
    request: Request
    parts: tuple[Request, ...] = ()


def identify(environ: dict[str, Any], body: bytes) -> Wire | None:
    """None for a request that nobody signed: it is counted nowhere and no fault applies to it."""
    credential = credential_of(environ.get("HTTP_AUTHORIZATION", ""))
    if not credential:
        return None
    key_id, region, signing_name = credential
    protocol, operation, params = _operation(environ, body, signing_name)
    account = account_of(key_id)
    request = Request(
        action=f"{_PREFIXES.get(signing_name, signing_name)}:{operation}",
        account=account,
        region=region or DEFAULT_REGION,
        resource=_resource(signing_name, params, f"{region}:{account}"),
        caller=caller_arn(key_id),
        external_id=str(params.get("ExternalId", "")),
    )
    return Wire(protocol, request, tuple(_parts(request, params)))


def _parts(request: Request, params: dict[str, Any]) -> Iterator[Request]:
    if request.action == "dynamodb:TransactWriteItems":
        kinds = {kind for operation in params.get("TransactItems", ()) for kind in operation}
        for kind in sorted(kinds):
            yield replace(request, action=f"dynamodb:{kind}Item")


def _operation(environ: dict[str, Any], body: bytes, signing_name: str) -> tuple[str, str, dict[str, Any]]:
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return "json", target.rpartition(".")[2], _json(body)
    rpc = re.fullmatch(r"/service/[^/]+/operation/([^/]+)", environ.get("PATH_INFO", ""))
    if rpc:
        return "json", rpc.group(1), {}
    form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()} if body else {}
    if "Action" in form and signing_name in _QUERY_SERVICES:
        return ("ec2" if signing_name == "ec2" else "query"), form["Action"], form
    return "rest", f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}", {}


def _json(body: bytes) -> dict[str, Any]:
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def _resource(signing_name: str, params: dict[str, Any], place: str) -> str:
    """The resource AWS would name in a refusal; ``*`` where the call has none."""
    for name in ("CertificateArn", "ResourceArn", "RoleArn"):
        if params.get(name):
            return str(params[name])
    secret = params.get("SecretId") or (params.get("Name") if signing_name == "secretsmanager" else None)
    if secret:
        return str(secret) if str(secret).startswith("arn:") else f"arn:aws:secretsmanager:{place}:secret:{secret}"
    table = params.get("TableName") or next(iter(params.get("RequestItems") or {}), None)
    for operation in params.get("TransactItems") or ():
        table = next(iter(operation.values()))["TableName"]
    if table:
        index = f"/index/{params['IndexName']}" if params.get("IndexName") else ""
        return f"arn:aws:dynamodb:{place}:table/{table}{index}"
    return "*"
