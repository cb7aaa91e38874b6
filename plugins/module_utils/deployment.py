# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployment: one certificate on one host, as last known. Actual state. No boto3, no Ansible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import item_fields
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.text import shown

SORT_KEY = "deployment#"
ERROR_LENGTH = 1000

# "installed" is "verified" without listeners: nobody asked for the handshake that proves it.
SERVED = ("verified", "installed")
STATUSES = (*SERVED, "rolled_back", "failed", "unreachable")


@dataclass(frozen=True)
class Deployment:
    """What is known of one certificate on one host.

    Attributes:
        fingerprint: of the certificate the host is last known to serve; ``serial`` and ``not_after`` are its.
        desired_fingerprint: of the certificate the last attempt tried to put there.
        previous_fingerprint: of the certificate that was served before this one.
        options_digest: of the options of the target the host last took successfully.
        held_serial: the serial it was rolled back from on purpose, which must not come back by itself.
        at: time of the last attempt, ISO 8601 in UTC.
    """

    certificate_arn: str
    certificate_name: str
    host: str
    account: str
    service: str
    status: str
    fingerprint: str | None = None
    serial: str | None = None
    not_after: str | None = None
    desired_fingerprint: str | None = None
    desired_serial: str | None = None
    previous_fingerprint: str | None = None
    options_digest: str | None = None
    held_serial: str | None = None
    error: str | None = None
    at: str | None = None
    run_id: str | None = None

    @property
    def key(self) -> str:
        """What tells a deployment from the others of its certificate."""
        return f"{self.host}#{self.service}#{self.certificate_name}"

    def says_the_same(self, other: Deployment | None) -> bool:
        """Tell whether only time and run differ."""
        return other is not None and _facts(self) == _facts(other)

    def hold(self) -> dict[str, Any]:
        """Return an attempt that only records that the serial last tried must not be tried again by itself."""
        return {**self.to_result(), "served_fingerprint": self.fingerprint, "held_serial": self.desired_serial}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Deployment:
        """Read an item of the table. What a host or a run said is made readable, anything else has to be right.

        Raises:
            PlanError, CertificateError: a field is missing or wrong, or the item's key says something else.
        """
        item_fields.require(item, _REQUIRED)
        deployment = cls.from_result({**item, "certificate_arn": item["pk"], "error": _readable_error(item)})
        deployment._check_fields()
        if item["sk"] != SORT_KEY + deployment.key:
            raise PlanError(f"its fields belong to the key {item_fields.shown_key(SORT_KEY + deployment.key, 200)}")
        return deployment

    def _check_fields(self) -> None:
        item_fields.check_arn("certificate_arn", self.certificate_arn)
        item_fields.check_plain("host", self.host, item_fields.HOST)
        for name in ("at", "not_after"):
            if getattr(self, name) is not None:
                item_fields.check_time(name, getattr(self, name))
        for name, rule in _RULES.items():
            if getattr(self, name) is not None:
                rule.check(name, getattr(self, name))
        if self.status not in STATUSES:
            raise PlanError(f"status '{shown(self.status)}' must be one of {', '.join(STATUSES)}")

    def to_item(self) -> dict[str, Any]:
        """Return the item of the table; what is not known is left out."""
        fields = {name: value for name, value in asdict(self).items() if value is not None}
        return {"pk": fields.pop("certificate_arn"), "sk": SORT_KEY + self.key, **fields}

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Deployment:
        """Read what ``to_result`` returned; unknown keys are ignored."""
        return cls(**{name: result[name] for name in cls.__dataclass_fields__ if name in result})

    def to_result(self) -> dict[str, Any]:
        """Return the deployment as a module returns it."""
        return asdict(self)


