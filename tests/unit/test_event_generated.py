# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thousand generated events: none crashes the reader, and none is taken for what it is not."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from unit.generated_events import payloads

from ansible_collections.certops.acm.plugins.module_utils.event import read

EVENTS = 1000
WELL_FORMED = re.compile(r"arn:aws[a-z-]*:acm:([a-z0-9-]+):([0-9]{12}):certificate/[A-Za-z0-9-]+")
TAKEN = Counter[str]()


def bare(payload: Any) -> Any:
    """The event itself, however it was wrapped; a second reader, for this test alone."""
    while True:
        if isinstance(payload, (str, bytes)):
            payload = json.loads(payload)
        inner = [payload[name] for name in ("acm_event", "awx_webhook_payload") if name in payload]
        if not inner:
            return payload
        payload = inner[0]


def must_be_a_hint(event: Any, told: dict[str, str]) -> None:
    """What was accepted is an event of AWS about a new certificate, and nothing but its ARN was taken from it."""
    assert set(told) == {"certificate_arn", "account", "region", "action", "id"}
    found = WELL_FORMED.fullmatch(told["certificate_arn"])
    assert found and (told["region"], told["account"]) == found.groups()
    assert event["resources"][0].strip() == told["certificate_arn"]
    detail = event["detail"]
    if told["action"] == "health":
        assert (event["source"], detail["service"]) == ("aws.health", "ACM")
        assert detail["eventTypeCode"] == "AWS_ACM_RENEWAL_STATE_CHANGE"
    else:
        assert (event["source"], event["detail-type"]) == ("aws.acm", "ACM Certificate Available")
        assert detail["Action"] in ("RENEWAL", "ISSUANCE", "REIMPORT") and detail["Action"].lower() == told["action"]
        assert detail.get("CertificateKeyPairOrigin") != "ACME"
    for name in ("account", "region"):
        assert not isinstance(event.get(name), str) or event[name] == told[name]


# The same events each time: what fails here fails everywhere.
@settings(
    max_examples=EVENTS,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(payloads)
def look_at_all(generated: tuple[Any, Callable[[Any], Any]]) -> None:
    event, way = generated
    try:
        payload = way(event)
    except RecursionError:  # Python cannot write what nests so deep; a sender can
        payload = "[" * 5000 + "]" * 5000
    told = read(payload)
    if "ignored" in told:
        assert set(told) <= {"ignored", "alarm"}
        assert told["ignored"].isprintable() and len(told["ignored"]) < 200
        TAKEN["ignored"] += 1
    else:
        must_be_a_hint(bare(payload), told)
        TAKEN[told["action"]] += 1


def test_a_thousand_events() -> None:
    look_at_all()
    print(dict(TAKEN))
    assert sum(TAKEN.values()) >= EVENTS
    # Not worth much if all of them were refused at the first look, or none.
    assert min(TAKEN[kind] for kind in ("renewal", "issuance", "reimport", "health")) >= 5, TAKEN
    assert TAKEN["ignored"] >= EVENTS / 2, TAKEN
