# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a renewal by ACM to the hosts, with nobody watching: EventBridge, AWX's webhook, a job, two web servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab import Lab

from awx import Awx, Job, Playbook
from awx.client import call
from delivery import HUB, Delivery

WEB = ("web1", "web2")
ORIGIN = "https://awx.example.com"


@pytest.fixture
def awx(lab: Lab) -> Iterator[Awx]:
    with Awx(Playbook(lambda: lab.full_environment, lab.ansible_playbook)) as made:
        yield made


def deployed(awx: Awx, arn: str) -> Job:
    """Launch the deploy template, as a person with a form does."""
    template = awx.template("deploy", playbook="playbooks/deploy.yml", ask_variables_on_launch=True)
    answers = {"certificate_arn": arn, "certificate_name": "shop", "target_tag_key": "Role", "target_tag_value": "web"}
    headers = {"Authorization": f"Bearer {awx.token}"}
    launched = call(awx.door(template, "launch"), {"extra_vars": {**answers, "target_account": ""}}, headers)
    assert launched.status == 201, launched.body
    return awx.jobs.wait(300)[-1]


def test_a_renewal_reaches_the_hosts_through_awx(lab: Lab, awx: Awx, arn: str) -> None:
    first = deployed(awx, arn)
    assert first.status == "successful", first.output
    assert first.record["artifacts"]["certops_report"]["statuses"] == {"verified": 2}
    renew = awx.template("renew", webhook_service="gitlab")
    parameters = {
        "Door": "awx_webhook",
        "Endpoint": f"{ORIGIN}/api/v2/job_templates/{renew['id']}/gitlab/",
        "Secret": renew["webhook_key"],
    }
    delivery = Delivery(HUB, parameters, lab.aws, reroute={ORIGIN: awx.url})
    lab.aws.control("clear_events")
    lab.aws.renew(arn)

    delivery.deliver_pending()
    renewal = awx.jobs.wait(300)[-1]

    assert renewal.status == "successful", renewal.output
    assert renewal.record["launch_type"] == "webhook"
    report = {"changed": 2, "up_to_date": 0, "statuses": {"verified": 2}, "failures": [], "alarms": []}
    assert renewal.record["artifacts"] == {"certops_report": report}
    for host in WEB:
        served = lab.served(host, "shop.example.com")
        assert served.verified, served.text
        assert served.fingerprint == lab.fingerprint(arn)

    delivery.send(*lab.aws.events())
    delivery.deliver_pending()
    assert len(awx.jobs.wait(300)) == 2, "AWX knows the event already"
