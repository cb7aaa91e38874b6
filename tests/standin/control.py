# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: ``POST /_standin/<name>`` with a JSON object of arguments, JSON back.

One public method of :class:`Control` is one name. A wrong call answers 400 with ``{"error": ...}``.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from . import ca, certificate_forms, lifecycle, private_ca, tamper
from .accounts import DEFAULT_ACCOUNT, DEFAULT_REGION
from .acm import backend_of, certificate_of
from .certificate import Validity
from .faults import Rule
from .refusal import Refusal
from .world import WORLD


def answer_control(name: str, body: bytes) -> tuple[int, bytes]:
    """HTTP status and JSON for one control call."""
    method = getattr(Control, name, None) if not name.startswith("_") else None
    if method is None:
        return 404, _json({"error": f"there is no control call {name!r}"})
    try:
        arguments = json.loads(body or b"{}")
        inspect.signature(method).bind(**arguments)
        with WORLD.lock:
            return 200, _json(method(**arguments))
    except (Refusal, ValueError, TypeError, KeyError) as problem:
        return 400, _json({"error": f"{name}: {problem}"})


class Control:
    """Static methods only: the state is the world's and moto's."""

    # The whole stand-in

    @staticmethod
    def health() -> dict[str, Any]:
        return {"ok": True}

    @staticmethod
    def reset() -> None:
        """Everything forgotten, moto's state too; only the root certificate stays."""
        from moto.moto_api._internal.models import moto_api_backend

        moto_api_backend.reset()
        WORLD.clear()

    @staticmethod
    def root() -> str:
        return WORLD.authority.root_pem

    @staticmethod
    def options(**values: Any) -> dict[str, Any]:
        """Set the options given, answer with all (``options.py`` tells what they mean)."""
        WORLD.options.set(values)
        return dict(vars(WORLD.options))

    # Certificates

    @staticmethod
    def request(
        domain: str,
        *,
        names: list[str] | None = None,
        key_algorithm: str = "RSA_2048",
        export: bool = True,
        issue: bool = True,
        tags: dict[str, str] | None = None,
        validity: dict[str, Any] | None = None,
        authority_arn: str | None = None,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
        **attributes: Any,
    ) -> str:
        """A certificate, issued unless told otherwise, without an AWS call; the ARN."""
        if key_algorithm not in ca.ALGORITHMS:
            raise ValueError(f"key_algorithm must be one of {', '.join(ca.ALGORITHMS)}")
        certificate = backend_of(account, region).add(
            names=tuple(dict.fromkeys([domain, *(names or [])])),
            type="PRIVATE" if authority_arn else "AMAZON_ISSUED",
            key_algorithm=key_algorithm,
            export_option="ENABLED" if export else "DISABLED",
            validation_method=None if authority_arn else "DNS",
            authority_arn=authority_arn,
            tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        lifecycle.begin(certificate)
        if issue and certificate.status == "PENDING_VALIDATION":
            lifecycle.issue(certificate, certificate_forms.validity_of(certificate, validity))
        certificate_forms.update(certificate, attributes)
        return certificate.arn

    @staticmethod
    def seed(count: int, *, domain: str = "site-{number:05}.example.com", **request: Any) -> list[str]:
        """Many certificates at once, without events. Keys are made when one is read, so this is fast."""
        WORLD.events.muted = True
        try:
            return [Control.request(domain.format(number=number), **request) for number in range(1, count + 1)]
        finally:
            WORLD.events.muted = False

    @staticmethod
    def issue(arn: str, **validity: Any) -> dict[str, Any]:
        """Validation succeeded."""
        certificate = certificate_of(arn)
        if certificate.status != "PENDING_VALIDATION":
            raise ValueError(f"{arn} is {certificate.status}, only PENDING_VALIDATION can be issued")
        lifecycle.issue(certificate, certificate_forms.validity_of(certificate, validity))
        return certificate_forms.told(certificate)

    @staticmethod
    def fail(arn: str, reason: str = "CAA_ERROR", status: str = "FAILED") -> dict[str, Any]:
        """Validation failed (``FAILED``) or nobody did it in 72 hours (``VALIDATION_TIMED_OUT``)."""
        certificate = certificate_of(arn)
        lifecycle.fail(certificate, reason, status)
        return certificate_forms.told(certificate)

    @staticmethod
    def renew(
        arn: str,
        *,
        force: bool = False,
        stale_calls: int | None = None,
        stale_seconds: float | None = None,
        **validity: Any,
    ) -> dict[str, Any]:
        """ACM's own managed renewal. Refused for a certificate that is not eligible, unless forced."""
        certificate = certificate_of(arn)
        if certificate.renewal_eligibility != "ELIGIBLE" and not force:
            raise ValueError(f"{arn} is not eligible for renewal: export it first, or force it")
        lifecycle.renew(
            certificate,
            certificate_forms.validity_of(certificate, validity),
            stale_calls=stale_calls,
            stale_seconds=stale_seconds,
        )
        return certificate_forms.told(certificate)

    @staticmethod
    def renewal_failed(arn: str, reason: str = "CAA_ERROR", status: str = "PENDING_VALIDATION") -> dict[str, Any]:
        """The renewal needs somebody: status, reason and the event that asks for action."""
        certificate = certificate_of(arn)
        lifecycle.set_renewal(certificate, status, reason)
        WORLD.events.action_required(certificate, reason)
        return certificate_forms.told(certificate)

    @staticmethod
    def expire(arn: str, days_ago: float = 1) -> dict[str, Any]:
        """The same key and serial, expired: the leaf is signed again with an end in the past."""
        certificate = certificate_of(arn)
        leaf = certificate.leaf
        if not leaf or leaf.imported:
            raise ValueError(f"{arn} has no leaf of ours that could expire")
        ended = Validity.of(lifecycle.lifetime_days(certificate), days_left=-days_ago)
        signed = leaf.signed()
        assert leaf.issuer and signed.key
        leaf.request = ca.LeafRequest(
            leaf.request.names, leaf.request.serial, min(leaf.request.not_before, ended.not_before), ended.not_after
        )
        leaf.replace_certificate(ca.pem(ca.sign_leaf(leaf.issuer, signed.key, leaf.request)))
        lifecycle.advance(certificate)
        return certificate_forms.told(certificate)

    @staticmethod
    def approaching(arn: str) -> dict[str, Any]:
        certificate = certificate_of(arn)
        WORLD.events.approaching(certificate)
        return certificate_forms.told(certificate)

    @staticmethod
    def update(arn: str, **attributes: Any) -> dict[str, Any]:
        """Set what only AWS can: ``created_at``, ``in_use_by``, ``key_pair_origin``, ``exported``, ..."""
        certificate = certificate_of(arn)
        certificate_forms.update(certificate, attributes)
        return certificate_forms.told(certificate)

    @staticmethod
    def certificate(arn: str, *, key: bool = False) -> dict[str, Any]:
        """What the stand-in holds, every leaf in order; with the plain keys only on request."""
        return certificate_forms.told(certificate_of(arn), leaves=True, key=key)

    @staticmethod
    def private_ca(
        common_name: str = "Private Root", account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION
    ) -> dict[str, str]:
        """An active private CA: its ARN and its root certificate."""
        arn = private_ca.create(account, region, common_name)
        return {"arn": arn, "root": ca.pem(WORLD.private_authorities[arn].certificate)}

    # Stacks

    @staticmethod
    def stack(stack_name: str, account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> dict[str, Any]:
        """A stack's template and all of its parameters, secrets too."""
        stored = WORLD.stacks[(account, region, stack_name)]
        return {"template": stored.template, "parameters": stored.parameters}

    # What went over the wire

    @staticmethod
    def counts() -> dict[str, int]:
        return WORLD.calls.counts()

    @staticmethod
    def calls() -> list[dict[str, Any]]:
        return WORLD.calls.calls()

    @staticmethod
    def reset_counts() -> None:
        WORLD.calls.clear()

    @staticmethod
    def events() -> list[dict[str, Any]]:
        """All events so far, after letting time catch up with every certificate."""
        from moto.acm.models import acm_backends

        for _unused, _unused, backend in list(acm_backends.iter_backends()):
            backend.all()
        return WORLD.events.sent

    @staticmethod
    def clear_events() -> None:
        WORLD.events.sent.clear()

    # Faults

    @staticmethod
    def fault(action: str, code: str, **rule: Any) -> None:
        """The rule of ``faults.Rule``; ``action`` may hold ``*``."""
        WORLD.faults.add(Rule(action=_action(action), code=code, **rule))

    @staticmethod
    def latency(action: str, milliseconds: float) -> None:
        WORLD.faults.latency[_action(action)] = milliseconds

    @staticmethod
    def external_id(role_arn: str, external_id: str) -> None:
        """From now on, assuming this role needs this external id."""
        WORLD.external_ids[role_arn] = external_id

    @staticmethod
    def clear_faults() -> None:
        WORLD.faults.clear()
        WORLD.external_ids.clear()

    @staticmethod
    def tamper(arn: str, kind: str, times: int | None = None) -> None:
        """Spoil the next answers of Get and Export (``tamper.KINDS``); without ``times`` all of them."""
        if kind not in tamper.KINDS:
            raise ValueError(f"no such tampering: {kind} (there are {', '.join(tamper.KINDS)})")
        certificate_of(arn).tampering[kind] = times

    @staticmethod
    def untamper(arn: str) -> None:
        certificate_of(arn).tampering.clear()


def _action(action: str) -> str:
    if ":" not in action:
        raise ValueError(f"{action!r} is no action: write it like acm:ExportCertificate")
    return action


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
