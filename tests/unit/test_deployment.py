# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments: what a record says after each kind of attempt, and that it never forgets."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.module_utils.deployment import STATUSES, Deployment, next_record
from ansible_collections.certops.acm.plugins.module_utils.dynamodb import decode, encode
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.inventory import plan_deployments, select_deployments

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
WHO: dict[str, Any] = {
    "certificate_arn": ARN,
    "certificate_name": "www",
    "host": "web1",
    "account": "111122223333",
    "service": "nginx",
}
OLD = {"fingerprint": "aa" * 32, "serial": "a", "not_after": "2026-12-01T00:00:00Z"}
NEW = {"fingerprint": "bb" * 32, "serial": "b", "not_after": "2027-06-01T00:00:00Z"}
OTHER = "cc" * 32
KNOWN = Deployment(**WHO, status="verified", **OLD, options_digest="d0", at="2026-10-01T00:00:00Z")
FAILED = {**WHO, "desired_fingerprint": NEW["fingerprint"], "desired_serial": "b", "error": "nginx -t failed"}


def test_first_success() -> None:
    record = next_record(None, {**WHO, **NEW, "status": "verified", "at": "2026-10-02T00:00:00Z", "run_id": "r1"})
    assert record.key == "web1#nginx#www"
    assert record == Deployment(
        **WHO,
        status="verified",
        **NEW,
        desired_fingerprint=NEW["fingerprint"],
        desired_serial="b",
        at="2026-10-02T00:00:00Z",
        run_id="r1",
    )


@pytest.mark.parametrize("status", ["verified", "installed"])
def test_success_replaces_what_is_served(status: str) -> None:
    record = next_record(KNOWN, {**WHO, **NEW, "status": status, "options_digest": "d1"})
    assert (record.fingerprint, record.serial, record.not_after) == tuple(NEW.values())
    assert record.previous_fingerprint == OLD["fingerprint"]
    assert record.options_digest == "d1"
    assert record.error is None


def test_success_with_the_same_certificate_keeps_the_previous_one() -> None:
    known = replace(KNOWN, previous_fingerprint=OTHER)
    assert next_record(known, {**WHO, **OLD, "status": "verified"}).previous_fingerprint == OTHER


@pytest.mark.parametrize("status", ["rolled_back", "failed", "unreachable"])
def test_without_success_the_host_is_known_to_serve_what_it_served(status: str) -> None:
    record = next_record(KNOWN, {**FAILED, "status": status})
    assert (record.fingerprint, record.serial, record.not_after) == tuple(OLD.values())
    assert (record.desired_fingerprint, record.desired_serial) == (NEW["fingerprint"], "b")
    assert (record.options_digest, record.error) == ("d0", "nginx -t failed")


@pytest.mark.parametrize(
    ("served", "serial", "not_after", "previous"),
    [
        (OLD["fingerprint"], "a", OLD["not_after"], None),
        (NEW["fingerprint"], "b", None, OLD["fingerprint"]),
        (OTHER, None, None, OLD["fingerprint"]),
    ],
)
def test_failed_attempt_that_says_what_is_served(
    served: str, serial: str | None, not_after: str | None, previous: str | None
) -> None:
    record = next_record(KNOWN, {**FAILED, "status": "failed", "served_fingerprint": served})
    assert (record.fingerprint, record.serial, record.not_after) == (served, serial, not_after)
    assert record.previous_fingerprint == previous


def test_nothing_known_is_ever_lost() -> None:
    """Whatever happens three times in a row: what was served stays in the record, or just behind it."""
    attempts = [
        {**FAILED, "status": status, "served_fingerprint": served}
        for status in ("rolled_back", "failed", "unreachable")
        for served in (None, OLD["fingerprint"])
    ]
    for chosen in itertools.product(attempts, repeat=3):
        record = KNOWN
        for attempt in chosen:
            record = next_record(record, attempt)
        assert (record.fingerprint, record.serial, record.not_after) == tuple(OLD.values())
        assert record.options_digest == "d0"


@pytest.mark.parametrize("missing", WHO)
def test_attempt_without_its_place_is_refused(missing: str) -> None:
    with pytest.raises(PlanError, match=f"cannot be recorded without {missing}"):
        next_record(None, {**WHO, "status": "verified", missing: None})


def test_unknown_status_is_refused() -> None:
    with pytest.raises(PlanError, match=f"use one of {', '.join(STATUSES)}"):
        next_record(None, {**WHO, "status": "fine"})


def test_error_is_cut_and_key_material_is_not_carried() -> None:
    record = next_record(None, {**WHO, "status": "failed", "msg": "x" * 2000, "private_key": "secret"})
    assert record.error == "x" * 1000
    assert "secret" not in str(record.to_item())


def test_item_and_result_make_the_same_record_again() -> None:
    stored = decode(encode(KNOWN.to_item()))
    assert stored["sk"] == "deployment#web1#nginx#www"
    assert "error" not in stored
    assert Deployment.from_item(stored) == KNOWN
    assert Deployment.from_result({**KNOWN.to_result(), "added_later": 1}) == KNOWN


def plan(attempts: list[dict[str, Any]], known: list[Deployment]) -> list[tuple[Deployment | None, Deployment]]:
    return plan_deployments(attempts, known, now="2026-11-01T00:00:00Z")


def test_attempt_without_time_gets_the_present() -> None:
    ((before, after),) = plan([{**WHO, **NEW, "status": "verified"}], [KNOWN])
    assert before == KNOWN
    assert after.at == "2026-11-01T00:00:00Z"


def test_attempt_that_says_nothing_new_leaves_the_record_alone() -> None:
    attempt = {**WHO, **NEW, "status": "verified", "options_digest": "d0"}
    ((_before, first),) = plan([attempt], [KNOWN])
    ((before, second),) = plan([{**attempt, "run_id": "later"}], [first])
    assert before == second == first


def test_attempt_with_its_own_time_is_recorded_again() -> None:
    attempt = {**WHO, **NEW, "status": "verified", "at": "2026-10-05T00:00:00Z"}
    ((_before, first),) = plan([attempt], [KNOWN])
    assert plan([attempt], [first]) == [(first, first)]
    ((before, after),) = plan([{**attempt, "at": "2026-10-06T00:00:00Z"}], [first])
    assert before != after


def test_attempts_for_one_host_are_merged_in_order() -> None:
    attempts = [{**FAILED, "status": "unreachable"}, {**WHO, **NEW, "status": "verified"}]
    ((before, after),) = plan(attempts, [KNOWN])
    assert before == KNOWN
    assert (after.status, after.fingerprint, after.previous_fingerprint) == (
        "verified",
        NEW["fingerprint"],
        OLD["fingerprint"],
    )


def test_services_and_certificates_of_a_host_are_apart() -> None:
    attempts: list[dict[str, Any]] = [
        {**WHO, **NEW, "status": "verified"},
        {**WHO, **NEW, "status": "verified", "service": "apache"},
        {**WHO, **NEW, "status": "verified", "certificate_name": "api"},
    ]
    assert len({after.key for _before, after in plan(attempts, [])}) == 3


def test_selection_by_status_and_expiry() -> None:
    now = datetime(2026, 11, 25, tzinfo=timezone.utc)
    unknown = replace(KNOWN, host="web2", status="failed", not_after=None)
    late = replace(KNOWN, host="web3", not_after=NEW["not_after"])
    every = [KNOWN, unknown, late]
    assert select_deployments(every, [], None, now) == every
    assert select_deployments(every, ["failed", "unreachable"], None, now) == [unknown]
    assert select_deployments(every, [], timedelta(days=7), now) == [KNOWN, unknown]
