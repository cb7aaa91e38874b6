# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that is decided of one certificate on one Windows host, before anything is touched. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.iis_binding import (
    Binding,
    StoreCertificate,
    clean_thumbprint,
    fingerprint_of,
    read_sites,
    read_stores,
    thumbprint_of,
)
from ansible_collections.certops.acm.plugins.module_utils.iis_plan import Goal, Plan, plan_install, plan_return
from ansible_collections.certops.acm.plugins.module_utils.iis_record import Record, after_install, after_return


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        state: ``present``, ``rolled_back`` or ``absent``.
        bundle: of the new certificate: certificate (PEM), names, serial, not_after.
        bindings: as a person gave them; ``replaces`` are thumbprints.
        address: where the controller reaches the host, for bindings of all addresses.
        server_names: names to ask for in handshakes with bindings without a host name.
        force: go back to a certificate that expired.
    """

    state: str = "present"
    bundle: Mapping[str, Any] = field(default_factory=dict)
    store: str = "My"
    bindings: Sequence[Mapping[str, Any]] = ()
    replaces: Sequence[str] = ()
    backend: str = "module"
    address: str = ""
    server_names: Sequence[str] = ()
    force: bool = False


def decide(
    sites: Iterable[Mapping[str, Any]], stores: Iterable[Mapping[str, Any]], record: str, wish: Wish
) -> dict[str, Any]:
    """Return the plan, and what a run needs beside it.

    Args:
        sites: as ``microsoft.iis.website_info`` returns them.
        stores: results of a loop of ``ansible.windows.win_certificate_info`` over names of stores.
        record: what the registry of the host holds.

    Returns:
        What ``Plan.to_result`` returns, and ``certificate`` (thumbprint, fingerprint, serial, not_after, store),
        ``held`` (whether the host has it with its key), ``handshakes``, ``record`` (what is to be remembered),
        ``changed`` and ``previous_fingerprint``.
    """
    bindings, held = read_sites(sites), read_stores(stores)
    try:
        known = Record.from_text(record)
        plan, target, remembered = (
            _install(bindings, known, wish) if wish.state == "present" else _back(bindings, held, known, wish)
        )
    except PlanError as error:
        return {**Plan(problems=(str(error),), before=tuple(bindings)).to_result(), **_NOTHING, "record": record}
    has_it = any(
        one.thumbprint == target.thumbprint and one.store.lower() == target.store.lower() and one.has_private_key
        for one in held
    )
    fingerprints = {one.thumbprint: one.fingerprint for one in held} | {target.thumbprint: target.fingerprint}
    text = remembered.to_text() if remembered else ""
    return {
        **plan.to_result(),
        "certificate": {
            name: getattr(target, name) for name in ("thumbprint", "fingerprint", "serial", "not_after", "store")
        },
        "held": has_it,
        "handshakes": handshakes(plan, fingerprints, wish.address, wish.server_names),
        "record": text,
        "changed": not plan.problems
        and (bool(plan.moves) or text != record or (wish.state == "present" and not has_it)),
        "previous_fingerprint": _previous(plan, known, fingerprints, target.fingerprint),
    }


_NOTHING: dict[str, Any] = {
    "certificate": {"thumbprint": "", "fingerprint": "", "serial": "", "not_after": "", "store": ""},
    "held": False,
    "handshakes": [],
    "changed": False,
    "previous_fingerprint": None,
}


def undo(
    sites: Iterable[Mapping[str, Any]], before: Iterable[Mapping[str, Any]], stores: Any, wish: Wish
) -> dict[str, Any]:
    """Return the plan that brings all bindings back to ``before``, and the handshakes that prove it."""
    fingerprints = {one.thumbprint: one.fingerprint for one in read_stores(stores)}
    plan = plan_return(read_sites(sites), [Binding.from_result(one) for one in before], backend=wish.backend)
    proof = handshakes(replace(plan, stay=()), fingerprints, wish.address, wish.server_names)
    return {**plan.to_result(), "handshakes": proof}


def handshakes(
    plan: Plan, fingerprints: Mapping[str, str], address: str, server_names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return where the certificates must show themselves; a stopped site shows nothing."""
    claimed = {(one.port, one.hostname.lower()) for one in plan.expected if one.sni}
    found = []
    wanted = {binding.key for binding in plan.stay} | {move.binding.key for move in plan.moves}
    for binding in plan.expected:
        fingerprint = fingerprints.get(binding.thumbprint, "")
        if binding.key not in wanted or binding.state != "started" or not fingerprint:
            continue
        names = [binding.hostname] if binding.hostname else list(server_names)
        free = [name for name in names if binding.sni or (binding.port, name.lower()) not in claimed]
        found.append(
            {
                "address": address if binding.ip == "*" else binding.ip,
                "port": binding.port,
                "server_name": free[0].replace("*", "any") if free else "",
                "fingerprint": fingerprint,
                "label": str(binding),
            }
        )
    return found


