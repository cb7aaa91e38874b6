# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategies for events that nobody should send: Hypothesis makes them, from nothing and from AWS's own samples."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
FILES = Path(__file__).parent / "events"
SAMPLES = [json.loads(path.read_text()) for path in sorted(FILES.glob("*.json"))]
RENEWAL = json.loads((FILES / "available-renewal-bool.json").read_text())
HINTS = [event for event in SAMPLES if event["detail-type"] in ("ACM Certificate Available", "AWS Health Event")]
KEYS = ("version", "id", "source", "account", "time", "region", "resources", "detail", "detail-type")
TEMPLATES = (
    "{{ lookup('pipe', 'id') }}",
    "{% for host in groups.all %}{{ host }}{% endfor %}",
    "{# nothing #}",
    "!unsafe '{{ 7 * 7 }}'",
    "!!python/object/apply:os.system [id]",
    "$(id)",
    "; rm -rf /",
    "../../../etc/passwd",
    "\x00\x1b[2J\r\n",
    "\ud800",
    "null",
    "[" * 3000,
)
ARNS = (
    ARN.replace("111122223333", "999999999999"),
    ARN.replace("eu-west-1", "us-east-1"),
    ARN.replace(":aws:", ":aws-us-gov:"),
    ARN.replace(":acm:", ":acm-pca:"),
    ARN.replace(":acm:", ":iam:"),
    ARN.replace("certificate/", "certificate-authority/"),
    ARN.replace("arn:", "ARN:"),
    ARN.replace("1111", "\u0661\u0661\u0661\u0661"),
    ARN.replace("111122223333", "11112222333"),
    ARN + "/../../other",
    ARN + "\n",
    f" {ARN}",
    ARN + "\x00",
    ARN + "," + ARN,
    "arn:aws:acm:::certificate/",
    "arn:aws:acm:eu-west-1:{{ account }}:certificate/x",
    "arn:aws:acm:*:*:certificate/*",
)
SOURCES = ("aws.acm", "aws.health", "certops.acm", "aws.ec2", "AWS.ACM", "aws.acm ", "aws.acm-pca")
DETAIL_TYPES = (
    "ACM Certificate Available",
    "acm certificate available",
    "ACM Certificate Expired",
    "AWS Health Event",
    "EC2 Instance State-change Notification",
    "Scheduled Event",
)
ACTIONS = ("RENEWAL", "ISSUANCE", "IMPORT", "REIMPORT", "renewal", "RENEWAL ", "DELETE", ["RENEWAL"], {"RENEWAL": 1})

texts = st.one_of(st.text(max_size=20), st.sampled_from(TEMPLATES), st.sampled_from((ARN, *ARNS)))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(allow_nan=True), texts)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _level in range(depth):
        value = [value]
    return value


def fields(event: dict[str, Any]) -> list[tuple[str, ...]]:
    """Paths of the fields of an event and of its detail."""
    detail = event.get("detail")
    inner = [("detail", name) for name in detail] if isinstance(detail, dict) else []
    return [*((name,) for name in event), *inner]


# What decides: a field, and what it must not be mistaken for.
telling = st.one_of(
    st.tuples(st.just(("source",)), st.sampled_from(SOURCES)),
    st.tuples(st.just(("detail-type",)), st.sampled_from(DETAIL_TYPES)),
    st.tuples(st.just(("detail", "Action")), st.sampled_from(ACTIONS)),
    st.tuples(st.just(("resources",)), st.sampled_from([[arn] for arn in ARNS])),
    st.tuples(st.just(("resources",)), st.sampled_from([[ARN, arn] for arn in ARNS])),
    st.tuples(st.just(("resources",)), st.lists(values, max_size=2)),
    st.tuples(st.just(("account",)), st.sampled_from(("999999999999", "", 111122223333, None))),
    st.tuples(st.just(("region",)), st.sampled_from(("us-east-1", "EU-WEST-1", ""))),
    st.tuples(st.just(("detail", "Exportable")), st.sampled_from((True, "TRUE", "no", 0, None, []))),
    st.tuples(st.just(("detail", "DomainName")), texts),
    st.tuples(st.just(("hosts",)), texts),
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """One of AWS's samples with up to three of its fields lost, added, or changed to something else."""
    event: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(HINTS) | st.sampled_from(SAMPLES)))
    for _change in range(draw(st.sampled_from((1, 1, 1, 2, 3, 0)))):
        anything = st.tuples(st.sampled_from(fields(event) or [("id",)]) | st.tuples(texts), values)
        path, value = draw(telling | telling | anything)
        holder = event if len(path) == 1 else event.get("detail")
        if isinstance(holder, dict):
            if path[-1] in holder and draw(st.integers(0, 3)) == 3:
                del holder[path[-1]]
            else:
                holder[path[-1]] = value
    return event


WAYS: tuple[Callable[[Any], Any], ...] = (
    lambda event: event,
    lambda event: event,
    json.dumps,
    lambda event: json.dumps(event).encode(),
    lambda event: {"acm_event": event},
    lambda event: {"awx_webhook_payload": event},
    lambda event: {"awx_webhook_payload": {"acm_event": json.dumps(event)}},
    lambda event: {"acm_event": {"acm_event": {"acm_event": {"acm_event": event}}}},
)

events = st.one_of(
    mutated(),
    mutated(),
    mutated(),
    st.dictionaries(st.sampled_from(KEYS), values),
    values,
    st.integers(1, 5000).map(nested),
    st.integers(1, 300).map(lambda size: {**RENEWAL, "detail": {"Action": "RENEWAL", "padding": "x" * 1000 * size}}),
)
payloads = st.tuples(events, st.sampled_from(WAYS))