_REQUIRED = ("pk", "sk", "certificate_name", "host", "account", "service", "status")
_RULES = {
    "certificate_name": item_fields.NAME,
    "account": item_fields.ACCOUNT,
    "service": item_fields.SERVICE,
    "status": item_fields.SHORT,
    "fingerprint": item_fields.HEXADECIMAL,
    "serial": item_fields.HEXADECIMAL,
    "desired_fingerprint": item_fields.HEXADECIMAL,
    "desired_serial": item_fields.HEXADECIMAL,
    "previous_fingerprint": item_fields.HEXADECIMAL,
    "held_serial": item_fields.HEXADECIMAL,
    "options_digest": item_fields.HEXADECIMAL,
    "run_id": item_fields.SHORT,
}


def _readable_error(item: Mapping[str, Any]) -> str | None:
    error = item.get("error")
    if error is not None and not isinstance(error, str):
        raise PlanError(f"error '{shown(error)}' must be text")
    return None if error is None else item_fields.readable(error, ERROR_LENGTH)


def next_record(previous: Deployment | None, attempt: Mapping[str, Any]) -> Deployment:
    """Merge the outcome of an attempt with what was known of the host. Nothing known is lost.

    A successful attempt replaces the served certificate. Any other keeps it, unless the attempt says what the
    host serves (``served_fingerprint``).

    Args:
        previous: the record so far, None on the first attempt.
        attempt: certificate_arn, certificate_name, host, account, service, status; and as far as they are
            known fingerprint, serial, not_after, desired_fingerprint, desired_serial, served_fingerprint,
            options_digest, held_serial, error, at, run_id.

    Raises:
        PlanError: a required field is missing or the status is none of ``STATUSES``.
    """
    _check(attempt)
    served = attempt["status"] in SERVED
    desired = {
        "fingerprint": attempt.get("desired_fingerprint") or attempt.get("fingerprint"),
        "serial": attempt.get("desired_serial") or attempt.get("serial"),
        "not_after": attempt.get("not_after"),
    }
    known = desired if served else _still_served(previous, desired, attempt.get("served_fingerprint"))
    return Deployment(
        **{name: attempt[name] for name in ("certificate_arn", "certificate_name", "host", "account", "service")},
        status=attempt["status"],
        **known,
        desired_fingerprint=desired["fingerprint"],
        desired_serial=desired["serial"],
        previous_fingerprint=_previous_fingerprint(previous, known["fingerprint"]),
        options_digest=attempt.get("options_digest") if served else getattr(previous, "options_digest", None),
        held_serial=attempt.get("held_serial") or (None if served else getattr(previous, "held_serial", None)),
        error=None if served else _error(attempt),
        at=attempt.get("at"),
        run_id=attempt.get("run_id"),
    )


def _check(attempt: Mapping[str, Any]) -> None:
    required = ("certificate_arn", "certificate_name", "host", "account", "service", "status")
    missing = [name for name in required if not attempt.get(name)]
    if missing:
        raise PlanError(f"a deployment cannot be recorded without {', '.join(missing)}: give all of {required}")
    if attempt["status"] not in STATUSES:
        raise PlanError(f"'{attempt['status']}' is not the status of a deployment: use one of {', '.join(STATUSES)}")


def _still_served(
    previous: Deployment | None, desired: Mapping[str, str | None], served: str | None
) -> dict[str, str | None]:
    """Return fingerprint, serial and not_after of what a host serves after an attempt without success."""
    known = {name: getattr(previous, name, None) for name in ("fingerprint", "serial", "not_after")}
    if not served or served == known["fingerprint"]:
        return known
    if served == desired["fingerprint"]:
        return dict(desired)
    return {"fingerprint": served, "serial": None, "not_after": None}


def _previous_fingerprint(previous: Deployment | None, fingerprint: str | None) -> str | None:
    if previous is None:
        return None
    if previous.fingerprint and previous.fingerprint != fingerprint:
        return previous.fingerprint
    return previous.previous_fingerprint


def _error(attempt: Mapping[str, Any]) -> str | None:
    text = attempt.get("error") or attempt.get("msg")
    return str(text)[:ERROR_LENGTH] if text else None


def _facts(deployment: Deployment) -> dict[str, Any]:
    return {name: value for name, value in asdict(deployment).items() if name not in ("at", "run_id")}
