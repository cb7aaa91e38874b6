# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that meet: one that lost its lease does no more, one that cannot have it says so, wherever the clocks are."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attacks.site import TABLE, Site
from integration.playbook import PlaybookRun

from ansible_collections.certops.acm.plugins.module_utils import dynamodb, leasing
from ansible_collections.certops.acm.plugins.module_utils.lease import HeldLease, LeaseRequest

DAY = 86400


class Other:
    """Another run, on a controller whose clock may be wrong."""

    def __init__(self, site: Site, owner: str = "awx job 4710", ahead: float = 0) -> None:
        self.client, self.owner, self.ahead = site.aws.client("dynamodb"), owner, ahead

    def take(self, arn: str, ttl: int = 600) -> HeldLease:
        request = LeaseRequest(arn, self.owner, ttl=ttl)
        held = leasing.hold(self.client, TABLE, request, clock=lambda: time.time() + self.ahead).held
        assert held, "the other run gets the lease"
        return held

    def release(self, held: HeldLease) -> None:
        assert leasing.release(self.client, TABLE, LeaseRequest(held.certificate_arn, self.owner, fence=held.fence))[0]


def successor(site: Site, ahead: float = DAY) -> HeldLease:
    """Another run, to whom every lease has run out, takes the lease."""
    return Other(site, ahead=ahead).take(site.arn)


def successor_that_is_done(site: Site) -> None:
    """It takes the lease, and gives it back: the lease is free again."""
    Other(site, ahead=DAY).release(successor(site))


def operator(site: Site) -> None:
    """Somebody releases the lease of whoever holds it."""
    client = site.aws.client("dynamodb")
    [lease] = [item for item in map(dynamodb.decode, site.items()) if item["sk"] == "lease"]
    assert leasing.release(client, TABLE, LeaseRequest(site.arn, lease["owner"]))[0]


