# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The door does not take the event: jobs are counted and not played, by EventBridge's clock.

What a job does when it came is not the question here; that the event is not lost is. The last test asks what then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from path.site import Site, deliver_to, parameters, rings, scheduled, template

from awx import Awx
from delivery import Delivery
from standin.client import Standin

PART = "The door does not take the event"
HOUR = 3600.0
AWX_DOORS = ("awx_webhook", "awx_launch")
on_both = pytest.mark.parametrize("door", AWX_DOORS)
Say = Callable[..., None]


@pytest.fixture(scope="module")
def process() -> Iterator[Standin]:
    with Standin() as aws:
        yield aws


@pytest.fixture
def aws(process: Standin) -> Standin:
    process.reset()
    return process


@pytest.fixture
def counting() -> Iterator[Awx]:
    """AWX, whose jobs do nothing but are counted."""
    with Awx() as made:
        yield made


def renewed(aws: Standin, awx: Awx, door: str) -> Delivery:
    """ACM has renewed; its event is about to be delivered."""
    arn = aws.request("shop.example.com")
    made = template(awx, door)
    delivery = deliver_to(aws, awx, parameters(awx, door, made))
    aws.renew(arn, force=True)
    return delivery


def one_job(awx: Awx, delivery: Delivery) -> None:
    """The event arrived once, whole, and lies nowhere else."""
    [job] = awx.jobs.wait(30)
    given = job.variables.get("acm_event") or job.variables["awx_webhook_payload"]
    assert given["detail"]["Action"] == "RENEWAL"
    assert delivery.dead_letters() == delivery.lost == []
    assert not rings(delivery)


@on_both
def test_down_for_an_hour(aws: Standin, counting: Awx, door: str, tell: Say) -> None:
    delivery = renewed(aws, counting, door)
    counting.down()
    tried = delivery.deliver_pending(HOUR)
    assert len(tried) > 10 and not any(one.delivered for one in tried)
    assert counting.jobs.all == [] and not rings(delivery), "EventBridge still tries"
    counting.up()
    last = delivery.deliver_pending()[-1]
    assert last.delivered and last.at < HOUR + 600
    one_job(counting, delivery)
    outcome = "EventBridge tries on; one job, at most ten minutes after the door is back"
    tell(PART, "down for an hour", f"`{door}`", "connections refused for an hour of EventBridge's clock", outcome)


@pytest.mark.parametrize("status", [401, 429, 500])
@on_both
def test_refused_for_a_while(aws: Standin, counting: Awx, door: str, status: int, tell: Say) -> None:
    delivery = renewed(aws, counting, door)
    counting.faults.refuse(status, times=3)
    assert [one.status for one in delivery.deliver_pending()][:3] == [status] * 3
    assert len(counting.seen) == 4
    one_job(counting, delivery)
    tell(PART, f"answers {status} for a while", f"`{door}`", "three times", "tried again until it is taken; one job")


@pytest.mark.parametrize("status", [401, 429, 500])
@on_both
def test_refused_for_a_day(aws: Standin, counting: Awx, door: str, status: int, tell: Say) -> None:
    delivery = renewed(aws, counting, door)
    counting.faults.refuse(status)
    tried = delivery.deliver_pending()
    assert len(tried) > 100 and tried[-1].at > 23 * HOUR
    buried(counting, delivery, status)
    outcome = "given up after 24 hours; the event is in the dead-letter queue, the alarm rings"
    tell(PART, f"answers {status} for good", f"`{door}`", "every time", outcome)


@pytest.mark.parametrize("status", [403, 404])
@on_both
def test_refused_once(aws: Standin, counting: Awx, door: str, status: int, tell: Say) -> None:
    delivery = renewed(aws, counting, door)
    counting.faults.refuse(status)
    assert len(delivery.deliver_pending()) == 1
    buried(counting, delivery, status)
    outcome = "not tried again; the event is in the dead-letter queue, the alarm rings"
    tell(PART, f"answers {status}", f"`{door}`", "once", outcome)


def buried(awx: Awx, delivery: Delivery, status: int) -> None:
    assert awx.jobs.all == [] and delivery.lost == []
    assert rings(delivery)
    [letter] = delivery.dead_letters()
    assert letter.event["detail"]["Action"] == "RENEWAL" and str(status) in letter.attributes["ERROR_MESSAGE"]


def test_a_queue_that_is_gone(aws: Standin, counting: Awx, tell: Say) -> None:
    delivery = renewed(aws, counting, "sqs")
    aws.client("sqs").delete_queue(QueueUrl=delivery.queues.url)
    delivery.deliver_pending()
    assert rings(delivery) and delivery.lost == []
    assert [letter.event["detail"]["Action"] for letter in delivery.dead_letters()] == ["RENEWAL"]
    outcome = "not tried again; the event is in the dead-letter queue, the alarm rings"
    tell(PART, "the queue is gone", "`sqs`", "somebody deleted it", outcome)


def test_what_was_never_delivered_the_schedule_repairs(site: Site, awx: Awx, tell: Say) -> None:
    """On real hosts: the webhook's key was changed, and nobody told EventBridge."""
    made = template(awx, "awx_webhook")
    given = {**parameters(awx, "awx_webhook", made), "Secret": "the key from before"}
    delivery = deliver_to(site.lab.aws, awx, given)
    site.renew()
    assert [one.status for one in delivery.deliver_pending()] == [403]
    assert awx.jobs.all == [] and rings(delivery) and len(delivery.dead_letters()) == 1
    site.must_serve(site.before)

    job = scheduled(awx, made)
    assert job.status == "successful", job.output
    site.done_once()
    outcome = (
        "the old certificate is served and valid; then the schedule's job finds the renewal: one export, new served"
    )
    tell(PART, "the event never arrives", "`awx_webhook`", "a webhook key that is no longer valid; real hosts", outcome)
