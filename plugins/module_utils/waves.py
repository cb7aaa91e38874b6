# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order hosts take a certificate: one first, then some, then all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.deployment import SERVED, Deployment
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.text import has_template_marks, shown

WAVES = 3
# With hostvars_prefix=ec2_, amazon.aws.aws_ec2 calls the tags ec2_ec2_tags since amazon.aws 11.2, before it ec2_tags.
HOST_VARIABLES = ("ec2_ec2_tags", "ec2_tags", "certops_account", "ec2_owner_id")
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Host:
    """A host of the host inventory, as far as the plan looks at it.

    Attributes:
        name: its name in the host inventory.
        tags: its AWS tags, or what an on-premises host declares in the same host variable.
        account: the AWS account it belongs to, 12 digits; None when the host inventory does not say.
        complaint: what keeps its variables from being understood, a sentence with the remedy; None: nothing.
    """

    name: str
    tags: Mapping[str, str]
    account: str | None
    complaint: str | None = None

    @property
    def refused(self) -> bool:
        """Tell whether its name could be taken for a template: ansible-core before 2.19 evaluates names of hosts."""
        return has_template_marks(self.name)

    @classmethod
    def from_variables(cls, name: str, variables: Mapping[str, Any]) -> Host:
        """Read the host variables as they were written: the tags, and ``certops_account`` or ``ec2_owner_id``."""
        tags = variables.get("ec2_ec2_tags") or variables.get("ec2_tags")
        account = str(variables.get("certops_account") or variables.get("ec2_owner_id") or "")
        return cls(
            name,
            tags if isinstance(tags, Mapping) else {},
            account if _ACCOUNT.fullmatch(account) else None,
            _complaint(name, {"ec2_tags": tags, "certops_account": account}),
        )


def _complaint(name: str, variables: Mapping[str, Any]) -> str | None:
    templates = [key for key, value in variables.items() if isinstance(value, str) and has_template_marks(value)]
    if not templates:
        return None
    return (
        f"{shown(name, 255)}: {' and '.join(templates)} holds a template, which is not evaluated: "
        "write the value itself in the host inventory"
    )


@dataclass(frozen=True)
class Item:
    """One certificate for one host: what one transaction will do.

    Attributes:
        wave: 1 to 3; a wave starts when the one before it has not failed.
        state: ``present``, or ``rolled_back`` for the way back to the certificate before.
        held_serial: what must not come back by itself after a rollback.
        reason: why the host needs it, for people.
        options_digest: of the target's options, so that a change of them reaches the host.
    """

    certificate_arn: str
    certificate_name: str
    host: str
    service: str
    account: str
    wave: int
    reason: str
    options: Mapping[str, Any]
    options_digest: str
    state: str = "present"
    held_serial: str | None = None

    def to_result(self) -> dict[str, Any]:
        return {**vars(self), "options": dict(self.options)}


@dataclass(frozen=True)
class Pending:
    """A host that needs a certificate, before it is known in which wave.

    Attributes:
        options: of the target as the role gets them; None: as they are recorded.
    """

    target: Target
    host: Host
    reason: str
    deployment: Deployment | None
    state: str = "present"
    held_serial: str | None = None
    options: Mapping[str, Any] | None = None

    @property
    def doubtful(self) -> bool:
        """The last attempt did not succeed: it goes last, so that it keeps no healthy host waiting."""
        return self.deployment is not None and self.deployment.status not in SERVED


def in_waves(pending: Sequence[Pending], sizes: Sequence[int | str]) -> tuple[Item, ...]:
    """Waves count hosts: all services of a certificate on one host go in the same wave."""
    names = list(dict.fromkeys(entry.host.name for entry in sorted(pending, key=lambda e: (e.doubtful, e.host.name))))
    wave_of: dict[str, int] = {}
    for wave, size in enumerate(wave_sizes(len(names), sizes), start=1):
        for _unused in range(size):
            wave_of[names[len(wave_of)]] = wave
    items = [
        Item(
            certificate_arn=entry.target.certificate_arn,
            certificate_name=entry.target.certificate_name,
            host=entry.host.name,
            service=entry.target.service,
            account=entry.target.account,
            wave=wave_of[entry.host.name],
            reason=entry.reason,
            options=entry.target.options if entry.options is None else entry.options,
            options_digest=entry.target.options_digest,
            state=entry.state,
            held_serial=entry.held_serial,
        )
        for entry in pending
    ]
    return tuple(sorted(items, key=lambda item: (item.wave, item.host, item.service, item.certificate_name)))


def wave_sizes(total: int, sizes: Sequence[int | str]) -> list[int]:
    """How many of ``total`` hosts go in each wave; the last takes what is left.

    Raises:
        PlanError: a size is neither a positive number nor a percentage, or there are more than three.
    """
    if not 1 <= len(sizes) <= WAVES:
        raise PlanError(f"waves takes 1 to {WAVES} sizes, not {len(sizes)}: for example [1, '25%', '100%']")
    left, result = total, []
    for size in sizes:
        count = min(left, _size(size, total))
        result.append(count)
        left -= count
    result[-1] += left
    return result


def _size(size: int | str, total: int) -> int:
    text = str(size).strip()
    number = text[:-1] if text.endswith("%") else text
    if not number.isdecimal() or not 0 < int(number) <= (100 if text.endswith("%") else int(number)):
        raise PlanError(f"{size!r} is not the size of a wave: give a number of hosts or a percentage such as '25%'")
    return max(1, math.floor(total * int(number) / 100)) if text.endswith("%") else int(number)
