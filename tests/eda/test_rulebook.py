# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped rulebook, run by ansible-rulebook itself: no event is lost, whatever dies, and no stranger's acts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eda.rulebook import Queue, Rulebook
from hosts.fleet import HostSpec
from lab import TABLE, Lab

from awx import Awx, Playbook

NAME = "shop.example.com"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(f"eda-{os.getpid()}", (HostSpec("web1", start=("nginx",)),)) as made:
        made.fresh()
        made.arn = made.aws.request(NAME)
        run = made.deploy(made.arn, "shop")
        assert run.returncode == 0, run.output
        yield made


@pytest.fixture
def queue(lab: Lab) -> Queue:
    return Queue(lab)


def renewed(lab: Lab) -> dict[str, Any]:
    """Renew in ACM; the event that EventBridge would deliver."""
    lab.aws.renew(lab.arn, force=True)
    return [event for event in lab.aws.events() if event["detail"].get("Action") == "RENEWAL"][-1]


def is_served(lab: Lab) -> bool:
    return lab.shown("web1", NAME) == lab.fingerprint(lab.arn)


def test_from_the_event_to_the_handshake(lab: Lab, queue: Queue, tmp_path: Path) -> None:
    with Rulebook(lab, queue, tmp_path) as rulebook:
        queue.send({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}})
        queue.send("not JSON")
        queue.send({"id": "e-1", "source": "certops.acm", "detail-type": "certops.acm Test", "detail": {}})
        touched = tmp_path / "touched"
        trap = f"{{{{ lookup('pipe', 'touch {touched}') }}}}{{{{ cycler.__init__.__globals__.os.mkdir('{touched}') }}}}"
        queue.send({"source": trap, "detail-type": trap, "detail": {trap: trap}})
        hostile = renewed(lab)
        hostile["detail"]["DomainName"] = hostile["detail"][trap] = hostile["id"] = trap
        queue.send(hostile)
        seconds = rulebook.until(lambda: is_served(lab), "the new certificate")
        print(f"from the message to the handshake: {seconds:.1f} s, the start of ansible-rulebook included")
        rulebook.until(lambda: queue.messages() == 0, "the empty queue")
    assert not touched.exists(), "text in an event is text"
    assert queue.dead() == 0
    assert "no event of ACM: from 'aws.ec2'" in rulebook.output
    assert "no event of ACM: from ??? lookup" in rulebook.output
    assert "the event is a test of the way that events take: it arrived" in rulebook.output


def test_a_rulebook_killed_at_work_loses_nothing(lab: Lab, queue: Queue, tmp_path: Path) -> None:
    lab.aws.latency("acm:ExportCertificate", 20000)
    lab.aws.reset_counts()
    with Rulebook(lab, queue, tmp_path, visibility_timeout=20) as rulebook:
        queue.send(renewed(lab))
        rulebook.until(lambda: lab.aws.counts().get("dynamodb:UpdateItem", 0) > 0, "the lease")
        rulebook.kill()
    lab.aws.clear_faults()
    assert not is_served(lab)
    assert queue.messages() == 1, "the message was not deleted when it was received"
    free_the_lease(lab)
    with Rulebook(lab, queue, tmp_path, visibility_timeout=3600) as rulebook:
        rulebook.until(lambda: is_served(lab), "the new certificate")
        rulebook.until(lambda: queue.messages() == 0, "the empty queue")


def test_a_run_that_fails_keeps_the_message(lab: Lab, queue: Queue, tmp_path: Path) -> None:
    lab.aws.deny("acm:ExportCertificate")
    with Rulebook(lab, queue, tmp_path) as rulebook:
        queue.send(renewed(lab))
        rulebook.until(lambda: "may not call acm:ExportCertificate" in rulebook.output, "the failure")
        rulebook.until(lambda: "PLAY RECAP" in rulebook.output, "the end of the run")
    lab.aws.clear_faults()
    assert queue.messages() == 1
    assert not is_served(lab)


def test_awx_can_do_the_work(lab: Lab, queue: Queue, tmp_path: Path) -> None:
    with Awx(Playbook(lambda: lab.full_environment, lab.ansible_playbook)) as awx:
        awx.template("certops.acm renew", ask_variables_on_launch=True)
        with Rulebook(lab, queue, tmp_path, awx=awx) as rulebook:
            queue.send({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}})
            rulebook.until(lambda: queue.messages() == 0, "the job for a stranger's event")
            queue.send(renewed(lab))
            rulebook.until(lambda: is_served(lab), "the new certificate")
            rulebook.until(lambda: queue.messages() == 0, "the empty queue")
        jobs = awx.jobs.wait(60)
    assert [job.status for job in jobs] == ["successful"] * 2, [job.output for job in jobs]
    assert jobs[0].record["artifacts"]["certops_report"]["ignored"]
    assert jobs[1].record["artifacts"]["certops_report"]["statuses"] == {"verified": 1}
    assert queue.dead() == 0


def free_the_lease(lab: Lab) -> None:
    """A killed run keeps its lease until it ends by itself; here nobody waits ten minutes."""
    lab.aws.client("dynamodb").delete_item(TableName=TABLE, Key={"pk": {"S": lab.arn}, "sk": {"S": "lease"}})
