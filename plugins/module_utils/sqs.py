# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to SQS: one function per API call, for one message that somebody else received."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler


class SqsErrorHandler(ServiceErrorHandler):
    """Sentences for SQS."""

    SERVICE = "sqs"
    _GONE = "queue {resource} does not exist in {region}: check queue_url and region"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "QueueDoesNotExist": _GONE,
        "AWS.SimpleQueueService.NonExistentQueue": _GONE,
        "ReceiptHandleIsInvalid": "receipt_handle is none of queue {resource}: pass the one the message came with",
    }


@SqsErrorHandler.call("DeleteMessage", resource="queue_url")
def delete_message(client: Any, queue_url: str, receipt_handle: str) -> None:
    """Delete a message; one that is gone already is no error."""
    client.delete_message(QueueUrl=queue_url, ReceiptHandle=receipt_handle)


@SqsErrorHandler.call("ChangeMessageVisibility", resource="queue_url")
def change_visibility(client: Any, queue_url: str, receipt_handle: str, *, seconds: int) -> None:
    """Let others see a message again after some seconds."""
    client.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)
