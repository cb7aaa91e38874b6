# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queues of a stack: real ones of the stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from standin.client import Standin
from standin.stack_queues import attributes_of, in_order
from standin.stack_template import Stack

from .jobs import DeadLetter, Job
from .targets import Outcome


class Queues:
    """Makes the queues that are not there yet."""

    def __init__(self, stack: Stack, standin: Standin) -> None:
        self._client = standin.client("sqs", account=stack.place.account, region=stack.place.region)
        self._urls: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        for logical_id, properties in in_order(stack):
            name = stack.attribute(logical_id, "QueueName")
            url = self._client.create_queue(QueueName=name, Attributes=attributes_of(properties))["QueueUrl"]
            self._by_name[logical_id] = self._urls[stack.attribute(logical_id, "Arn")] = url

    @property
    def url(self) -> str:
        """Of the queue behind door ``sqs``."""
        return self._by_name["Queue"]

    @property
    def dead_letter_url(self) -> str:
        return self._by_name["DeadLetterQueue"]

    def waiting(self, url: str) -> int:
        """Messages that whoever polls would get now: CloudWatch's metric of the same name."""
        name = "ApproximateNumberOfMessages"
        found = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
        return int(found[name])

    def held(self, url: str) -> int:
        """Messages in the queue, those included that somebody has received and not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def receive(self) -> list[dict[str, Any]]:
        """Messages of the queue behind door ``sqs``, as whoever polls gets them: they stay in it."""
        return list(self._client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []))

    def put(self, arn: str, body: str) -> Outcome:
        """A message for whoever polls."""
        try:
            self._client.send_message(QueueUrl=self._urls[arn], MessageBody=body)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return Outcome(False, status >= 500, code=error.response["Error"]["Code"], message=str(error))
        return Outcome(True)

    def bury(self, arn: str, job: Job, outcome: Outcome, exhausted: str) -> None:
        """Put an event into a dead-letter queue, with the attributes that EventBridge documents."""
        said = {
            "RULE_ARN": job.rule_arn,
            "TARGET_ARN": job.target["Arn"],
            "ERROR_CODE": outcome.code,
            "ERROR_MESSAGE": outcome.message,
            "RETRY_ATTEMPTS": str(job.retries),
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
        }
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in said.items()}
        self._client.send_message(
            QueueUrl=self._urls[arn], MessageBody=json.dumps(job.event), MessageAttributes=attributes
        )

    def take(self) -> list[dict[str, Any]]:
        """All messages of the queue behind door ``sqs``, taken out of it."""
        return [json.loads(message["Body"]) for message in self._drain(self.url)]

    def take_dead_letters(self) -> list[DeadLetter]:
        return [
            DeadLetter(
                json.loads(message["Body"]),
                {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()},
            )
            for message in self._drain(self.dead_letter_url)
        ]

    def _drain(self, url: str) -> Iterator[dict[str, Any]]:
        for _round in range(1000):
            got = self._client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
            ).get("Messages", [])
            if not got:
                return
            for message in got:
                yield message
                self._client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
