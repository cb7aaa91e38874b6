# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queues of a stack, as SQS itself takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .stack_template import Stack


def in_order(stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    """Logical ids and properties; a dead-letter queue comes before the queue that names it."""
    return sorted(stack.of_type("AWS::SQS::Queue").items(), key=lambda item: "RedrivePolicy" in item[1])


def attributes_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """Encryption is left out: it changes nothing that could be seen here."""
    kept = {name: properties[name] for name in ("MessageRetentionPeriod", "VisibilityTimeout") if name in properties}
    if "RedrivePolicy" in properties:
        kept["RedrivePolicy"] = json.dumps(properties["RedrivePolicy"])
    return {name: str(value) for name, value in kept.items()}


def make_queues(stack: Stack) -> None:
    """Make those that are not there yet, inside of the stand-in."""
    from moto.sqs.models import sqs_backends

    backend = sqs_backends[stack.place.account][stack.place.region]
    for logical_id, properties in in_order(stack):
        name = stack.attribute(logical_id, "QueueName")
        if name not in backend.queues:
            backend.create_queue(name, **attributes_of(properties))
