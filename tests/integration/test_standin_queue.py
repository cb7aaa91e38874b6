# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in makes of moto's SQS: a long poll ends with the first message, and keeps nobody waiting."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from standin.client import Standin


def test_a_long_poll_ends_with_the_first_message(standin: Standin) -> None:
    sqs = standin.client("sqs")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]

    def receive() -> tuple[list[dict[str, Any]], float]:
        started = time.monotonic()
        return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", []), time.monotonic() - started

    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(receive)
        while "sqs:ReceiveMessage" not in standin.counts() and not polled.done():
            time.sleep(0.1)
            sqs.send_message(QueueUrl=url, MessageBody="hello")
        messages, seconds = polled.result()
    assert [message["Body"] for message in messages][:1] == ["hello"]
    assert seconds < 15
    assert standin.counts()["sqs:ReceiveMessage"] == 1


def test_a_long_poll_without_messages_ends_in_time(standin: Standin) -> None:
    sqs = standin.client("sqs")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    started = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert time.monotonic() - started >= 1