def meanwhile(site: Site, reached: Callable[[], bool], act: Callable[[], object], **variables: Any) -> PlaybookRun:
    """Renew, and act once when something is reached."""
    seen: list[bool] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if reached():
                act()
                seen.append(True)
                return
            time.sleep(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    run = site.play("renew", extra_vars=variables)
    over.set()
    thread.join()
    assert seen, f"it never came to that:\n{run.output}"
    return run


def called(site: Site, action: str) -> Callable[[], bool]:
    """Whether AWS answered such a call."""
    return lambda: site.aws.counts().get(action, 0) > 0


def records(site: Site) -> dict[str, str]:
    """Serial that is recorded for each host."""
    found = [dynamodb.decode(item) for item in site.items()]
    return {item["host"]: item["serial"] for item in found if item["sk"].startswith("deployment#")}


def exported(site: Site) -> str:
    [item] = [dynamodb.decode(item) for item in site.items() if item["sk"]["S"] == "export"]
    return str(item["serial"])


@pytest.mark.parametrize(
    ("break_it", "ttl"),
    [
        pytest.param(successor_that_is_done, 600, marks=pytest.mark.every_core),
        (successor_that_is_done, 3),
        (successor, 600),
        (operator, 600),
    ],
)
def test_a_run_that_lost_its_lease_during_the_export(site: Site, break_it: Callable[[Site], object], ttl: int) -> None:
    """Whether it would have extended its lease then or not."""
    assert site.deploy().returncode == 0
    before = (site.served(), records(site), exported(site))
    site.aws.renew(site.arn, force=True)
    site.aws.reset_counts()
    # An answer that takes long: it is counted when it is given.
    site.aws.latency("acm:ExportCertificate", 2500)
    site.aws.latency("dynamodb:GetItem", 1500)
    run = meanwhile(site, called(site, "acm:ExportCertificate"), lambda: break_it(site), certops_lease_ttl=ttl)
    assert run.returncode != 0
    assert f"the lease on {site.arn} is lost" in run.output, run.output
    assert (site.served(), records(site), exported(site)) == before


@pytest.mark.parametrize("break_it", [successor, successor_that_is_done, operator])
def test_a_run_that_lost_its_lease_between_two_hosts(site: Site, break_it: Callable[[Site], object]) -> None:
    """The first host has the certificate, and nothing of it is written into the records of the other run."""
    assert site.deploy().returncode == 0
    site.instance(Name="db1", Role="db")
    there = {"certificate_name": "other", "target_tag_value": "db"}
    assert site.deploy(**there).returncode == 0
    second = site.directory / "acm" / "other" / "live"
    known, before = records(site), {site.served(), second.readlink().name}
    assert (len(known), len(before)) == (2, 1)
    site.aws.renew(site.arn, force=True)
    site.aws.latency("dynamodb:TransactWriteItems", 1500)

    def one_is_done() -> bool:
        return {site.served(), second.readlink().name} != before

    run = meanwhile(site, one_is_done, lambda: break_it(site), certops_waves=[1, "100%"])
    assert run.returncode != 0
    assert f"could not be recorded (the lease on {site.arn} is lost" in run.output, run.output
    assert "not touched, and left to the next run" in run.output
    assert len({site.served(), second.readlink().name}) == 2, "the second host is left alone"
    assert records(site) == known


def test_a_lease_that_is_taken(site: Site) -> None:
    """Whoever waits for nothing fails, and names who is at work; other certificates are renewed as usual."""
    other = site.aws.request("other.example.com")
    assert site.deploy().returncode == 0
    there = {"certificate_arn": other, "certificate_name": "other"}
    assert site.deploy(**there).returncode == 0
    for arn in (site.arn, other):
        site.aws.renew(arn, force=True)
    before, link = site.served(), site.directory / "acm" / "other" / "live"
    theirs = link.readlink().name
    run_at_work = Other(site)
    held = run_at_work.take(site.arn)
    said = f"the lease on {site.arn} is held by awx job 4710 until 20"

    began = time.monotonic()
    tried = site.play("renew", "--check")
    assert tried.returncode == 0, tried.output
    assert said in tried.output and "a run waits first, and fails if the lease is still taken then" in tried.output
    assert time.monotonic() - began < 60

    run = site.play("renew", extra_vars={"certops_lease_wait": 4})
    assert run.returncode != 0
    [failed] = [result for result in run.results if result.failed]
    assert said in failed.msg and "another run is at work, run again when it is done" in failed.msg
    assert site.served() == before and link.readlink().name != theirs
    for playbook in (
        site.deploy(certops_redeploy=True),
        site.play("rollback", extra_vars={"certificate_arn": site.arn}),
    ):
        assert playbook.returncode != 0 and said in playbook.output, playbook.output
    assert site.served() == before

    run_at_work.release(held)
    assert site.play("renew").returncode == 0
    assert site.served() != before


def test_a_lease_that_is_taken_and_a_message(site: Site) -> None:
    """A message comes again by itself: nothing is waited for, nothing fails, and it goes back to the queue."""
    assert site.deploy().returncode == 0
    site.aws.renew(site.arn, force=True)
    before = site.served()
    Other(site).take(site.arn)
    sqs = site.aws.client("sqs")
    url = sqs.create_queue(QueueName="renewals")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    [message] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=1)["Messages"]
    given = {"queue_url": url, "receipt_handle": message["ReceiptHandle"]}
    began = time.monotonic()
    run = site.play("renew", extra_vars={"certops_message": given, "certificate_arn": site.arn})
    assert run.returncode == 0, run.output
    assert "is held by awx job 4710" in run.output
    assert time.monotonic() - began < 60
    assert site.served() == before
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert counted["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1", "hidden until the lease should end"


def test_a_lease_that_ends_while_it_is_waited_for(site: Site) -> None:
    """Other certificates' leases, had first, have run out meanwhile; all are renewed, each under a lease."""
    other = site.aws.request("other.example.com")
    assert site.deploy().returncode == 0
    there = {"certificate_arn": other, "certificate_name": "other"}
    assert site.deploy(**there).returncode == 0
    for arn in (site.arn, other):
        site.aws.renew(arn, force=True)
    before, link = site.served(), site.directory / "acm" / "other" / "live"
    theirs = link.readlink().name
    Other(site).take(site.arn, ttl=22)
    run = site.play("renew", extra_vars={"certops_lease_ttl": 15})
    assert run.returncode == 0, run.output
    assert site.served() != before and link.readlink().name != theirs
    leases = {item["pk"]: item for item in map(dynamodb.decode, site.items()) if item["sk"] == "lease"}
    assert {arn: lease["fence"] for arn, lease in leases.items()} == {site.arn: 3, other: 3}
    assert not any("owner" in lease for lease in leases.values()), "given back, the fence is kept"


@pytest.mark.every_core
def test_a_lease_of_a_clock_that_is_a_day_ahead(site: Site) -> None:
    """It is not another run at work until tomorrow: it is told at once, with what to do, and that works."""
    assert site.deploy().returncode == 0
    site.aws.renew(site.arn, force=True)
    before = site.served()
    Other(site, ahead=DAY).take(site.arn)
    for arguments in ([], ["--check"]):
        began = time.monotonic()
        run = site.play("renew", *arguments)
        assert run.returncode != 0, run.output
        assert time.monotonic() - began < 60, "waiting would not help"
        assert "another run is at work," not in run.output
        [failed] = [result for result in run.results if result.failed]
        assert "Compare both clocks and set the wrong one" in failed.msg
    deployed = site.deploy(certops_redeploy=True)
    assert deployed.returncode != 0 and "Compare both clocks" in deployed.output, deployed.output
    assert site.served() == before

    [command] = re.findall(r"ansible (localhost -m .*?)$", failed.msg.split("; ")[0])
    ansible = Path(sys.executable).with_name("ansible")
    done = subprocess.run(
        [str(ansible), *shlex.split(command)],
        env={**plain_environment(), **site.aws.env},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.play("renew").returncode == 0
    assert site.served() != before


def plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BOTO"))}


def test_a_ttl_that_would_block_others_for_a_day(site: Site) -> None:
    run = site.deploy(certops_lease_ttl=DAY)
    assert run.returncode != 0
    assert "a lease needs a ttl of 1 to 21600 seconds" in run.output
    assert not [item for item in site.items() if item["sk"]["S"] == "lease"]
