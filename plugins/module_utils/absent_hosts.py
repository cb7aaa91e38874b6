# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that still serve another serial than ACM holds, and that no run can mend: the host inventory lacks them.

Pure, as plan.py is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.waves import Host

NAMED = 10
GONE = "run certops.acm.forget for hosts that are gone for good"


@dataclass(frozen=True)
class Absence:
    """What is recorded of hosts that the host inventory does not list with the tag of their target.

    Attributes:
        hosts: their names.
        lost: the targets of this certificate name, where the host inventory lists no host of any of them. A deployment
            does not say which of several targets it came from, so a host of one speaks for the others.
    """

    certificate_arn: str
    certificate_name: str
    hosts: tuple[str, ...]
    lost: tuple[Target, ...]

    @property
    def what(self) -> str:
        return f"{self.certificate_name} ({self.certificate_arn}) is outdated on {some(self.hosts)}"


def is_outdated(deployment: Deployment, serial: str | None) -> bool:
    """Tell whether a host serves another serial than ACM holds, and was not taken back from that on purpose."""
    return deployment.serial != serial and (deployment.held_serial is None or deployment.held_serial != serial)


def find_absences(
    certificate: Certificate, places: Sequence[tuple[Target, Sequence[Host]]], deployments: Iterable[Deployment]
) -> list[Absence]:
    """Return the hosts of a certificate that are outdated and not there to be renewed.

    A deployment of a target that was removed is nobody's wish any more: it is left out.

    Args:
        places: each target of the certificate with the hosts that the host inventory lists for it.
        deployments: what is recorded of the certificate.
    """
    groups: dict[tuple[str, str, str], list[tuple[Target, Sequence[Host]]]] = {}
    for target, hosts in places:
        key = (target.account, target.service, target.certificate_name)
        groups.setdefault(key, []).append((target, hosts))
    recorded = [one for one in deployments if is_outdated(one, certificate.serial)]
    absences = []
    for key, group in groups.items():
        listed = {host.name for _target, hosts in group for host in hosts}
        its_own = {one.host for one in recorded if (one.account, one.service, one.certificate_name) == key}
        lost = () if listed else tuple(target for target, _hosts in group)
        if its_own - listed:
            absences.append(Absence(certificate.arn, key[2], tuple(sorted(its_own - listed)), lost))
    return absences


def absent_problem(absences: Sequence[Absence]) -> str:
    """Say that whole targets were not renewed, in one sentence: what ails the host inventory ails all of them."""
    tags = dict.fromkeys(
        f"{target.tag_key}={target.tag_value} in account {target.account}" for one in absences for target in one.lost
    )
    return (
        f"no host carries the tag {some(tags)}, yet {some([one.what for one in absences], '; ')}: the host inventory "
        "may have failed (see Ansible's warnings; allow ec2:DescribeInstances; check -i, the region and the account), "
        f"or the hosts lost their tag; {GONE}"
    )


def absent_warning(absence: Absence) -> str:
    """Say which hosts were not renewed though others of their target are there."""
    return (
        f"{absence.what}, which the host inventory does not list with the tag of the target: start the host, check its "
        f"tag, or {GONE}"
    )


def some(names: Iterable[str], separator: str = ", ") -> str:
    """Join names; of a long list the first ones."""
    known = list(names)
    more = [f"{len(known) - NAMED} more"] if len(known) > NAMED else []
    return separator.join([*known[:NAMED], *more])
