# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to Amazon EventBridge: one function per API call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

try:
    from botocore.exceptions import ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.certops.acm.plugins.module_utils.errors import ServiceError
from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler


class EventBridgeErrorHandler(ServiceErrorHandler):
    """Sentences for Amazon EventBridge."""

    SERVICE = "events"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "ResourceNotFoundException": "no {resource} in this account and {region}: check region and assume_role_arn",
    }


@EventBridgeErrorHandler.call("DescribeRule", resource="rule")
def describe_rule(client: Any, rule: str) -> dict[str, Any] | None:
    """Return a rule of the default event bus, or None when there is none."""
    try:
        answer: dict[str, Any] = client.describe_rule(Name=rule)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
    return answer


@EventBridgeErrorHandler.call("ListTargetsByRule", resource="rule")
def list_targets(client: Any, rule: str) -> list[dict[str, Any]]:
    """Return the targets of a rule; AWS allows five, so there is one page."""
    targets: list[dict[str, Any]] = client.list_targets_by_rule(Rule=rule)["Targets"]
    return targets


@EventBridgeErrorHandler.call("DescribeApiDestination", resource="name")
def describe_api_destination(client: Any, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.describe_api_destination(Name=name)
    return answer


@EventBridgeErrorHandler.call("DescribeConnection", resource="name")
def describe_connection(client: Any, name: str) -> dict[str, Any]:
    """Return a connection; AWS never returns the secret in it."""
    answer: dict[str, Any] = client.describe_connection(Name=name)
    return answer


@EventBridgeErrorHandler.call("PutEvents")
def put_event(client: Any, entry: Mapping[str, Any]) -> str:
    """Send one event to the default event bus; return its id."""
    [answer] = client.put_events(Entries=[dict(entry)])["Entries"]
    if "EventId" not in answer:
        reason = answer.get("ErrorMessage") or "no reason given"
        raise ServiceError(
            f"EventBridge did not take the event: {reason}",
            operation="events:PutEvents",
            code=answer.get("ErrorCode"),
        )
    return str(answer["EventId"])
