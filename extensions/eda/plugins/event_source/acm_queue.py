# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An SQS queue of ACM's events, whose messages stay in it until the work is done.

Other sources delete a message as soon as they have it: when the rulebook or its playbook dies, the event is
gone. This one only hands it on, with what is needed to delete it, and certops.acm.renew deletes it when it
ended well. Otherwise it comes again when its visibility timeout is over, and after too many times it goes to
the queue's dead-letter queue.

ansible-rulebook runs this file by itself: it may import nothing of the collection.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

DOCUMENTATION = r"""
---
module: acm_queue
short_description: Receive ACM's events from an SQS queue that keeps them until the work is done
options:
  queue_url:
    description: URL of the queue.
    type: str
    required: true
  region:
    description: Region of the queue; the environment's if it is left out.
    type: str
  endpoint_url:
    description: Where AWS is, for tests.
    type: str
  visibility_timeout:
    description: >-
      Seconds until a message comes again. Must be longer than a run of the playbook, and than the queueing before it.
    type: int
    default: 3600
  wait_seconds:
    description: Length of a long poll, at most 20.
    type: int
    default: 20
"""

EXAMPLES = r"""
- certops.acm.acm_queue:
    queue_url: https://sqs.eu-west-1.amazonaws.com/111122223333/certops-acm-events
    region: eu-west-1
"""

# The last sends test events, which renew.yml only acknowledges: so the whole way is tested.
SOURCES = ("aws.acm", "aws.health", "certops.acm")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

logger = logging.getLogger(__name__)


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put ``{"acm_event": <JSON text>, "certops_message": {...}}`` on the queue for each message.

    The event stays text: nothing on its way to the playbook looks for templates in it.
    """
    if not args.get("queue_url"):
        raise ValueError("queue_url is missing: give the URL of the queue that the events go to")
    client = boto3.client("sqs", region_name=args.get("region"), endpoint_url=args.get("endpoint_url") or None)
    pause = FIRST_PAUSE
    while True:
        try:
            messages = await asyncio.to_thread(_receive, client, args)
            pause = FIRST_PAUSE
        except (BotoCoreError, ClientError) as error:
            # AWS or the network is away for a while: the messages wait in the queue.
            logger.error("the queue cannot be read, next try in %g s: %s", pause, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            continue
        for message in messages:
            await queue.put(_event(args, message))


def _receive(client: Any, args: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.receive_message(
        QueueUrl=args["queue_url"],
        MaxNumberOfMessages=10,
        VisibilityTimeout=int(args.get("visibility_timeout", 3600)),
        WaitTimeSeconds=int(args.get("wait_seconds", 20)),
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def _event(args: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    receipt = {"queue_url": args["queue_url"], "receipt_handle": message["ReceiptHandle"]}
    receipt.update({key: args[key] for key in ("region",) if args.get(key)})
    return {"acm_event": message["Body"], "certops_message": receipt, "foreign": _foreign(message["Body"])}


def _foreign(body: str) -> str:
    """Return why a message is none of ours, empty if it may be one; renew.yml looks closer."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return "not JSON"
    source = event.get("source") if isinstance(event, dict) else None
    # Anybody may write that: no sign is left that a template could be made of.
    return "" if source in SOURCES else "from " + re.sub(r"[^\w .,:/'-]", "?", ascii(source)[:60])


if __name__ == "__main__":

    class _Printing:
        async def put(self, event: Any) -> None:
            print(event)

    asyncio.run(main(_Printing(), {"queue_url": input("queue_url: ")}))  # type: ignore[arg-type]
