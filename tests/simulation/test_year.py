# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A year of 500 certificates: events lost and doubled, hosts coming and going, AWS throttled, AWX away for a day."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field
from typing import Any

from simulation.world import ACCOUNT, LIFE, START, Acm, HeldCertificate, Machine, Throttled, iso

from ansible_collections.certops.acm.plugins.module_utils import event
from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment, next_record
from ansible_collections.certops.acm.plugins.module_utils.plan import Desired, Rollout, make_plan
from ansible_collections.certops.acm.plugins.module_utils.report import make_attempt, wave_items
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.waves import Host

CERTIFICATES, GROUPS, HOSTS, DAYS = 500, 50, 100, 365
HOUR = datetime.timedelta(hours=1)
SCHEDULE = 12  # hours from one reconciliation to the next
LOST, DOUBLED, THROTTLED, FAILING = 0.05, 0.05, 0.02, 0.02
OUTAGE = (START + datetime.timedelta(days=200), START + datetime.timedelta(days=201))


@dataclass
class Year:
    """The controller's side, as the playbooks put the collection's functions together."""

    chance: random.Random
    acm: Acm
    machines: dict[str, Machine]
    targets: dict[str, Target]
    records: dict[str, dict[str, Deployment]] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    attempts: int = 0

    def run(self, now: datetime.datetime, arns: list[str]) -> None:
        """One run of renew.yml: for one certificate, or for all."""
        try:
            held = self.acm.describe(arns)
        except Throttled:
            return  # the run fails; the schedule comes again
        desired = Desired([self.targets[arn] for arn in arns], held, self.exported)
        known = [record for arn in arns for record in self.records.get(arn, {}).values()]
        plan = make_plan(desired, known, [machine.host for machine in self.machines.values()])
        assert plan.problems == ()
        ready = [rollout for rollout in plan.rollouts if self._export(rollout)]
        result = plan.to_result()
        attempts: list[dict[str, Any]] = []
        for wave in (1, 2, 3):
            items = wave_items(result, wave, attempts, [rollout.certificate_arn for rollout in ready])
            attempts += [self._install(now, item) for item in items]
        for attempt in attempts:
            records = self.records.setdefault(attempt["certificate_arn"], {})
            record = next_record(records.get(attempt["host"]), attempt)
            records[attempt["host"]] = record
        self.attempts += len(attempts)

    def _export(self, rollout: Rollout) -> bool:
        for _try in range(10):  # bounded, as wait_timeout is
            try:
                serial = self.acm.export(rollout.certificate_arn)
            except Throttled:
                continue
            if serial is not None:
                self.exported[rollout.certificate_arn] = format(serial, "x")
                return True
        return False

    def _install(self, now: datetime.datetime, item: dict[str, Any]) -> dict[str, Any]:
        one = self.acm.certificates[str(item["certificate_arn"])]
        desired = {"serial": format(one.serial, "x"), "fingerprint": f"{one.serial:064x}", "not_after": None}
        machine = self.machines[str(item["host"])]
        if not machine.is_up(now):
            return make_attempt(item, {"unreachable": True, "msg": "no route"}, desired)
        if self.chance.random() < FAILING:
            return make_attempt(item, {"failed": True, "status": "rolled_back", "msg": "nginx -t failed"}, desired)
        machine.served[one.arn] = (one.serial, one.not_after)
        return make_attempt(item, {"changed": True, "status": "verified"}, desired)


def arn_of(number: int) -> str:
    return f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/{number:08}-0000-4000-8000-000000000000"


def make_year(seed: int) -> Year:
    chance = random.Random(seed)
    certificates = {
        arn_of(number): HeldCertificate(arn_of(number), number, START - LIFE * chance.random() / 2)
        for number in range(CERTIFICATES)
    }
    targets = {
        arn: Target(arn, f"site{one.number}", ACCOUNT, "Group", str(one.number % GROUPS), "nginx")
        for arn, one in certificates.items()
    }
    machines = {}
    for number in range(HOSTS):
        host = Host(f"host{number:03}", {"Group": str(number % GROUPS)}, ACCOUNT)
        machines[host.name] = Machine(host)
    return Year(chance, Acm(chance, certificates, THROTTLED), machines, targets)


def renewal_event(one: HeldCertificate) -> dict[str, Any]:
    return {
        "id": f"{one.number}-{one.serial}",
        "source": "aws.acm",
        "account": ACCOUNT,
        "region": "eu-west-1",
        "detail-type": "ACM Certificate Available",
        "resources": [one.arn],
        "detail": {"Action": "RENEWAL"},
    }


def replace_host(year: Year, now: datetime.datetime) -> None:
    """A host goes for good, and a new one with the same tag takes its place with nothing on it."""
    name = year.chance.choice(list(year.machines))
    gone = year.machines.pop(name)
    fresh = Host(f"{name.split('-')[0]}-{iso(now)}", gone.host.tags, ACCOUNT)
    year.machines[fresh.name] = Machine(fresh)


def test_a_year_without_an_expired_certificate() -> None:
    year = make_year(seed=1)
    everything = [one.arn for one in year.acm.certificates.values()]
    year.run(START, everything)
    busiest_hour, before = 0, dict(year.acm.calls)
    coming: dict[datetime.datetime, list[dict[str, Any]]] = {}
    for hour in range(1, DAYS * 24):
        now = START + hour * HOUR
        for one in year.acm.renew_due(now):
            copies = 0 if year.chance.random() < LOST else 2 if year.chance.random() < DOUBLED else 1
            for _copy in range(copies):
                coming.setdefault(now + HOUR * year.chance.randrange(1, 4), []).append(renewal_event(one))
        away = OUTAGE[0] <= now < OUTAGE[1]
        arrived = coming.pop(now, [])
        if away:  # EventBridge tries again for a day, then there is the dead-letter queue
            coming.setdefault(now + HOUR, []).extend(arrived)
        else:
            for one_event in arrived:
                year.run(now, [event.parse(one_event).certificate_arn])
            if hour % SCHEDULE == 0:
                year.run(now, everything)
        if hour % 24 == 0:
            replace_host(year, now)
            machine = year.chance.choice(list(year.machines.values()))
            machine.away_until = now + HOUR * year.chance.randrange(1, 72)
        for machine in year.machines.values() if hour % 6 == 0 else ():
            if machine.is_up(now):
                expired = [arn for arn, (_serial, not_after) in machine.served.items() if not_after <= now]
                assert not expired, f"{machine.host.name} serves {expired} at {iso(now)}"
        busiest_hour = max(busiest_hour, sum(year.acm.calls.values()) - sum(before.values()))
        before = dict(year.acm.calls)

    assert all(one.serial >= 10 for one in year.acm.certificates.values()), "each was renewed all year long"
    # A host that comes later needs the key again, which nobody keeps; nothing else exports a serial twice.
    assert sum(year.acm.exports.values()) <= len(year.acm.exports) + year.attempts
    assert year.acm.calls["SearchCertificates"] <= DAYS * 24 / SCHEDULE + 1
    # ACM allows 10 exports and 10 descriptions a second, 36,000 an hour.
    assert busiest_hour < 3600, busiest_hour
    for machine in year.machines.values():
        for number in range(CERTIFICATES):
            if machine.is_up(now) and str(number % GROUPS) == machine.host.tags["Group"] and hour % SCHEDULE == 0:
                assert arn_of(number) in machine.served
