# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rates, queues, topics, members and the background: the rest of what the delivery of events has to keep."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from delivery import MEMBER, Clock, Delivery
from delivery.door import Door
from delivery.samples import sample
from standin.client import DEFAULT_ACCOUNT, Standin
from standin.stack_names import Place

Deliver = Callable[..., Delivery]
RENEWAL = sample("available-renewal-bool")
OTHER = "444455556666"


# Rates


def test_calls_are_not_faster_than_the_rate(deliver: Deliver, door: Door) -> None:
    delivery = deliver(InvocationRate="2")
    delivery.send(*[sample("available-renewal-bool", id=str(number)) for number in range(7)])
    tried = delivery.deliver_pending()
    assert [one.at for one in tried] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


def test_a_burst_calls_the_door_at_the_same_time(deliver: Deliver, door: Door) -> None:
    door.seconds = 0.3
    delivery = deliver(InvocationRate="300")
    delivery.send(*[RENEWAL] * 20)
    delivery.deliver_pending()
    assert len(door.requests) == 20 and door.busiest > 5


# Other targets


def test_the_queue_gets_the_event_as_it_is(deliver: Deliver) -> None:
    delivery = deliver("sqs")
    delivery.send(RENEWAL, sample("health-renewal-state-change"), sample("expired"))
    delivery.deliver_pending()
    taken = {event["source"]: event for event in delivery.queues.take()}
    assert taken == {"aws.acm": RENEWAL, "aws.health": sample("health-renewal-state-change")}


def test_a_message_that_nobody_finishes_reaches_the_dead_letter_queue(deliver: Deliver, standin: Standin) -> None:
    delivery = deliver("sqs")
    delivery.send(RENEWAL)
    delivery.deliver_pending()
    sqs = standin.client("sqs")
    for _time in range(6):
        for message in sqs.receive_message(QueueUrl=delivery.queues.url).get("Messages", []):
            sqs.change_message_visibility(
                QueueUrl=delivery.queues.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
    assert [letter.event for letter in delivery.dead_letters()] == [RENEWAL]


def test_a_queue_that_refuses_is_told_in_the_dead_letter_queue(deliver: Deliver, standin: Standin) -> None:
    delivery = deliver("sqs")
    standin.client("sqs").delete_queue(QueueUrl=delivery.queues.url)
    delivery.send(RENEWAL)
    delivery.deliver_pending()
    assert [letter.event for letter in delivery.dead_letters()] == [RENEWAL]


@pytest.mark.parametrize("name", ["action-required", "approaching-expiration", "expired", "revoked"])
def test_alerts_reach_the_topic_and_start_no_run(deliver: Deliver, door: Door, name: str) -> None:
    delivery = deliver()
    delivery.send(sample(name))
    delivery.deliver_pending()
    assert delivery.alerts == [sample(name)] and door.requests == []


# Members


def members(standin: Standin, hub: Delivery, account: str, region: str, organization: str = "") -> Delivery:
    bus = hub.stack.outputs["EventBusArn"]
    place = Place("certops-member", account, region)
    return Delivery(MEMBER, {"EventBusArn": bus}, standin, place=place, buses={bus: hub}, organization=organization)


@pytest.mark.parametrize(
    ("account", "region", "organization"),
    [(DEFAULT_ACCOUNT, "us-east-1", ""), (OTHER, "eu-west-1", ""), ("777788889999", "us-east-1", "o-1234567890")],
)
def test_members_forward_to_one_bus(
    deliver: Deliver, door: Door, standin: Standin, account: str, region: str, organization: str
) -> None:
    hub = deliver(MemberAccounts=OTHER, OrganizationId="o-1234567890")
    member = members(standin, hub, account, region, organization)
    arn = standin.request("shop.example.com", account=account, region=region)
    assert [tried.delivered for tried in member.deliver_pending()] == [True]
    hub.deliver_pending()
    assert [request.json["resources"] for request in door.requests] == [[arn]]


def test_the_bus_refuses_strangers_and_their_events_wait(deliver: Deliver, door: Door, standin: Standin) -> None:
    hub = deliver(MemberAccounts=OTHER)
    member = members(standin, hub, "777788889999", "eu-west-1", "o-9999999999")
    standin.request("shop.example.com", account="777788889999")
    member.deliver_pending()
    hub.deliver_pending()
    assert door.requests == []
    assert [letter.attributes["ERROR_CODE"] for letter in member.dead_letters()] == ["NO_PERMISSIONS"]


# In the background


def test_in_the_background_time_runs_by_its_clock(deliver: Deliver, door: Door, standin: Standin) -> None:
    door.answers = [503, 503, 503, 201]
    with deliver(clock=Clock(speed=60)).running() as delivery:
        standin.request("shop.example.com")
        end = time.monotonic() + 30
        while not any(tried.delivered for tried in delivery.tried) and time.monotonic() < end:
            time.sleep(0.05)
    assert [tried.status for tried in delivery.tried] == [503, 503, 503, 201]
    gaps = [later.at - earlier.at for earlier, later in zip(delivery.tried, delivery.tried[1:])]
    assert all(gap >= wanted for gap, wanted in zip(gaps, (1, 2, 4)))


def test_a_clock_that_stands_still_cannot_run_in_the_background(deliver: Deliver) -> None:
    with pytest.raises(ValueError, match="speed"), deliver().running():
        pass
