# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The path of events as it is wired: rule, target, API destination, connection, queues.

It starts at the rule and follows the ARNs, so that what is looked at is what EventBridge uses.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import eventbridge, sqs
from ansible_collections.certops.acm.plugins.module_utils.event import TEST_SOURCE

TEST_EVENT = {
    "Source": TEST_SOURCE,
    "DetailType": f"{TEST_SOURCE} Test",
    "Detail": json.dumps({"purpose": "a check of the path of events; nothing is to be done"}),
}


def look(events: Any, queues: Any, rule_name: str) -> dict[str, Any]:
    """Return what a module returns: ``rule`` (None when there is none) and ``targets``.

    Args:
        events: client of EventBridge.
        queues: client of SQS.
        rule_name: the rule that matches renewals.

    Raises:
        ServiceError: AWS refused a call, or something on the path does not exist.
    """
    rule = eventbridge.describe_rule(events, rule=rule_name)
    if rule is None:
        return {"rule": None, "targets": []}
    targets = [_target(events, queues, target) for target in eventbridge.list_targets(events, rule=rule_name)]
    return {"rule": {"name": rule_name, "state": rule["State"]}, "targets": targets}


def _target(events: Any, queues: Any, target: dict[str, Any]) -> dict[str, Any]:
    arn = str(target["Arn"])
    dead = target.get("DeadLetterConfig", {}).get("Arn")
    transformer = target.get("InputTransformer", {})
    seen: dict[str, Any] = {
        "arn": arn,
        "input_template": transformer.get("InputTemplate"),
        "dead_letter_queue": _queue(queues, dead) if dead else None,
    }
    if ":api-destination/" in arn:
        return {**seen, **_destination(events, arn.split("/")[1])}
    if ":sqs:" in arn:
        return {**seen, "queue": _queue(queues, arn)}
    return seen


def _destination(events: Any, name: str) -> dict[str, Any]:
    destination = eventbridge.describe_api_destination(events, name=name)
    connection = eventbridge.describe_connection(events, name=destination["ConnectionArn"].split("/")[1])
    key = connection.get("AuthParameters", {}).get("ApiKeyAuthParameters", {})
    return {
        "api_destination": {
            "name": name,
            "state": destination["ApiDestinationState"],
            "endpoint": destination["InvocationEndpoint"],
        },
        "connection": {
            "name": connection["Name"],
            "state": connection["ConnectionState"],
            "reason": connection.get("StateReason"),
            "header": key.get("ApiKeyName"),
        },
    }


def _queue(queues: Any, arn: str) -> dict[str, Any]:
    account, name = arn.split(":")[4:6]
    return {"name": name, "messages": sqs.count_messages(queues, url=sqs.queue_url(queues, name=name, account=account))}
