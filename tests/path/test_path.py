# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each door in turn to the last handshake; the event late, too often, in the wrong order; and who works is killed.

All on real hosts: jobs really play renew.yml, and ansible-rulebook is the real one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eda.rulebook import Rulebook
from path.site import HOSTS, Site, deliver_to, launch, parameters, rings, scheduled, template

from awx import Awx, Job
from awx.jobs import ENDED
from delivery import Delivery

DISORDER, KILLED = "Too late, too often, in the wrong order", "Killed"
AT_ONCE = {"certops_waves": ["100%"]}
Say = Callable[..., None]


def ended_well(jobs: list[Job], count: int) -> None:
    """So many jobs, and none that somebody would have to look at."""
    assert [job.status for job in jobs] == ["successful"] * count, "\n".join(job.output for job in jobs)
    assert not [job.output for job in jobs if "fatal:" in job.output or "[ERROR]" in job.output]


def changed(jobs: list[Job]) -> list[int]:
    """Hosts that each job changed, the most first."""
    return sorted((job.record["artifacts"]["certops_report"]["changed"] for job in jobs), reverse=True)


def nothing_is_left(delivery: Delivery) -> None:
    assert delivery.dead_letters() == delivery.lost == [] and not rings(delivery)


@pytest.mark.parametrize("door", ["awx_webhook", "awx_launch"])
def test_through_awx_the_newer_event_first(
    site: Site, awx: Awx, door: str, measured: Callable[[str, float], None], tell: Say
) -> None:
    made = template(awx, door)
    delivery = deliver_to(site.lab.aws, awx, parameters(awx, door, made))
    older = site.renew()
    site.renewed_at = time.monotonic()
    newer = site.renew_again()
    site.lab.aws.control("clear_events")
    delivery.send(newer)
    delivery.deliver_pending()
    measured(door, site.until_served())
    jobs = awx.jobs.wait(300)
    ended_well(jobs, 1)
    assert jobs[0].record["launch_type"] == ("webhook" if door == "awx_webhook" else "manual")
    report = {
        "changed": len(HOSTS),
        "up_to_date": 0,
        "statuses": {"verified": len(HOSTS)},
        "failures": [],
        "alarms": [],
        "warnings": [],
    }
    assert jobs[0].record["artifacts"] == {"certops_report": report}
    site.done_once()

    delivery.send(older)
    delivery.deliver_pending()
    jobs = awx.jobs.wait(300)
    ended_well(jobs, 2)
    assert changed(jobs) == [len(HOSTS), 0]
    site.done_once()

    delivery.send(newer)
    delivery.deliver_pending()
    nothing_is_left(delivery)
    if door == "awx_webhook":
        assert len(awx.jobs.wait(300)) == 2, "AWX knows the event already"
    else:
        ended_well(awx.jobs.wait(300), 3)
    site.done_once()
    outcome = "one export, one change of each host, no way back; the later events find nothing to do"
    how = "two renewals; the event of the newer, then that of the older, then the newer again"
    tell(DISORDER, "events in reverse order", f"`{door}`", how, outcome)


def test_the_same_event_20_times_at_once_and_a_late_answer(site: Site, awx: Awx, tell: Say) -> None:
    """By the door that takes every one of them; four jobs at the same time, as many as AWX has room for."""
    made = template(awx, "awx_launch", allow_simultaneous=True, extra_vars=AT_ONCE)
    given = {**parameters(awx, "awx_launch", made), "InvocationRate": "300"}
    delivery = deliver_to(site.lab.aws, awx, given)
    awx.faults.delay(6, times=1)
    event = site.renew()
    delivery.send(*[event] * 19)
    tried = delivery.deliver_pending()
    # EventBridge does not wait for 6 seconds and calls again: that event has two jobs.
    assert sorted((one.status, one.delivered) for one in tried) == [(0, False)] + [(201, True)] * 20
    jobs = awx.jobs.wait(500)
    ended_well(jobs, 21)
    assert changed(jobs) == [len(HOSTS)] + [0] * 20
    site.done_once()
    nothing_is_left(delivery)
    outcome = "the event has two jobs: one export, one change of each host, the second job finds nothing to do"
    tell(
        DISORDER,
        "the answer comes after 6 seconds",
        "`awx_launch`",
        "one of the 20 below: EventBridge waits 5 and calls again",
        outcome,
    )
    outcome = "20 jobs, all end well: one export, one change of each host; jobs that meet wait for the one at work"
    tell(DISORDER, "the same event 20 times at once", "`awx_launch`", "20 jobs, four at the same time", outcome)


def test_another_run_is_at_work(site: Site, awx: Awx, tell: Say) -> None:
    """A message is only deleted when the work is done: the other run may die."""
    delivery = deliver_to(site.lab.aws, awx, parameters(awx, "sqs", {}))
    site.renew()
    delivery.deliver_pending()
    [message] = delivery.queues.receive()
    site.set_lease("a run that will be killed", 500)
    given = {"queue_url": delivery.queues.url, "receipt_handle": message["ReceiptHandle"]}
    variables = {"acm_event": message["Body"], "certops_message": given, **AT_ONCE}
    busy = site.lab.playbook("certops.acm.renew", variables)
    assert busy.returncode == 0 and "held by a run that will be killed" in busy.output, busy.output
    assert delivery.queues.held(delivery.queues.url) == 1, "the message was deleted although nobody did the work"
    assert (site.exports, site.visits()) == (0, dict.fromkeys(HOSTS, 0))
    site.free_lease()

    run = site.lab.playbook("certops.acm.renew", variables)
    assert run.returncode == 0, run.output
    assert delivery.queues.held(delivery.queues.url) == 0
    site.must_serve(site.current)
    nothing_is_left(delivery)
    outcome = (
        "the run ends well and says so; the message is hidden until the other lease must have ended, then comes again"
    )
    tell(DISORDER, "another run holds the lease", "`sqs`", "a lease of a run that is never heard of again", outcome)


