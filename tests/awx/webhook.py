# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doors for webhooks: a key instead of a user, the whole body as a variable, repeats ignored."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from .answers import Request, forbidden

SERVICES = ("github", "gitlab", "bitbucket_dc")


def check(template: Mapping[str, Any], service: str, request: Request) -> None:
    """Let a delivery in, or answer 403 without a reason."""
    key = str(template["webhook_key"])
    if template["webhook_service"] != service or not key or service not in ("github", "gitlab"):
        raise forbidden()
    if service == "gitlab":
        expected, given = key, request.headers.get("x-gitlab-token", "")
    else:
        expected = "sha1=" + hmac.new(key.encode(), request.body, hashlib.sha1).hexdigest()
        given = request.headers.get("x-hub-signature", "")
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise forbidden()


def guid(service: str, request: Request) -> str:
    """What makes two deliveries the same: GitHub says so, for GitLab the body does."""
    if service == "github":
        return request.headers.get("x-github-delivery", "")
    return hashlib.sha1(request.body).hexdigest()


def variables(service: str, request: Request) -> dict[str, Any]:
    """Extra variables of the job, under AWX's name and its old one."""
    facts = {
        "event_type": request.headers.get(f"x-{service}-event"),
        "event_guid": guid(service, request),
        "event_ref": None,
        "status_api": None,
        "payload": request.json(),
    }
    return {f"{name}_webhook_{fact}": value for name in ("awx", "tower") for fact, value in facts.items()}
