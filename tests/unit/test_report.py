# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to each item of a plan: attempts, who goes next, the summary and the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.test_plan import ARN, CERTIFICATE, OLD, OTHER, TARGET, plan, served, web

from ansible_collections.certops.acm.plugins.filter.deployment_report import deployment_report
from ansible_collections.certops.acm.plugins.filter.outdated_deployments import outdated_deployments
from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment
from ansible_collections.certops.acm.plugins.module_utils.plan import Desired, Plan, make_plan
from ansible_collections.certops.acm.plugins.module_utils.report import make_attempt, summarize, wave_items

DESIRED = {"serial": "0b", "fingerprint": "bb" * 32, "not_after": "2027-04-17T23:59:59Z"}


def attempt(made: Plan, host: str, **result: Any) -> dict[str, Any]:
    item = next(item for item in made.rollouts[0].items if item.host == host)
    return make_attempt(item.to_result(), result, DESIRED)


@pytest.mark.parametrize(
    ("result", "status", "error"),
    [
        ({"status": "verified", "changed": True}, "verified", None),
        ({"failed": True, "status": "rolled_back", "msg": "nginx\n -t"}, "rolled_back", "nginx -t"),
        ({"failed": True, "msg": "MODULE FAILURE"}, "failed", "MODULE FAILURE"),
        ({"failed": True, "status": "verified"}, "failed", "no reason was given"),
        ({"unreachable": True, "msg": "no route"}, "unreachable", "no route"),
    ],
)
def test_every_result_becomes_an_attempt(result: dict[str, Any], status: str, error: str | None) -> None:
    made = attempt(plan([web(1)]), "web01", **result)
    assert (made["status"], made["error"]) == (status, error)
    assert made["desired_serial"] == "0b"
    assert ("serial" in made) == (status == "verified")


@pytest.mark.parametrize(("status", "goes_on"), [("rolled_back", False), ("failed", False), ("unreachable", True)])
def test_only_a_host_that_could_not_take_it_stops_a_rollout(status: str, goes_on: bool) -> None:
    made = plan([web(n) for n in range(1, 4)])
    first = attempt(made, "web01", failed=True, status=status, unreachable=status == "unreachable")
    left = wave_items(made.to_result(), 2, [first], [ARN])
    assert [item["host"] for item in left] == (["web02"] if goes_on else [])


@pytest.mark.parametrize(
    ("first", "wave", "batch", "goes_on"),
    [
        ({1: "unreachable"}, 2, None, [2]),
        ({1: "unreachable", 2: "unreachable"}, 3, None, [5]),
        ({1: "unreachable", 2: "verified"}, 3, None, [5, 6, 7, 8, 9, 10]),
        ({1: "unreachable", 2: "unreachable"}, 2, [3, 4], [3]),
        ({1: "unreachable", 2: "installed"}, 2, [3, 4], [3, 4]),
        ({1: "verified"}, 2, [2, 3], [2, 3]),
        ({}, 2, None, [2]),
        ({}, 1, None, [1]),
    ],
)
def test_until_a_host_has_proven_it_one_goes_first(
    first: dict[int, str], wave: int, batch: list[int] | None, goes_on: list[int]
) -> None:
    made = plan([web(n) for n in range(1, 11)], waves=[1, "30%", "100%"])
    attempts = [attempt(made, web(n).name, status=s, unreachable=s == "unreachable") for n, s in first.items()]
    names = [web(n).name for n in batch] if batch else None
    left = wave_items(made.to_result(), wave, attempts, [ARN], batch=names)
    assert [item["host"] for item in left] == [web(n).name for n in goes_on]


def test_a_first_wave_is_as_large_as_was_asked_for() -> None:
    made = plan([web(n) for n in range(1, 5)], waves=["100%"])
    names = [web(n).name for n in range(1, 5)]
    assert len(wave_items(made.to_result(), 1, [], [ARN], batch=names[:2])) == 2
    down = [attempt(made, name, unreachable=True) for name in names[:2]]
    assert [item["host"] for item in wave_items(made.to_result(), 1, down, [ARN], batch=names[2:])] == ["web03"]


