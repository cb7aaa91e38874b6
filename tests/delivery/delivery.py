# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack at work: events in, attempts by the clock, what cannot be delivered to the dead-letter queue."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from standin.accounts import DEFAULT_ACCOUNT, DEFAULT_REGION
from standin.client import Standin
from standin.stack_names import Place
from standin.stack_template import Stack, load, resolve

from .clock import Clock
from .jobs import DeadLetter, Job, Tried, backoff
from .patterns import matches
from .permissions import account_may_forward, rule_may_send
from .queues import Queues
from .schedule import Schedule
from .targets import ApiDestination, Attempt, Outcome, TargetError, connect
from .transformer import body_for

_FILES = Path(__file__).resolve().parents[2] / "roles" / "eventbridge" / "files"
HUB = _FILES / "hub.template"
MEMBER = _FILES / "member.template"


class Delivery:
    """EventBridge for one stack.

    Attributes:
        attempts: how each target is tried, by its ARN.
        tried: every attempt, in order.
        alerts: what the topic was sent.
        lost: what could neither be delivered nor be put into a dead-letter queue.
    """

    def __init__(
        self,
        template: Path,
        parameters: Mapping[str, str],
        standin: Standin,
        *,
        place: Place | None = None,
        clock: Clock | None = None,
        timeout: float = 5.0,
        reroute: Mapping[str, str] | None = None,
        buses: Mapping[str, Delivery] | None = None,
        organization: str = "",
    ) -> None:
        """``reroute`` leads from the origin of an endpoint to that of a server which stands in for it.

        Args:
            timeout: real seconds that an endpoint has for its answer.
            buses: the stacks that listen on other event buses, by the ARN of the bus.
            organization: whose member the stack's account is.
        """
        self.stack: Stack = resolve(
            load(template.read_text(encoding="utf-8")),
            parameters,
            place or Place("certops", DEFAULT_ACCOUNT, DEFAULT_REGION),
        )
        self.tried: list[Tried] = []
        self.alerts: list[dict[str, Any]] = []
        self.lost: list[dict[str, Any]] = []
        self.queues = Queues(self.stack, standin)
        self._standin = standin
        self._clock = clock or Clock()
        self._timeout = timeout
        self._reroute = dict(reroute or {})
        self._buses = dict(buses or {})
        self._organization = organization
        self._inbox: list[dict[str, Any]] = []
        self._seen = 0
        self._schedule = Schedule(self._pause)
        self.attempts = {
            target["Arn"]: self._attempt_for(target) for _arn, rule in self._rules() for target in rule["Targets"]
        }

    @classmethod
    def of_stack(cls, name: str, standin: Standin, *, region: str = DEFAULT_REGION, **options: Any) -> Delivery:
        """For a stack that was made in the stand-in's CloudFormation, whichever template it has."""
        made = standin.control("stack", stack_name=name, region=region)
        template = MEMBER if "EventBusArn" in made["parameters"] else HUB
        return cls(template, made["parameters"], standin, place=Place(name, DEFAULT_ACCOUNT, region), **options)

    def send(self, *events: Mapping[str, Any]) -> None:
        """Put events on the bus, as they are, beside those that ACM sends."""
        self._inbox += [dict(event) for event in events]

    def deliver_pending(self, seconds: float | None = None) -> list[Tried]:
        """Deliver all there is, with all retries; with ``seconds`` only what the clock allows in that time."""
        before = len(self.tried)
        end = float("inf") if seconds is None else self._clock.now() + seconds
        self._collect()
        while batch := self._schedule.due(end):
            self._clock.wait_until(max(job.due for job in batch))
            with ThreadPoolExecutor(min(len(batch), 20)) as pool:
                outcomes = list(pool.map(lambda job: self.attempts[job.target["Arn"]](job.body, job.event), batch))
            for job, outcome in zip(batch, outcomes, strict=True):
                self._settle(job, outcome)
            self._collect()
        if seconds is not None:
            self._clock.wait_until(end)
        return self.tried[before:]

    @contextmanager
    def running(self) -> Iterator[Delivery]:
        """Deliver in the background, by a clock with a speed."""
        if not self._clock.runs:
            raise ValueError("in the background the clock needs a speed: Clock(speed=60)")
        stop, failures = threading.Event(), []

        def run() -> None:
            try:
                while not stop.wait(0.05):
                    self.deliver_pending(0)
            except Exception as failure:  # told to whoever waits, below
                failures.append(failure)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join(60)
        if failures:
            raise failures[0]

    def dead_letters(self) -> list[DeadLetter]:
        """Take all out of the dead-letter queue."""
        return self.queues.take_dead_letters()

    def accept(self, event: Mapping[str, Any], account: str, organization: str) -> bool:
        """Take an event that a rule of ``account`` forwards to this stack's bus, if the bus's policy allows it."""
        allowed = account_may_forward(self.stack, account, organization, event)
        if allowed:
            self.send(event)
        return allowed

    def _rules(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for logical_id, rule in self.stack.of_type("AWS::Events::Rule").items():
            if rule.get("State", "ENABLED") == "ENABLED":
                yield self.stack.attribute(logical_id, "Arn"), rule

    def _collect(self) -> None:
        """Match what is new on the bus: an account's events come to the bus of their own region."""
        sent = self._standin.events()
        self._seen = min(self._seen, len(sent))  # after a reset they start again
        home = (self.stack.place.account, self.stack.place.region)
        fresh = [event for event in sent[self._seen :] if (event["account"], event["region"]) == home]
        self._seen = len(sent)
        waiting, self._inbox = self._inbox, []
        for event in [*fresh, *waiting]:
            for rule_arn, rule in self._rules():
                if matches(rule["EventPattern"], event):
                    for target in rule["Targets"]:
                        now = self._clock.now()
                        self._schedule.push(Job(rule_arn, target, event, body_for(target, event, rule_arn), now, now))

    def _pause(self, arn: str) -> float:
        """Seconds between two calls of a target."""
        for logical_id, destination in self.stack.of_type("AWS::Events::ApiDestination").items():
            if self.stack.attribute(logical_id, "Arn") == arn:
                return 1 / float(destination.get("InvocationRateLimitPerSecond", 300))
        return 0.0

    def _settle(self, job: Job, outcome: Outcome) -> None:
        self.tried.append(Tried(job.event.get("id", ""), job.target["Id"], outcome.status, job.due, outcome.delivered))
        if outcome.delivered:
            return
        policy = job.target.get("RetryPolicy", {})
        again = job.due + backoff(job.retries)
        if not outcome.retry:
            self._give_up(job, outcome, "")
        elif job.retries >= int(policy.get("MaximumRetryAttempts", 185)):
            self._give_up(job, outcome, "MaximumRetryAttempts")
        elif again - job.since > float(policy.get("MaximumEventAgeInSeconds", 86400)):
            self._give_up(job, outcome, "MaximumEventAgeInSeconds")
        else:
            self._schedule.push(replace(job, due=again, retries=job.retries + 1))

    def _give_up(self, job: Job, outcome: Outcome, exhausted: str) -> None:
        queue = job.target.get("DeadLetterConfig", {}).get("Arn", "")
        if not rule_may_send(self.stack, queue, job.rule_arn):
            self.lost.append(dict(job.event))
            return
        self.queues.bury(queue, job, outcome, exhausted)

    def _attempt_for(self, target: Mapping[str, Any]) -> Attempt:
        arn = target["Arn"]
        service = arn.split(":")[2]
        if ":api-destination/" in arn:
            found = connect(self.stack, target, self._standin, self._timeout)
            return replace(found, url=self._rerouted(found))
        if ":event-bus/" in arn:
            return self._forward_to(arn, target)
        rule_arns = [rule_arn for rule_arn, rule in self._rules() if target in rule["Targets"]]
        if not all(rule_may_send(self.stack, arn, rule_arn) for rule_arn in rule_arns):
            return lambda body, event: Outcome(False, code="NO_PERMISSIONS", message=f"{arn} does not allow it")
        if service == "sqs":
            return lambda body, event: self.queues.put(arn, body)
        if service == "sns":
            return lambda body, event: self._publish(body)
        raise TargetError(f"{arn} is no target that is known here")

    def _rerouted(self, destination: ApiDestination) -> str:
        for origin, other in self._reroute.items():
            if destination.url.startswith(f"{origin}/"):
                return other + destination.url.removeprefix(origin)
        return destination.url

    def _publish(self, body: str) -> Outcome:
        self.alerts.append(json.loads(body))
        return Outcome(True)

    def _forward_to(self, arn: str, target: Mapping[str, Any]) -> Attempt:
        if "RoleArn" not in target:
            raise TargetError("an event bus is only a target with a role")

        def forward(body: str, event: Mapping[str, Any]) -> Outcome:
            bus = self._buses.get(arn)
            if bus and bus.accept(json.loads(body), self.stack.place.account, self._organization):
                return Outcome(True)
            return Outcome(False, code="NO_PERMISSIONS", message=f"{arn} does not allow it")

        return forward
