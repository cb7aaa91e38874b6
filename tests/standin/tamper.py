# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of Get and Export spoiled on purpose, so that a client's own checks can be tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from . import ca
from .certificate import Certificate, Leaf, new_serial, now
from .world import WORLD

_GARBAGE = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True)
class Answer:
    """What would be given out: PEMs, and the key still plain."""

    certificate: str
    chain: str
    key: ca.PrivateKey


def _drop_chain(leaf: Leaf, answer: Answer) -> Answer:
    return replace(answer, chain="")


def _reverse_chain(leaf: Leaf, answer: Answer) -> Answer:
    end = "-----END CERTIFICATE-----\n"
    parts = [part + end for part in answer.chain.split(end) if part.strip()]
    return replace(answer, chain="".join(reversed(parts)))


def _other_chain(leaf: Leaf, answer: Answer) -> Answer:
    return replace(answer, chain=ca.private_root("Somebody Else", WORLD.authority.keys).chain)


def _other_key(leaf: Leaf, answer: Answer) -> Answer:
    return replace(answer, key=WORLD.authority.keys.new(leaf.key_algorithm))


def _expired(leaf: Leaf, answer: Answer) -> Answer:
    return _reissued(leaf, answer, not_before=_in_days(-200), not_after=_in_days(-2))


def _not_yet_valid(leaf: Leaf, answer: Answer) -> Answer:
    return _reissued(leaf, answer, not_before=_in_days(2), not_after=_in_days(200))


def _other_names(leaf: Leaf, answer: Answer) -> Answer:
    return _reissued(leaf, answer, names=("elsewhere.example.net",))


def _garbage_certificate(leaf: Leaf, answer: Answer) -> Answer:
    return replace(answer, certificate=_GARBAGE)


def _reissued(leaf: Leaf, answer: Answer, **changes: object) -> Answer:
    """Another leaf for the same key."""
    assert leaf.issuer is not None
    request = replace(leaf.request, serial=new_serial(), **changes)  # type: ignore[arg-type]
    return replace(answer, certificate=ca.pem(ca.sign_leaf(leaf.issuer, answer.key, request)))


def _in_days(days: float) -> datetime:
    return now() + timedelta(days=days)


KINDS: dict[str, Callable[[Leaf, Answer], Answer]] = {
    "drop_chain": _drop_chain,
    "reverse_chain": _reverse_chain,
    "other_chain": _other_chain,
    "other_key": _other_key,
    "other_names": _other_names,
    "expired": _expired,
    "not_yet_valid": _not_yet_valid,
    "garbage_certificate": _garbage_certificate,
}


def spoiled(certificate: Certificate, leaf: Leaf, answer: Answer) -> Answer:
    """Apply what was ordered for this certificate; an order with a count wears off."""
    for kind, times in list(certificate.tampering.items()):
        answer = KINDS[kind](leaf, answer)
        if times is not None:
            certificate.tampering[kind] = times - 1
            if times <= 1:
                del certificate.tampering[kind]
    return answer
