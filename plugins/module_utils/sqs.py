# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to Amazon SQS: one function per API call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler

_NO_QUEUE = (
    "queue {resource} does not exist in {region} of this account: run certops.acm.setup_eventbridge, or check the "
    "queue's URL and region"
)
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class SqsErrorHandler(ServiceErrorHandler):
    """Sentences for Amazon SQS."""

    SERVICE = "sqs"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "AWS.SimpleQueueService.NonExistentQueue": _NO_QUEUE,
        "QueueDoesNotExist": _NO_QUEUE,
        "ReceiptHandleIsInvalid": "receipt_handle is none of queue {resource}: pass the one the message came with",
    }


@SqsErrorHandler.call("GetQueueUrl", resource="name")
def queue_url(client: Any, name: str, account: str) -> str:
    return str(client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])


@SqsErrorHandler.call("GetQueueAttributes", resource="url")
def count_messages(client: Any, url: str) -> int:
    """Return how many messages a queue holds, those that somebody is at work on included."""
    held = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))["Attributes"]
    return sum(int(held[name]) for name in _COUNTS)


@SqsErrorHandler.call("DeleteMessage", resource="url")
def delete_message(client: Any, url: str, receipt_handle: str) -> None:
    """Delete a message that somebody received; one that is gone already is no error."""
    client.delete_message(QueueUrl=url, ReceiptHandle=receipt_handle)


@SqsErrorHandler.call("ChangeMessageVisibility", resource="url")
def change_visibility(client: Any, url: str, receipt_handle: str, *, seconds: int) -> None:
    """Let others see a message again after some seconds."""
    client.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)