def test_one_goes_first_with_all_its_services_and_each_certificate_by_itself() -> None:
    api = replace(TARGET, certificate_arn=OTHER, certificate_name="api")
    targets = [TARGET, replace(TARGET, service="haproxy", certificate_name="proxy"), api]
    held = [CERTIFICATE, replace(CERTIFICATE, arn=OTHER)]
    made = make_plan(Desired(targets, held), [], [web(n) for n in range(1, 4)], waves=[1, 2])
    proven = {**attempt(made, "web01", status="verified"), "certificate_arn": OTHER}
    left = wave_items(made.to_result(), 2, [attempt(made, "web01", unreachable=True), proven], [ARN, OTHER])
    assert [(item["host"], item["certificate_name"]) for item in left] == [
        ("web02", "proxy"),
        ("web02", "shop"),
        ("web02", "api"),
        ("web03", "api"),
    ]


def test_what_was_not_exported_is_not_installed() -> None:
    assert wave_items(plan([web(1)]).to_result(), 1, [], []) == []


def test_the_summary_names_every_host_and_fails_for_each_that_failed() -> None:
    made = plan([web(n) for n in range(1, 4)])
    attempts = [
        attempt(made, "web01", status="verified", changed=True),
        attempt(made, "web02", failed=True, status="rolled_back", msg="it broke"),
    ]
    known = [served("web01", fingerprint="aa" * 32).to_result()]
    summary = summarize(made.to_result(), attempts, known, ["no export"])
    assert [row["status"] for row in summary["rows"]] == ["verified", "rolled_back", "waiting"]
    assert summary["failures"][0] == "no export"
    assert "web02 (shop): rolled_back: it broke" in summary["failures"]
    assert summary["failures"][-1] == "not touched, and left to the next run: web03"
    assert summary["changed"] == 1
    assert summary["lines"][1].split() == ["web01", "nginx", "shop", "verified", "aa" * 8, "bb" * 8, "2027-04-17"]


@pytest.mark.parametrize(
    ("result", "status", "new", "expires"),
    [
        ({"status": "verified", "changed": True}, "verified", "bb" * 8, "2027-04-17"),
        ({"unreachable": True, "msg": "no route"}, "unreachable", "-", "2026-12-01"),
        ({"failed": True, "status": "rolled_back", "served_fingerprint": "aa" * 32}, "rolled_back", "-", "2026-12-01"),
        ({"failed": True, "status": "failed", "served_fingerprint": "cc" * 32}, "failed", "-", "-"),
        (None, "waiting", "-", "2026-12-01"),
    ],
)
def test_the_summary_says_until_when_what_is_served_is_valid(
    result: dict[str, Any] | None, status: str, new: str, expires: str
) -> None:
    made = plan([web(1)])
    known = [served("web01", serial="0a", fingerprint="aa" * 32, not_after="2026-12-01T00:00:00Z").to_result()]
    attempts = [] if result is None else [attempt(made, "web01", **result)]
    line = summarize(made.to_result(), attempts, known)["lines"][1].split()
    assert line == ["web01", "nginx", "shop", status, "aa" * 8, new, expires]


@pytest.mark.parametrize(("changed", "status"), [(True, "would change"), (False, "verified")])
def test_check_mode_calls_nothing_verified_that_would_change(changed: bool, status: str) -> None:
    made = plan([web(1)])
    done = [attempt(made, "web01", status="verified", changed=changed)]
    summary = summarize(made.to_result(), done, [], check_mode=True)
    assert (summary["statuses"], summary["failures"]) == ({status: 1}, [])
    failed = [attempt(made, "web01", failed=True, changed=changed, msg="nginx is not installed")]
    assert summarize(made.to_result(), failed, [], check_mode=True)["statuses"] == {"failed": 1}


@pytest.mark.parametrize(
    ("record", "status", "named"),
    [
        (served("web01"), "verified", False),
        (OLD, "verified (outdated)", True),
        (served("web01", "unreachable", serial="0a"), "unreachable (outdated)", True),
        (served("web01", "failed", serial=None), "failed (outdated)", True),
        (served("web01", serial="0a", held_serial="0b"), "verified (held)", False),
        (served("web01", serial="09", held_serial="0a"), "verified (outdated)", True),
        (replace(OLD, certificate_arn=OTHER), "verified", False),
    ],
)
def test_the_report_names_what_is_outdated(record: Deployment, status: str, named: bool) -> None:
    certificates = [CERTIFICATE.to_result()]
    line = deployment_report([record.to_result()], certificates=certificates)[1]
    assert status in line and ("(" in line) == ("(" in status)
    said = outdated_deployments([record.to_result()], certificates=certificates)
    assert [sentence.startswith(f"shop ({ARN}) is outdated on web01: run") for sentence in said] == [True] * named