def test_over_sqs_and_a_rulebook_that_is_killed(
    site: Site, awx: Awx, tmp_path: Path, measured: Callable[[str, float], None], tell: Say
) -> None:
    delivery = deliver_to(site.lab.aws, awx, parameters(awx, "sqs", {}))
    queue: Any = delivery.queues
    site.renew()
    delivery.deliver_pending()
    with Rulebook(site.lab, queue, tmp_path, visibility_timeout=10) as rulebook:
        rulebook.until(lambda: queue.waiting(queue.url) == 0, "the receipt of the message")
        rulebook.kill()
    assert not [call for call in site.lab.aws.counts() if call.startswith(("dynamodb:", "acm:Describe"))], "a job began"
    assert queue.held(queue.url) == 1
    site.must_serve(site.before)

    with Rulebook(site.lab, queue, tmp_path) as rulebook:
        rulebook.until(lambda: queue.held(queue.url) == 0, "the empty queue")
        site.done_once()

        site.renew()
        delivery.deliver_pending()
        measured("sqs", site.until_served())
        rulebook.until(lambda: queue.held(queue.url) == 0, "the empty queue")
        site.done_once()
    nothing_is_left(delivery)
    outcome = "the message is in the queue, and comes again when its visibility timeout is over: one export, new served"
    tell(KILLED, "the rulebook, between message and job", "`sqs`", "SIGKILL when it has received the message", outcome)


def test_a_run_that_lost_its_lease_stops(site: Site, awx: Awx, tell: Say) -> None:
    """It was slower than its lease is valid, and another run has taken over."""
    made = template(awx, "awx_launch", extra_vars={**AT_ONCE, "certops_lease_ttl": 60})
    delivery = deliver_to(site.lab.aws, awx, parameters(awx, "awx_launch", made))
    site.lab.aws.latency("dynamodb:GetItem", 3000)
    site.renew()
    delivery.deliver_pending()
    site.until(lambda: site.exports == 1, "the export")
    site.set_lease("another run", 300)
    [job] = awx.jobs.wait(300)
    site.lab.aws.clear_faults()
    assert job.status == "failed" and "is lost" in job.output and "another run has it now" in job.output, job.output
    assert "not touched, and left to the next run: web1" in job.output
    assert site.visits() == dict.fromkeys(HOSTS, 0)
    lease = site.lease()
    assert lease and lease["owner"] == "another run", "what is another's is not given back"
    site.free_lease()

    again = scheduled(awx, made)
    assert again.status == "successful", again.output
    site.must_serve(site.current)
    assert site.visits() == dict.fromkeys(HOSTS, 1)
    nothing_is_left(delivery)
    outcome = "it records and installs nothing more, and fails with the reason; the next run does the rest"
    tell(
        KILLED, "a run is so slow that another takes its lease", "`awx_launch`", "it does so after the export", outcome
    )


def records_written(site: Site) -> bool:
    """The first transaction records the export, the second hosts."""
    return site.lab.aws.counts().get("dynamodb:TransactWriteItems", 0) > 1


def waits(site: Site) -> bool:
    """A run has asked for the lease more than once."""
    return site.lab.aws.counts().get("dynamodb:UpdateItem", 0) > 2


def test_renew_is_killed_when_half_of_the_hosts_are_done(site: Site, awx: Awx, tell: Say) -> None:
    made = template(awx, "awx_webhook", extra_vars={**AT_ONCE, "certops_batch": 2})
    delivery = deliver_to(site.lab.aws, awx, parameters(awx, "awx_webhook", made))
    site.renew()
    delivery.deliver_pending()
    [job] = awx.jobs.all
    site.until(lambda: records_written(site), "the record of two hosts")
    job.kill()
    assert site.exports == 1
    assert awx.jobs.wait(60)[0].status == "failed", "AWX tells somebody"
    half = {host: site.before if host in HOSTS[2:] else site.current for host in HOSTS}
    assert site.served() == half
    lease = site.lease()
    assert lease and lease["owner"] == f"awx job {job.id}" and lease["expires_at"] - time.time() < 620

    # The schedule's job waits for that lease. Nobody waits for ten minutes here: they pass when it is seen to wait.
    site.lab.aws.reset_counts()
    launch(awx, made, {})
    site.until(lambda: waits(site) or (len(awx.jobs.all) == 2 and awx.jobs.all[1].status in ENDED), "the next job")
    site.set_lease(lease["owner"], -1)
    again = awx.jobs.wait(300)[-1]
    assert again.status == "successful", again.output
    assert again.record["artifacts"]["certops_report"]["changed"] == 2
    site.must_serve(site.current)
    assert site.visits() == dict.fromkeys(HOSTS, 1), "those that were done are left alone"
    assert site.exports == 1, "the key is kept nowhere: a second run that installs exports again"
    nothing_is_left(delivery)
    outcome = (
        "two hosts serve new and two old; the lease of the killed run ends within ten minutes, the next run waits for "
        "that, exports again (the key is kept nowhere) and goes to the other two only"
    )
    tell(
        KILLED,
        "`renew.yml`, when half of the hosts are done",
        "`awx_webhook`",
        "SIGKILL after the first batch of their wave",
        outcome,
    )
