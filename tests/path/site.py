# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site on four hosts at the end of the path, and the path itself: EventBridge's delivery, and AWX."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab import TABLE, Lab

from awx import Awx, Job
from awx.client import call
from delivery import HUB, Delivery
from standin.client import Standin

NAME = "shop.example.com"
HOSTS = ("web1", "web2", "web3", "web4")
ORIGIN = "https://awx.example.com"
LONGEST = 300.0
"""Seconds within which hosts have to serve what ACM renewed; alone on its machine it takes a tenth of it."""


@dataclass
class Site:
    """shop.example.com on all hosts.

    Attributes:
        before: fingerprint that was served before ACM renewed.
        sessions: ssh sessions of each host before ACM renewed.
        renewed_at: when ACM renewed, by the monotonic clock.
    """

    lab: Lab
    arn: str
    before: str = ""
    sessions: Mapping[str, int] = field(default_factory=dict)
    renewed_at: float = 0.0

    def renew(self) -> dict[str, Any]:
        """ACM renews; the event it sends. What is spent counts from here."""
        self.free_lease()
        self.before = self.lab.fingerprint(self.arn)
        if set(self.served().values()) != {self.before}:
            self._repair()
        self.sessions = self.lab.sessions()
        self.lab.aws.reset_counts()
        self.renewed_at = time.monotonic()
        return self.renew_again()

    def _repair(self) -> None:
        """A test before this one failed: what it left is none of this one's business."""
        assert self.lab.playbook("certops.acm.renew").returncode == 0
        self.must_serve(self.before)

    def renew_again(self) -> dict[str, Any]:
        """ACM renews once more, before anybody looked."""
        self.lab.aws.renew(self.arn, force=True)
        return next(event for event in reversed(self.lab.aws.events()) if event["detail"].get("Action") == "RENEWAL")

    @property
    def current(self) -> str:
        """Fingerprint of what ACM holds."""
        return self.lab.fingerprint(self.arn)

    def served(self) -> dict[str, str]:
        """Fingerprint that each host serves, as openssl sees it; each chain and name verifies, none has expired."""
        shaken = {host: self.lab.served(host, NAME) for host in HOSTS}
        assert all(each.verified for each in shaken.values()), [each.text for each in shaken.values()]
        return {host: each.fingerprint for host, each in shaken.items()}

    def must_serve(self, fingerprint: str) -> None:
        assert self.served() == dict.fromkeys(HOSTS, fingerprint)

    def until_served(self) -> float:
        """Wait for the new certificate on every host; seconds since ACM renewed."""
        wanted, left = self.current, list(HOSTS)
        while left:
            assert time.monotonic() - self.renewed_at < LONGEST, f"not served by {left}"
            left = [host for host in left if self.lab.shown(host, NAME) != wanted]
            time.sleep(0.2 if left else 0)
        return time.monotonic() - self.renewed_at

    def until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait for something a job does."""
        while not reached():
            assert time.monotonic() - self.renewed_at < LONGEST, f"{what} did not come"
            time.sleep(0.05)

    @property
    def exports(self) -> int:
        """Since ACM renewed."""
        return self.lab.aws.counts().get("acm:ExportCertificate", 0)

    def visits(self) -> dict[str, int]:
        """Ssh sessions of each host since ACM renewed."""
        return {host: count - self.sessions[host] for host, count in self.lab.sessions().items()}

    def done_once(self) -> None:
        """All hosts serve what ACM holds; one export and one visit brought it, and nobody holds a lease."""
        self.must_serve(self.current)
        assert (self.exports, self.visits()) == (1, dict.fromkeys(HOSTS, 1))
        assert self.lease() is None

    def lease(self) -> dict[str, Any] | None:
        """Who holds it, and until when."""
        found = self._table.get_item(TableName=TABLE, Key=self._lease_key).get("Item", {})
        if "owner" not in found:
            return None
        return {"owner": found["owner"]["S"], "expires_at": int(found["leased_until"]["N"])}

    def set_lease(self, owner: str, seconds: int) -> None:
        """Another run takes the lease, which ends in so many seconds."""
        now = int(time.time())
        numbers = {
            "acquired_at": now,
            "ttl": max(1, seconds),
            "leased_until": now + seconds,
            "fence": self._fence() + 1,
        }
        item = {name: {"N": str(number)} for name, number in numbers.items()}
        self._table.put_item(TableName=TABLE, Item={**self._lease_key, "owner": {"S": owner}, **item})

    def free_lease(self) -> None:
        """Nobody holds it; its fence is kept."""
        self._table.put_item(TableName=TABLE, Item={**self._lease_key, "fence": {"N": str(self._fence())}})

    def _fence(self) -> int:
        found = self._table.get_item(TableName=TABLE, Key=self._lease_key).get("Item", {})
        return int(found["fence"]["N"]) if found else 0

    @property
    def _table(self) -> Any:
        return self.lab.aws.client("dynamodb")

    @property
    def _lease_key(self) -> dict[str, Any]:
        return {"pk": {"S": self.arn}, "sk": {"S": "lease"}}


def deployed(awx: Awx, arn: str) -> Job:
    """Launch the deploy template, as a person with a form does; the job, when it has ended."""
    made = awx.template("deploy", playbook="playbooks/deploy.yml", ask_variables_on_launch=True)
    answers = {"certificate_arn": arn, "certificate_name": "shop", "target_tag_key": "Role", "target_tag_value": "web"}
    return launched(awx, made, {"extra_vars": {**answers, "target_account": ""}})


def template(awx: Awx, door: str, **fields: Any) -> dict[str, Any]:
    """The renew template, as the role awx_jobs makes it."""
    webhook = door == "awx_webhook"
    asked = {"webhook_service": "gitlab" if webhook else "", "ask_variables_on_launch": not webhook}
    return awx.template("renew", **{**asked, **fields})


def parameters(awx: Awx, door: str, made: Mapping[str, Any]) -> dict[str, str]:
    """The hub's parameters for a door."""
    if door == "sqs":
        return {"Door": door}
    webhook = door == "awx_webhook"
    url = awx.door(dict(made), "gitlab" if webhook else "launch").replace(awx.url, ORIGIN)
    return {"Door": door, "Endpoint": url, "Secret": made["webhook_key"] if webhook else awx.token}


