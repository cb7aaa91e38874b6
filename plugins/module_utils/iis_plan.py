# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which bindings of IIS get which certificate, what must not be touched, and what leads back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.bundle import covers
from ansible_collections.certops.acm.plugins.module_utils.iis_binding import Binding, Key, StoreCertificate
from ansible_collections.certops.acm.plugins.module_utils.iis_refusal import refusals

BIND, CREATE, REMOVE = "bind", "create", "remove"


@dataclass(frozen=True)
class Move:
    """What one binding is about to get.

    Attributes:
        binding: as it is now; as it shall be, for one that is created.
        kind: ``bind`` an existing one, ``create`` or ``remove`` one.
    """

    binding: Binding
    thumbprint: str
    store: str
    kind: str = BIND

    @property
    def after(self) -> Binding:
        return self.binding.served_by(self.thumbprint, self.store)

    def to_result(self) -> dict[str, Any]:
        return {
            **self.binding.to_result(),
            "kind": self.kind,
            "to_thumbprint": self.thumbprint,
            "to_store": self.store,
            "label": f"{self.binding}: {self.binding.thumbprint or 'no certificate'} -> {self.thumbprint or 'removed'}",
        }


@dataclass(frozen=True)
class Plan:
    """What is about to be done, decided before anything is touched.

    Attributes:
        moves: in the order of the sites.
        stay: bindings that have the certificate already.
        left: bindings that used the former certificate, but whose host name the new one does not cover.
        problems: what keeps the host from being changed, one sentence each, with the remedy.
        before: all bindings as they are, those to be created as absent.
        renewals: pairs of thumbprints, for ``appcmd renew binding``.
    """

    moves: tuple[Move, ...] = ()
    stay: tuple[Binding, ...] = ()
    left: tuple[Binding, ...] = ()
    problems: tuple[str, ...] = ()
    before: tuple[Binding, ...] = ()
    renewals: tuple[tuple[str, str], ...] = ()

    @property
    def expected(self) -> list[Binding]:
        """All bindings as they must be afterwards."""
        moved = {move.binding.key: move for move in self.moves}
        kept = [
            binding if binding.key not in moved else moved[binding.key].after
            for binding in self.before
            if not binding.absent and getattr(moved.get(binding.key), "kind", BIND) != REMOVE
        ]
        return [*kept, *(move.after for move in self.moves if move.kind == CREATE)]

    @property
    def by_module(self) -> list[Move]:
        """appcmd cannot create a binding, nor give one its first certificate; the module cannot remove one safely."""
        renewed = bool(self.renewals)
        return [
            m for m in self.moves if m.kind == CREATE or (m.kind == BIND and not (renewed and m.binding.thumbprint))
        ]

    @property
    def commands(self) -> list[list[str]]:
        """Return what appcmd is called with."""
        removed = [move.binding for move in self.moves if move.kind == REMOVE]
        return [["renew", "binding", f"/oldcert:{old}", f"/newcert:{new}"] for old, new in self.renewals] + [
            [
                "set",
                "site",
                f"/site.name:{one.site}",
                f"/-bindings.[protocol='https',bindingInformation='{one.ip}:{one.port}:{one.hostname}']",
            ]
            for one in removed
        ]

    def to_result(self) -> dict[str, Any]:
        return {
            "moves": [move.to_result() for move in self.moves],
            "by_module": [move.to_result() for move in self.by_module],
            "commands": self.commands,
            "stay": [str(binding) for binding in self.stay],
            "left": [str(binding) for binding in self.left],
            "problems": list(self.problems),
            "before": [binding.to_result() for binding in self.before],
            "expected": [binding.to_result() for binding in self.expected],
        }


@dataclass(frozen=True)
class Goal:
    """The certificate that shall be bound, and where.

    Attributes:
        names: of the certificate.
        wanted: bindings somebody named; ``stated_sni`` holds the keys for which SNI was said on purpose.
        follow: thumbprints; every binding that uses one of them gets the new certificate.
        recorded: keys of the bindings that this certificate was bound to before.
    """

    thumbprint: str
    store: str
    names: Sequence[str]
    wanted: Sequence[Binding] = ()
    stated_sni: frozenset[Key] = frozenset()
    follow: frozenset[str] = frozenset()
    recorded: frozenset[Key] = frozenset()
    backend: str = "module"


