# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Windows host remembers of a certificate: what it is, and what its bindings had before. Pure.

It is kept in the registry, as one value, so that it is written whole or not at all. It holds no secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.iis_binding import Binding, Key, StoreCertificate
from ansible_collections.certops.acm.plugins.module_utils.iis_plan import Plan

# Not JSON alone: ansible-core before 2.19 makes a dictionary of every text that looks like one.
PREFIX = "certops.acm 1 "


@dataclass(frozen=True)
class Record:
    """What one certificate of a host is known by.

    Attributes:
        former: its bindings as they were before this certificate; where they were created, as absent.
        original: the same, as they were before the first certificate of this name.
        returned: the host went back, and there is nothing further to go back to.
        names: of the certificate, and ``before`` (fingerprint, serial, not_after) of the one before; both for the
            Central Certificate Store alone.
    """

    thumbprint: str = ""
    fingerprint: str = ""
    serial: str = ""
    not_after: str = ""
    store: str = ""
    former: tuple[Binding, ...] = ()
    original: tuple[Binding, ...] = ()
    returned: bool = False
    names: tuple[str, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> frozenset[Key]:
        return frozenset(binding.key for binding in (*self.former, *self.original))

    @property
    def thumbprints(self) -> set[str]:
        """Certificates that must stay on the host: this one and those that lead back."""
        return {self.thumbprint, *(binding.thumbprint for binding in (*self.former, *self.original))} - {""}

    def to_text(self) -> str:
        fields: dict[str, Any] = dict(vars(self))
        for name in ("former", "original"):
            fields[name] = [binding.to_result() for binding in fields[name]]
        return PREFIX + json.dumps(fields, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Record | None:
        """Read what ``to_text`` returned; None for an empty text.

        Raises:
            PlanError: it is damaged.
        """
        if not text:
            return None
        try:
            fields = json.loads(text.removeprefix(PREFIX))
            for name in ("former", "original"):
                fields[name] = tuple(Binding.from_result(binding) for binding in fields.get(name, ()))
            fields["names"] = tuple(fields.get("names", ()))
            return cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})
        except (ValueError, TypeError, AttributeError, KeyError):
            raise PlanError(
                "the record in the registry of the host (HKLM:\\SOFTWARE\\certops.acm) is damaged: remove it, and "
                "name bindings or replaces for the next run"
            ) from None


def after_install(record: Record | None, plan: Plan, certificate: Record) -> Record:
    """Return what is to be remembered when the bindings of ``plan`` have ``certificate``.

    Args:
        certificate: thumbprint, fingerprint, serial, not_after and store of the new certificate.
    """
    old = record or Record()
    same = old.thumbprint == certificate.thumbprint and not old.returned
    before = {binding.key: binding for binding in plan.before}
    known = {binding.key: binding for binding in old.former} if same else {}
    moved = [before[move.binding.key] for move in plan.moves]
    moved_keys = {binding.key for binding in moved}
    stay = [known.get(binding.key, binding) for binding in plan.stay if binding.key not in moved_keys]
    # A run that was killed moved some already: they keep what they had before it.
    former = sorted((*moved, *stay), key=lambda binding: binding.key)
    first = {binding.key: binding for binding in (*former, *old.original)}
    original = sorted(first.values(), key=lambda binding: binding.key)
    return replace(certificate, former=tuple(former), original=tuple(original))


def after_return(record: Record, certificate: StoreCertificate | None) -> Record:
    """Return what is to be remembered when the bindings have again what they had before."""
    return replace(
        record,
        thumbprint=certificate.thumbprint if certificate else "",
        fingerprint=certificate.fingerprint if certificate else "",
        serial=certificate.serial if certificate else "",
        not_after=certificate.not_after if certificate else "",
        store=certificate.store if certificate else "",
        returned=True,
    )


def superfluous(
    held: Sequence[StoreCertificate], bindings: Sequence[Binding], record: Record, *, name: str, keep: int
) -> list[StoreCertificate]:
    """Return the certificates of ours that nothing needs any more, oldest first.

    Ours are those with the friendly name ``name``. What is bound, or leads back, is never among them.
    """
    needed = {binding.thumbprint for binding in bindings} | record.thumbprints
    ours = sorted((one for one in held if one.friendly_name == name), key=lambda one: one.valid_from, reverse=True)
    return [one for one in reversed(ours[keep:]) if one.thumbprint not in needed]