def _install(bindings: list[Binding], known: Record | None, wish: Wish) -> tuple[Plan, Record, Record | None]:
    target = Record(
        thumbprint=thumbprint_of(wish.bundle["certificate"]),
        fingerprint=fingerprint_of(wish.bundle["certificate"]),
        serial=str(wish.bundle.get("serial") or ""),
        not_after=str(wish.bundle.get("not_after") or ""),
        store=wish.store,
    )
    wanted = [Binding.from_option(option) for option in wish.bindings]
    stated = [binding.key for option, binding in zip(wish.bindings, wanted) if option.get("sni") is not None]
    replaced = {clean_thumbprint(text) for text in wish.replaces}
    goal = Goal(
        thumbprint=target.thumbprint,
        store=wish.store,
        names=list(wish.bundle.get("names") or []),
        wanted=wanted,
        stated_sni=frozenset(stated),
        follow=frozenset(replaced | ({known.thumbprint} - {""} if known else set())),
        recorded=known.keys if known else frozenset(),
        backend=wish.backend,
    )
    plan = plan_install(bindings, goal)
    return plan, target, after_install(known, plan, target)


def _back(
    bindings: list[Binding], held: list[StoreCertificate], known: Record | None, wish: Wish
) -> tuple[Plan, Record, Record | None]:
    gone = wish.state == "absent"
    if known is None:
        if gone:
            return Plan(before=tuple(bindings)), Record(), None
        raise PlanError("this host has no record of the certificate, so nothing is known to go back to")
    former = known.original if gone else known.former
    plan = plan_return(bindings, former, held=held, backend=wish.backend)
    first = next((binding for binding in former if binding.thumbprint), None)
    if not gone and not known.returned and (first is None or first.thumbprint == known.thumbprint):
        raise PlanError("the host had no certificate before this one, so there is nothing to go back to")
    certificate = next(
        (
            one
            for one in held
            if first and (one.thumbprint, one.store.lower()) == (first.thumbprint, first.store.lower())
        ),
        None,
    )
    if certificate and not wish.force and _expired(certificate.not_after):
        raise PlanError(
            f"the former certificate {certificate.thumbprint} expired at {certificate.not_after}: set force to go "
            "back to it all the same"
        )
    back = after_return(known, certificate)
    return plan, back, None if gone else back


def _expired(not_after: str) -> bool:
    try:
        end = datetime.datetime.strptime(not_after[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return False
    return end <= datetime.datetime.now(datetime.timezone.utc)


def _previous(plan: Plan, known: Record | None, fingerprints: Mapping[str, str], target: str) -> str | None:
    moved = [fingerprints.get(move.binding.thumbprint) for move in plan.moves if move.binding.thumbprint]
    recorded = known.fingerprint if known and known.fingerprint != target else None
    return next((one for one in moved if one), recorded)
