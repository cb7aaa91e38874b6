# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What EventBridge sends about a certificate, read leniently on values and strictly on shape.

An event is a hint to look at one certificate now. Nothing else of it is used: hosts, targets, paths
and commands come from the inventory. Shapes: the ACM user guide's "Amazon EventBridge support for
ACM"; AWS Health's ``AWS_ACM_RENEWAL_STATE_CHANGE``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError, EventIgnored
from ansible_collections.certops.acm.plugins.module_utils.text import shown

AVAILABLE = "ACM Certificate Available"
ACTIONS = ("RENEWAL", "ISSUANCE", "REIMPORT")
ALARMS = {
    "ACM Certificate Renewal Action Required": "action_required",
    "ACM Certificate Approaching Expiration": "approaching_expiration",
    "ACM Certificate Expired": "expired",
    "ACM Certificate Revoked": "revoked",
}
TEST_SOURCE = "certops.acm"
HEALTH_CODE = "AWS_ACM_RENEWAL_STATE_CHANGE"
WRAPPERS = ("acm_event", "awx_webhook_payload")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class Event:
    """A hint that a certificate changed.

    Attributes:
        certificate_arn: ARN of the certificate, checked to be well formed.
        account: 12 digits, from the ARN.
        region: from the ARN.
        action: ``renewal``, ``issuance``, ``reimport`` or ``health``.
        id: EventBridge's id of the event; empty when it carries none, or something else.
    """

    certificate_arn: str
    account: str
    region: str
    action: str
    id: str

    def to_result(self) -> dict[str, str]:
        return asdict(self)


def read(payload: Any) -> dict[str, str]:
    """An event for playbooks: the fields of :class:`Event`, or ``ignored`` with the reason.

    An event that asks for somebody's attention has ``alarm`` too, its kind.
    """
    try:
        return parse(payload).to_result()
    except EventIgnored as reason:
        return {"ignored": str(reason), **({"alarm": reason.alarm} if reason.alarm else {})}


def parse(payload: Any) -> Event:
    """Read an event given bare, as JSON text, or wrapped as AWX and our own playbooks pass it.

    Raises:
        EventIgnored: it is not an event to act on; the text says why.
    """
    event = _unwrap(payload)
    source, detail_type = event.get("source"), event.get("detail-type")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise EventIgnored("the event has no detail")
    if source == "aws.acm":
        action = _acm_action(detail_type, detail)
    elif source == "aws.health":
        action = _health_action(detail)
    elif source == TEST_SOURCE:
        raise EventIgnored("the event is a test of the way that events take: it arrived")
    else:
        raise EventIgnored(f"the event comes from {_short(source)}, not from aws.acm")
    return _event(event, action)


def _unwrap(payload: Any) -> Mapping[str, Any]:
    for _depth in range(len(WRAPPERS) + 1):
        if isinstance(payload, (str, bytes)):
            try:
                payload = json.loads(payload)
            except (ValueError, RecursionError) as error:
                raise EventIgnored("the event is not JSON") from error
        if not isinstance(payload, Mapping):
            raise EventIgnored("the event is not a JSON object")
        wrapper = next((key for key in WRAPPERS if key in payload), None)
        if wrapper is None:
            return payload
        payload = payload[wrapper]
    raise EventIgnored("the event is wrapped in itself")


def _acm_action(detail_type: Any, detail: Mapping[str, Any]) -> str:
    if detail_type != AVAILABLE:
        alarm = ALARMS.get(detail_type, "") if isinstance(detail_type, str) else ""
        raise EventIgnored(f"{_short(detail_type)} brings no new certificate to install", alarm)
    action = detail.get("Action")
    if action not in ACTIONS:
        raise EventIgnored(f"action {_short(action)} brings no new certificate to install")
    if detail.get("CertificateKeyPairOrigin") == "ACME":
        raise EventIgnored("the certificate was made through ACME: its key is not in ACM and cannot be exported")
    return str(action).lower()


def _health_action(detail: Mapping[str, Any]) -> str:
    if detail.get("service") != "ACM" or detail.get("eventTypeCode") != HEALTH_CODE:
        raise EventIgnored("the AWS Health event is not about a renewal in ACM")
    return "health"


def _event(event: Mapping[str, Any], action: str) -> Event:
    resources = event.get("resources")
    if not isinstance(resources, (list, tuple)) or not resources or not isinstance(resources[0], str):
        raise EventIgnored("the event names no certificate in its resources")
    try:
        arn = CertificateArn.parse(resources[0])
    except CertificateError as error:
        raise EventIgnored("the event's first resource is not the ARN of an ACM certificate") from error
    for field, expected in (("account", arn.account), ("region", arn.region)):
        given = event.get(field)
        # AWX marks each text of a variable as unsafe, and since ansible-core 2.19 such a text is read as YAML: an
        # account becomes a number, one with a leading zero another number. Only a text says anything.
        if isinstance(given, str) and given != expected:
            raise EventIgnored(f"the event's {field} is not that of its certificate")
    event_id = event.get("id")
    known = isinstance(event_id, str) and _ID.fullmatch(event_id)
    return Event(str(arn), arn.account, arn.region, action, str(event_id) if known else "")


def _short(value: Any) -> str:
    """What a stranger sent, shortened, made printable, and no template any more."""
    return f"'{shown(value)}'"
