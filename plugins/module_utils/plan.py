# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts need which bundle: targets x certificates x deployments x host inventory.

Pure: the same input always gives the same plan, and nothing here looks anything up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate, ensure_exportable
from ansible_collections.certops.acm.plugins.module_utils.deployment import SERVED, Deployment
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError, PlanError
from ansible_collections.certops.acm.plugins.module_utils.target import Target

SERVICES = ("nginx",)
WAVES = 3


@dataclass(frozen=True)
class Host:
    """A host of the host inventory, as far as the plan looks at it.

    Attributes:
        name: its name in the host inventory.
        tags: its AWS tags, or what an on-premises host declares in the same host variable.
        account: the AWS account it belongs to, 12 digits; None when the host inventory does not say.
    """

    name: str
    tags: Mapping[str, str]
    account: str | None


@dataclass(frozen=True)
class Item:
    """One certificate for one host: what one transaction will do.

    Attributes:
        wave: 1 to 3; a wave starts when the one before it has not failed.
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

    def to_result(self) -> dict[str, Any]:
        return {**vars(self), "options": dict(self.options)}


@dataclass(frozen=True)
class Rollout:
    """One certificate on its way to the hosts that need it.

    A rollout without items still exports: ACM only keeps renewing a certificate that was exported
    since it was last renewed.

    Attributes:
        secret_tags: tags for the secret with its passphrase: those of the hosts that may read it.
    """

    certificate: Certificate
    items: tuple[Item, ...]
    secret_tags: Mapping[str, str]

    def to_result(self) -> dict[str, Any]:
        return {
            "certificate_arn": self.certificate.arn,
            "export": {
                "certificate_arn": self.certificate.arn,
                "serial": self.certificate.serial,
                "secret_tags": dict(self.secret_tags),
            },
            "installations": [item.to_result() for item in self.items],
        }


@dataclass(frozen=True)
class Plan:
    """What a run is about to do.

    Attributes:
        rollouts: the certificates that go out, in the order of their ARN.
        problems: what keeps a certificate from going out, one sentence each, with the remedy.
        warnings: what a person should know although the run goes on.
        targets: number of targets the plan was made for.
        unmatched: the targets whose tag no host carries, each with a sentence for people.
        up_to_date: number of deployments that are already as they should be.
    """

    targets: int = 0
    rollouts: tuple[Rollout, ...] = ()
    unmatched: tuple[tuple[Target, str], ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    up_to_date: int = 0

    def to_result(self) -> dict[str, Any]:
        return {
            "targets": self.targets,
            "rollouts": [rollout.to_result() for rollout in self.rollouts],
            "unmatched": [{**target.to_result(), "msg": message} for target, message in self.unmatched],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "up_to_date": self.up_to_date,
        }


@dataclass(frozen=True)
class Desired:
    """What the inventory and ACM say should be where.

    Attributes:
        exported: serial of the last export of each certificate, by ARN.
    """

    targets: Sequence[Target]
    certificates: Sequence[Certificate]
    exported: Mapping[str, str] = field(default_factory=dict)


def make_plan(
    desired: Desired,
    deployments: Iterable[Deployment],
    hosts: Iterable[Host],
    *,
    waves: Sequence[int | str] = (1, "25%", "100%"),
    redeploy: bool = False,
) -> Plan:
    """Compare what should be with what is.

    Args:
        waves: sizes of the three waves, numbers of hosts or percentages of all, as in Ansible's ``serial``.
        redeploy: also take the hosts that are recorded as up to date.
    """
    hosts = list(hosts)
    known = {(deployment.certificate_arn, deployment.key): deployment for deployment in deployments}
    targets = {(target.certificate_arn, target.key): target for target in reversed(desired.targets)}.values()
    held = {certificate.arn: certificate for certificate in desired.certificates}
    rollouts, problems, warnings, unmatched, up_to_date = [], [], [], [], 0
    for arn in sorted({target.certificate_arn for target in targets}):
        try:
            certificate = _exportable(held, arn)
        except CertificateError as error:
            problems.append(str(error))
            continue
        its_targets = [target for target in targets if target.certificate_arn == arn]
        pending: list[_Pending] = []
        for target in its_targets:
            if target.service not in SERVICES:
                problems.append(f"service {target.service} is not known: choose one of {', '.join(SERVICES)}")
                continue
            chosen = [host for host in hosts if _carries(host, target)]
            if not chosen:
                unmatched.append((target, _no_host(target)))
            warnings += _without_account(target, hosts)
            for host in chosen:
                deployment = known.get((arn, _deployment_key(target, host)))
                reason = _reason(certificate, target, deployment)
                if reason or redeploy:
                    pending.append(_Pending(target, host, reason or "asked for again", deployment))
                else:
                    up_to_date += 1
        exported_now = desired.exported.get(arn) == certificate.serial
        if pending or not exported_now:
            rollouts.append(Rollout(certificate, _in_waves(pending, waves), _secret_tags(its_targets)))
        elif certificate.renewal_eligibility == "INELIGIBLE":
            warnings.append(f"ACM will not renew {arn}: its RenewalEligibility is INELIGIBLE although it was exported")
    warnings += [message for _target, message in unmatched]
    return Plan(
        targets=len(targets),
        rollouts=tuple(rollouts),
        unmatched=tuple(unmatched),
        problems=tuple(problems),
        warnings=tuple(dict.fromkeys(warnings)),
        up_to_date=up_to_date,
    )


@dataclass(frozen=True)
class _Pending:
    target: Target
    host: Host
    reason: str
    deployment: Deployment | None

    @property
    def doubtful(self) -> bool:
        """The last attempt did not succeed: it goes last, so that it keeps no healthy host waiting."""
        return self.deployment is not None and self.deployment.status not in SERVED


def _carries(host: Host, target: Target) -> bool:
    return host.account == target.account and _has_tag(host, target)


def _has_tag(host: Host, target: Target) -> bool:
    return str(host.tags.get(target.tag_key, "")) == target.tag_value


def _deployment_key(target: Target, host: Host) -> str:
    return f"{host.name}#{target.service}#{target.certificate_name}"


def _reason(certificate: Certificate, target: Target, deployment: Deployment | None) -> str | None:
    if deployment is None:
        return "first deployment"
    if deployment.serial != certificate.serial:
        return f"serial {deployment.serial or 'unknown'} is not the current {certificate.serial}"
    if deployment.status not in SERVED:
        return f"last attempt: {deployment.status}"
    if deployment.options_digest != target.options_digest:
        return "options of the target changed"
    return None


def _exportable(held: Mapping[str, Certificate], arn: str) -> Certificate:
    if arn not in held:
        raise CertificateError(f"ACM does not hold {arn}: remove its targets, or check the account")
    ensure_exportable(held[arn])
    return held[arn]


def _no_host(target: Target) -> str:
    return (
        f"no host carries the tag {target.tag_key}={target.tag_value} in account {target.account}: check the tag, "
        f"the account and the host inventory (-i inventory/aws_ec2.yml); a host takes part through its variable "
        f"ec2_tags"
    )


def _without_account(target: Target, hosts: Iterable[Host]) -> list[str]:
    return [
        f"{host.name} carries the tag {target.tag_key}={target.tag_value} but no account: set certops_account on it"
        for host in hosts
        if host.account is None and _has_tag(host, target)
    ]


def _in_waves(pending: Sequence[_Pending], sizes: Sequence[int | str]) -> tuple[Item, ...]:
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
            options=entry.target.options,
            options_digest=entry.target.options_digest,
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


def _secret_tags(targets: Iterable[Target]) -> dict[str, str]:
    """One tag per key; several values of a key are joined, as a tag holds a single text."""
    values: dict[str, set[str]] = {}
    for target in targets:
        values.setdefault(target.tag_key, set()).add(target.tag_value)
    return {key: " ".join(sorted(found)) for key, found in sorted(values.items())}