def scheduled(awx: Awx, made: Mapping[str, Any]) -> Job:
    """The schedule launches the template: no event. The job, when it has ended."""
    return launched(awx, made, {})


def launched(awx: Awx, made: Mapping[str, Any], body: Mapping[str, Any]) -> Job:
    """The job, when it has ended."""
    launch(awx, made, body)
    return awx.jobs.wait(300)[-1]


def launch(awx: Awx, made: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    answer = call(awx.door(dict(made), "launch"), body, {"Authorization": f"Bearer {awx.token}"})
    assert answer.status == 201, answer.body


def rings(delivery: Delivery) -> bool:
    """Whether the alarm on the dead-letter queue goes off, and tells somebody."""
    stack = delivery.stack
    alarm = stack.resources["DeadLetterAlarm"]["Properties"]
    assert alarm["AlarmActions"] == [stack.attribute("AlertTopic")]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": stack.attribute("DeadLetterQueue", "QueueName")}]
    assert (alarm["MetricName"], alarm["ComparisonOperator"]) == (
        "ApproximateNumberOfMessagesVisible",
        "GreaterThanThreshold",
    )
    return delivery.queues.waiting(delivery.queues.dead_letter_url) > float(alarm["Threshold"])


def deliver_to(aws: Standin, awx: Awx, given: Mapping[str, str], **options: Any) -> Delivery:
    """Delivery by the shipped template, of what ACM sends from now on."""
    aws.control("clear_events")
    return Delivery(HUB, given, aws, reroute={ORIGIN: awx.url}, **options)
