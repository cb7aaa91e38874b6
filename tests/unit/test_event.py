# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events: lenient on values, strict on shape, and never more than a hint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.loader import lookup_loader

from ansible_collections.certops.acm.plugins.filter.acm_event import FilterModule
from ansible_collections.certops.acm.plugins.module_utils.errors import EventIgnored
from ansible_collections.certops.acm.plugins.module_utils.event import Event, parse, read

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((Path(__file__).parent / "events" / f"{name}.json").read_text())
    return event


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("available-issuance", "issuance"),
        ("available-renewal-bool", "renewal"),
        ("available-renewal-strings", "renewal"),
        ("available-renewal-minimal", "renewal"),
        ("available-import", "reimport"),
        ("health-renewal-state-change", "health"),
    ],
)
def test_a_hint_names_its_certificate(name: str, action: str) -> None:
    event = parse(sample(name))
    assert event == Event(ARN, "111122223333", "eu-west-1", action, sample(name)["id"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("available-acme", "cannot be exported"),
        ("action-required", "no new certificate"),
        ("approaching-expiration", "no new certificate"),
        ("expired", "no new certificate"),
        ("revoked", "no new certificate"),
    ],
)
def test_what_brings_no_new_certificate_is_ignored_with_a_reason(name: str, reason: str) -> None:
    with pytest.raises(EventIgnored, match=reason):
        parse(sample(name))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda event: {"acm_event": event},
        lambda event: {"awx_webhook_payload": event},
        lambda event: {"awx_webhook_payload": {"acm_event": event}},
        json.dumps,
        lambda event: {"acm_event": json.dumps(event)},
    ],
)
def test_wrapped_events_read_the_same(wrap: Any) -> None:
    event = sample("available-renewal-bool")
    assert parse(wrap(event)) == parse(event)


EXPIRED = {"detail-type": "ACM Certificate Expired"}


def changed(**fields: Any) -> dict[str, Any]:
    return {**sample("available-renewal-bool"), **fields}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        1,
        [],
        {},
        "no json",
        '"text"',
        "[" * 100_000,
        {"acm_event": {"acm_event": {"acm_event": {"acm_event": {}}}}},
        changed(source="aws.ec2"),
        changed(source=["aws.acm"]),
        changed(detail=None),
        changed(detail={"Action": ["RENEWAL"]}),
        changed(detail={"Action": "DELETE"}),
        changed(resources=[]),
        changed(resources=ARN),
        changed(resources=[1]),
        changed(resources=["{{ lookup('pipe', 'id') }}"]),
        changed(resources=[ARN + "\nx"]),
        changed(account="999999999999"),
        changed(region="us-east-1"),
    ],
)
def test_anything_else_is_ignored(payload: Any) -> None:
    with pytest.raises(EventIgnored) as ignored:
        parse(payload)
    assert "\n" not in str(ignored.value) and len(str(ignored.value)) < 200


def test_nothing_but_the_arn_is_taken_from_the_event() -> None:
    event = changed(hosts=["web1"], detail={"Action": "RENEWAL", "CommonName": "{{ 7 * 7 }}", "limit": "all"})
    assert set(parse(event).to_result()) == {"certificate_arn", "account", "region", "action", "id"}


@pytest.mark.parametrize(
    ("name", "alarm"),
    [
        ("action-required", "action_required"),
        ("approaching-expiration", "approaching_expiration"),
        ("expired", "expired"),
        ("revoked", "revoked"),
    ],
)
def test_what_asks_for_attention_is_told_apart(name: str, alarm: str) -> None:
    assert read(sample(name))["alarm"] == alarm
    assert "alarm" not in read(sample("available-acme"))


@pytest.mark.parametrize(
    "payload", [changed(**{"detail-type": ["ACM Certificate Expired"]}), changed(source="aws.ec2", **EXPIRED)]
)
def test_an_alarm_is_never_guessed(payload: Any) -> None:
    assert set(read(payload)) == {"ignored"}


def test_the_test_event_says_that_it_arrived() -> None:
    event = {"source": "certops.acm", "detail-type": "certops.acm Test", "detail": {}}
    assert read(event) == {"ignored": "the event is a test of the way that events take: it arrived"}


def test_filter_and_lookup_read_alike() -> None:
    (read_filtered,) = FilterModule().filters().values()
    lookup = lookup_loader.get("certops.acm.acm_event")
    for name in ("available-renewal-bool", "expired", "available-acme"):
        event = sample(name)
        assert [read_filtered(event)] == lookup.run([], {"awx_webhook_payload": event}) == [read(event)]


@pytest.mark.parametrize("account", [111122223333, 2222333344, ["111122223333"]])
def test_an_account_that_is_no_text_says_nothing(account: Any) -> None:
    # What AWX hands over: since ansible-core 2.19 a text of digits in its file of variables is read as a number.
    assert parse(changed(account=account)).account == "111122223333"