@dataclass
class _Sorted:
    moves: list[Move] = field(default_factory=list)
    stay: list[Binding] = field(default_factory=list)
    left: list[Binding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def plan_install(bindings: Sequence[Binding], goal: Goal) -> Plan:
    """Decide what brings the certificate to all bindings it is meant for."""
    found = _Sorted()
    named = {binding.key for binding in goal.wanted}
    for binding in bindings:
        _sort(found, binding, goal, named=binding.key in named)
    there = {binding.key: binding for binding in bindings}
    absent = []
    for wanted in goal.wanted:
        problem = _unlike(wanted, there.get(wanted.key), stated=wanted.key in goal.stated_sni)
        problem = problem or ([_uncovered(wanted, goal.names)] if not _fits(wanted, goal.names) else [])
        found.problems += problem
        if wanted.key not in there and not problem:
            state = next((b.state for b in bindings if b.site.lower() == wanted.site.lower()), "started")
            found.moves.append(Move(replace(wanted, state=state), goal.thumbprint, goal.store, CREATE))
            absent.append(replace(wanted, absent=True))
    if not (found.moves or found.stay or found.problems):
        found.problems.append(_nothing(goal, found.left))
    changes = [(move.binding, move.thumbprint, move.store) for move in found.moves]
    found.problems += refusals(changes, bindings, goal.backend, ours=goal.recorded)
    return Plan(
        moves=tuple(found.moves),
        stay=tuple(found.stay),
        left=tuple(found.left),
        problems=tuple(dict.fromkeys(found.problems)),
        before=(*bindings, *absent),
        renewals=_renewals(found.moves, goal.backend),
    )


def plan_return(
    bindings: Sequence[Binding],
    former: Iterable[Binding],
    *,
    held: Sequence[StoreCertificate] | None = None,
    backend: str = "module",
) -> Plan:
    """Decide what brings bindings back to how they were.

    Args:
        former: how they were; what is not among them is left alone.
        held: the certificates on the host, when they are known: what is gone cannot be bound.
    """
    there = {binding.key: binding for binding in bindings}
    found = _Sorted()
    for was in former:
        now = there.get(was.key)
        if now is None:
            if not was.absent:
                found.problems.append(f"{was} is gone: somebody removed the binding, create it again")
        elif was.absent:
            found.moves.append(Move(now, "", "", REMOVE))
        elif was.protocol != "https" or not was.thumbprint or now.shows(was.thumbprint, was.store):
            found.stay.append(now)
        else:
            lost = [] if held is None else _lost(was, held)
            found.problems += lost
            found.moves += [] if lost else [Move(now, was.thumbprint, was.store)]
    bound = [move for move in found.moves if move.kind == BIND]
    changes = [(move.binding, move.thumbprint, move.store) for move in bound]
    found.problems += refusals(changes, bindings, backend, back=True)
    return Plan(
        moves=tuple(found.moves),
        stay=tuple(found.stay),
        problems=tuple(dict.fromkeys(found.problems)),
        before=tuple(bindings),
        renewals=_renewals(bound, backend),
    )


def _sort(found: _Sorted, binding: Binding, goal: Goal, *, named: bool) -> None:
    known = binding.thumbprint in goal.follow or binding.key in goal.recorded or binding.thumbprint == goal.thumbprint
    if binding.protocol != "https" or not (named or known):
        return
    if not _fits(binding, goal.names):
        if not named:
            found.left.append(binding)
    elif binding.shows(goal.thumbprint, goal.store):
        found.stay.append(binding)
    else:
        found.moves.append(Move(binding, goal.thumbprint, goal.store))


def _fits(binding: Binding, names: Sequence[str]) -> bool:
    return not binding.hostname or any(covers(name, binding.hostname) for name in names)


def _unlike(wanted: Binding, there: Binding | None, *, stated: bool) -> list[str]:
    if wanted.sni and not wanted.hostname:
        return [f"{wanted} cannot use SNI without a host name: give hostname, or sni: false"]
    if there is None:
        return []
    if there.protocol != "https":
        return [f"{wanted} is a binding of {there.protocol}: remove it in IIS, or name another port"]
    if stated and there.sni != wanted.sni:
        return [f"{wanted} has sni: {there.sni}, not {wanted.sni}: change it in IIS, or leave sni out"]
    return []


def _uncovered(binding: Binding, names: Sequence[str]) -> str:
    return (
        f"the certificate does not cover {binding.hostname} of {binding}; its names are {', '.join(names)}: "
        "choose a certificate that has the name, or take the binding out"
    )


def _nothing(goal: Goal, left: Sequence[Binding]) -> str:
    if left:
        return (
            f"the certificate covers none of the bindings that use the former one ({', '.join(map(str, left))}); "
            f"its names are {', '.join(goal.names)}: choose a certificate that has their host names"
        )
    return (
        "no binding is known for this certificate: give bindings ({site: ..., hostname: ...}), or in replaces the "
        "thumbprint of the certificate that it takes over from"
    )


def _lost(was: Binding, held: Sequence[StoreCertificate]) -> list[str]:
    same = [one for one in held if one.thumbprint == was.thumbprint and one.store.lower() == was.store.lower()]
    if same and same[0].has_private_key:
        return []
    what = "has no private key any more" if same else f"is not in the store {was.store} any more"
    return [f"{was} cannot go back: its former certificate {was.thumbprint} {what}"]


def _renewals(moves: Iterable[Move], backend: str) -> tuple[tuple[str, str], ...]:
    if backend != "appcmd":
        return ()
    pairs = [(m.binding.thumbprint, m.thumbprint) for m in moves if m.kind == BIND and m.binding.thumbprint]
    return tuple(dict.fromkeys(pairs))
