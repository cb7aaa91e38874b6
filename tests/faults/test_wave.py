# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ten hosts, and the third one cannot take the certificate: the rollout stops there, and goes on later."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from faults.judge import NAME
from faults.site import Site
from lab import TABLE, Lab, Run

HOSTS = tuple(f"web{number:02}" for number in range(1, 11))
THIRD = HOSTS[2]
STARTED = set(HOSTS[:3])  # the first wave is 1 host, the second 25 %: 2 hosts
DROP_IN = "/run/systemd/system/nginx.service.d"
BREAK = f"""
mkdir -p {DROP_IN}
printf '[Service]\\nExecReload=\\nExecReload=/bin/false\\n' > {DROP_IN}/reload.conf
systemctl daemon-reload
"""


def served(lab: Lab) -> dict[str, str]:
    found = {host: lab.served(host, NAME) for host in HOSTS}
    assert all(each.verified for each in found.values())
    return {host: each.fingerprint for host, each in found.items()}


def recorded(lab: Lab) -> dict[str, dict[str, Any]]:
    """Deployments as the table holds them, by host."""
    items = lab.aws.client("dynamodb").scan(TableName=TABLE)["Items"]
    plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
    return {lab.own_names(item["host"]): item for item in plain if item["sk"].startswith("deployment#")}


def well(run: Run) -> Run:
    assert run.returncode == 0, run.output
    return run


@pytest.mark.timeout(600)
def test_the_third_of_ten_hosts_cannot_take_it(site: Site, tell: Callable[..., None]) -> None:
    lab = site.lab
    lab.fresh()
    arn = lab.aws.request(NAME)
    well(lab.deploy(arn, "shop", "--forks", "10"))
    old = lab.fingerprint(arn)
    assert served(lab) == dict.fromkeys(HOSTS, old)

    lab.aws.renew(arn, force=True)
    new = lab.fingerprint(arn)
    lab.fleet.exec(THIRD, ["sh", "-ec", BREAK])
    run = lab.playbook("certops.acm.renew", {}, "--forks", "10")
    assert run.returncode != 0, run.output
    assert re.search(rf"{THIRD} .*systemctl reload nginx failed", run.output), run.output
    assert run.sessions == {host: int(host in STARTED) for host in HOSTS}
    taken = STARTED - {THIRD}
    assert served(lab) == {host: new if host in taken else old for host in HOSTS}
    records = recorded(lab)
    assert {host for host in HOSTS if records[host]["fingerprint"] == new} == taken
    statuses = {host: records[host]["status"] for host in HOSTS}
    assert statuses == {host: "rolled_back" if host == THIRD else "verified" for host in HOSTS}

    lab.fleet.exec(THIRD, ["sh", "-ec", f"rm -r {DROP_IN}; systemctl daemon-reload"])
    again = well(lab.playbook("certops.acm.renew", {}, "--forks", "10"))
    assert again.sessions == {host: int(host not in taken) for host in HOSTS}
    assert served(lab) == dict.fromkeys(HOSTS, new)
    fault = "the third of ten hosts rolls back: its reload fails"
    outcome = (
        "the rollout stops with its wave: 2 hosts verified with new, 8 serve old; after the repair the next run logs "
        "in to those 8 and to no other"
    )
    tell("Many hosts", fault, "nginx", 1, outcome)
