# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts need which bundle: targets x certificates x deployments x host inventory.

Pure: the same input always gives the same plan, and nothing here looks anything up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.absent_hosts import (
    Absence,
    absent_problem,
    absent_warning,
    find_absences,
)
from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate, ensure_exportable
from ansible_collections.certops.acm.plugins.module_utils.deployment import SERVED, Deployment
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError
from ansible_collections.certops.acm.plugins.module_utils.record_problem import RecordProblem, sentences
from ansible_collections.certops.acm.plugins.module_utils.renewal_alarm import renewal_alarm
from ansible_collections.certops.acm.plugins.module_utils.target import SORT_KEY as TARGET
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.text import shown
from ansible_collections.certops.acm.plugins.module_utils.waves import Host, Item, Pending, in_waves

# The role that installs a certificate for each service.
SERVICES = {
    "nginx": "nginx_certificate",
    "apache": "apache_certificate",
    "haproxy": "file_certificate",
    "postfix": "file_certificate",
    "dovecot": "file_certificate",
    "iis": "iis_certificate",
    "file": "file_certificate",
}


@dataclass(frozen=True)
class Rollout:
    """One certificate on its way to the hosts that need it.

    A rollout without items still exports: ACM only keeps renewing a certificate that was exported
    since it was last renewed.

    Attributes:
        export: what the role export is asked for; None where nothing is to be exported.
    """

    certificate_arn: str
    items: tuple[Item, ...]
    export: Mapping[str, Any] | None = None

    def to_result(self) -> dict[str, Any]:
        return {
            "certificate_arn": self.certificate_arn,
            "export": self.export,
            "installations": [{**item.to_result(), "role": SERVICES[item.service]} for item in self.items],
        }


@dataclass(frozen=True)
class Plan:
    """What a run is about to do.

    Attributes:
        rollouts: the certificates that go out, in the order of their ARN.
        problems: what keeps a certificate from going out, one sentence each, with the remedy.
        warnings: what a person should know although the run goes on.
        alarms: what keeps ACM from renewing a certificate, one sentence each, with the remedy.
        targets: number of targets the plan was made for.
        unmatched: the targets whose tag no host carries that was chosen, each with a sentence for people.
        up_to_date: number of deployments that are already as they should be.
    """

    targets: int = 0
    rollouts: tuple[Rollout, ...] = ()
    unmatched: tuple[tuple[Target, str], ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    up_to_date: int = 0

    def to_result(self) -> dict[str, Any]:
        return {
            "targets": self.targets,
            "rollouts": [rollout.to_result() for rollout in self.rollouts],
            "unmatched": [{**target.to_result(), "msg": message} for target, message in self.unmatched],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "alarms": list(self.alarms),
            "up_to_date": self.up_to_date,
        }


@dataclass(frozen=True)
class Desired:
    """What the inventory and ACM say should be where.

    Attributes:
        exported: serial of the last export of each certificate, by ARN.
        options: of a target as its role gets them, by ARN and key of the target; as they are recorded where it is none.
        left_alone: records that are not used, each a problem of its own that keeps no other record from being used.
    """

    targets: Sequence[Target]
    certificates: Sequence[Certificate]
    exported: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    left_alone: Sequence[RecordProblem] = ()


def make_plan(
    desired: Desired,
    deployments: Iterable[Deployment],
    hosts: Iterable[Host],
    *,
    waves: Sequence[int | str] = (1, "25%", "100%"),
    limit: Iterable[str] | None = None,
    redeploy: bool = False,
    take_held: bool = False,
    allow_lost: bool = False,
) -> Plan:
    """Compare what should be with what is.

    A target whose recorded hosts are outdated and of which the host inventory lists none is a problem: a host
    inventory that failed looks the same as an empty one, and a run that ended well would hide that nothing was
    renewed. Where others of the target are listed, a missing host is a warning: an autoscaled instance that is gone
    would fail every run from then on.

    Args:
        waves: sizes of the three waves, numbers of hosts or percentages of all, as in Ansible's ``serial``.
        limit: names of the hosts to choose from; all when None. None of them in the host inventory is a problem; that
            a target lost its hosts is a warning then, as with ``allow_lost``.
        redeploy: also take the hosts that are recorded as up to date.
        take_held: also take the hosts that were rolled back from the serial that ACM holds.
        allow_lost: a target that lost its hosts is a warning, and so is a record that is left alone: who asks for one
            target must get it whatever became of the certificate's others.
    """
    targets = {(target.certificate_arn, target.key): target for target in reversed(desired.targets)}.values()
    by_arn: dict[str, list[Target]] = {}
    for target in targets:
        by_arn.setdefault(target.certificate_arn, []).append(target)
    held = {certificate.arn: certificate for certificate in desired.certificates}
    choice = _Choice(None if limit is None else frozenset(limit), redeploy, take_held, allow_lost or limit is not None)
    draft = _Draft(list(hosts), deployments, waves, choice)
    draft.options = desired.options
    left_alone = _left_alone(desired)
    draft.tell(sentences(left_alone), as_warnings=allow_lost)
    for arn, its_targets in sorted(by_arn.items()):
        try:
            certificate = _exportable(held, arn)
        except CertificateError as error:
            draft.problems.append(str(error))
        else:
            draft.add(certificate, its_targets, exported=desired.exported.get(arn) == certificate.serial)
    return draft.plan(len(targets) + sum(problem.is_target for problem in left_alone))


def _left_alone(desired: Desired) -> list[RecordProblem]:
    """Return the records that are left alone, but for those that are about to be written anew."""
    present = {(target.certificate_arn, TARGET + target.key) for target in desired.targets}
    return [problem for problem in desired.left_alone if (problem.certificate_arn, problem.record) not in present]


@dataclass(frozen=True)
class _Choice:
    """Which hosts a run takes: the arguments of ``make_plan``; ``names`` are those of its limit."""

    names: frozenset[str] | None
    redeploy: bool
    take_held: bool
    allow_lost: bool

    def takes(self, host: Host) -> bool:
        return self.names is None or host.name in self.names


class _Draft:
    """A plan that grows, certificate by certificate."""

    def __init__(
        self, hosts: Sequence[Host], deployments: Iterable[Deployment], waves: Sequence[int | str], choice: _Choice
    ) -> None:
        self.problems: list[str] = []
        self.options: Mapping[tuple[str, str], Mapping[str, Any]] = {}
        self._refused = _by_tag(host for host in hosts if host.refused)
        hosts = [host for host in hosts if not host.refused]
        self._hosts, self._waves, self._choice = hosts, waves, choice
        self._carriers = _by_tag(hosts)
        self._chosen = [host for host in hosts if choice.takes(host)]
        self._known = {(deployment.certificate_arn, deployment.key): deployment for deployment in deployments}
        self._recorded: dict[str, list[Deployment]] = {}
        for deployment in self._known.values():
            self._recorded.setdefault(deployment.certificate_arn, []).append(deployment)
        # Who has a name on a host: two servers must not share it.
        self._owners: dict[tuple[str, str], Target] = {}
        self._rollouts: list[Rollout] = []
        self._warnings: list[str] = [host.complaint for host in hosts if host.complaint]
        self._alarms: list[str | None] = []
        self._lost: list[Absence] = []
        self._unmatched: list[tuple[Target, str]] = []
        self._left_out: list[tuple[Target, str]] = []
        self._up_to_date = 0

    def tell(self, messages: Sequence[str], *, as_warnings: bool) -> None:
        """Keep what was wrong before there was anything to plan."""
        (self._warnings if as_warnings else self.problems).extend(messages)

    def add(self, certificate: Certificate, targets: Sequence[Target], *, exported: bool) -> None:
        """Add the rollout of a certificate to its targets; ``exported``: its present serial was exported already."""
        self.problems += [_unknown_service(target) for target in targets if target.service not in SERVICES]
        places = [
            (target, self._carriers.get((target.account, target.tag_key, target.tag_value), []))
            for target in targets
            if target.service in SERVICES
        ]
        absences = find_absences(certificate, places, self._recorded.get(certificate.arn, []))
        lost = [absence for absence in absences if absence.lost and not self._choice.allow_lost]
        self._lost += lost
        self._warnings += [absent_warning(absence) for absence in absences if absence not in lost]
        pending = [item for target, hosts in places for item in self._pending(certificate, target, hosts)]
        # Without a host that needs it now it keeps the certificate renewable: no matter of some hosts.
        needed = self._choice.names is None and not any(absence.lost for absence in absences)
        exports = bool(pending) or (needed and not exported)
        if exports:
            rollout = Rollout(certificate.arn, in_waves(pending, self._waves), _export(certificate, targets))
            self._rollouts.append(rollout)
        self._alarms.append(renewal_alarm(certificate, exported=exported and not exports))

    def _pending(self, certificate: Certificate, target: Target, carrying: Sequence[Host]) -> list[Pending]:
        """Return the hosts of a target that need the certificate."""
        chosen = [host for host in carrying if self._choice.takes(host)]
        refused = self._refused.get((target.account, target.tag_key, target.tag_value), [])
        self.problems += [refused_name(host) for host in refused]
        if not carrying:
            self._unmatched.append((target, _no_host(target)))
        elif not chosen and self._chosen:
            self._left_out.append((target, _left_out(target)))
        self._warnings += _without_account(target, self._carriers.get((None, target.tag_key, target.tag_value), []))
        pending = []
        for host in chosen:
            owner = self._owners.setdefault((host.name, target.certificate_name), target)
            if owner is not target:
                self.problems += _shared(host, owner, target)
                continue
            record = self._known.get((certificate.arn, _deployment_key(target, host)))
            reason = _reason(certificate, target, record)
            if _is_held(record, certificate) and not (self._choice.redeploy or self._choice.take_held):
                self._warnings.append(_held(host, certificate))
            elif reason or self._choice.redeploy:
                options = self.options.get((target.certificate_arn, target.key))
                pending.append(Pending(target, host, reason or "asked for again", record, options=options))
            else:
                self._up_to_date += 1
        return pending

    def plan(self, targets: int) -> Plan:
        """Return the plan for so many targets."""
        problems = [*self.problems, *([absent_problem(self._lost)] if self._lost else [])]
        if self._choice.names is not None and not self._chosen:
            problems.append(_nobody(self._hosts))
        told = [target for absence in self._lost for target in absence.lost]
        warnings = [*self._warnings, *(message for target, message in self._unmatched if target not in told)]
        if not self._owners:
            warnings += [message for _target, message in self._left_out]
        return Plan(
            targets=targets,
            rollouts=tuple(self._rollouts),
            unmatched=(*self._unmatched, *self._left_out),
            problems=tuple(problems),
            warnings=tuple(dict.fromkeys(warnings)),
            alarms=tuple(filter(None, self._alarms)),
            up_to_date=self._up_to_date,
        )


def _by_tag(hosts: Iterable[Host]) -> dict[tuple[str | None, str, str], list[Host]]:
    """Index hosts by account, tag key and tag value: fleets and lists of targets are long."""
    index: dict[tuple[str | None, str, str], list[Host]] = {}
    for host in hosts:
        for key, value in host.tags.items():
            index.setdefault((host.account, str(key), str(value)), []).append(host)
    return index


def refused_name(host: Host) -> str:
    """Say that a host is left alone because of its name."""
    return (
        f"{shown(host.name, 255)} is left alone: its name holds template marks, such as two braces, which ansible-core "
        "before 2.19 would evaluate: give it another name (on EC2 its tag Name)"
    )


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


def _shared(host: Host, first: Target, second: Target) -> list[str]:
    """Two servers behind one live link would switch together, and only one of them be reloaded and proven."""
    if (first.certificate_arn, first.service) == (second.certificate_arn, second.service):
        return []  # the host carries the tags of both targets
    return [
        f"{first.service} with {first.certificate_arn} and {second.service} with {second.certificate_arn} would share "
        f"the name {first.certificate_name} on {host.name}: give each a certificate_name of its own"
    ]


def _is_held(deployment: Deployment | None, certificate: Certificate) -> bool:
    return deployment is not None and deployment.held_serial == certificate.serial


def _held(host: Host, certificate: Certificate) -> str:
    return (
        f"{host.name} was rolled back from serial {certificate.serial} of {certificate.arn} and keeps what it has "
        "until ACM holds a newer one; run certops.acm.deploy to install it all the same"
    )


def _exportable(held: Mapping[str, Certificate], arn: str) -> Certificate:
    if arn not in held:
        raise CertificateError(f"ACM does not hold {arn}: remove its targets, or check the account")
    ensure_exportable(held[arn])
    return held[arn]


def _no_host(target: Target) -> str:
    return (
        f"no host carries the tag {target.tag_key}={target.tag_value} in account {target.account}: check the tag, "
        f"the account and the host inventory (-i inventory/aws_ec2.yml, and Ansible's warnings of it); a host takes "
        f"part through its variable ec2_tags"
    )


def _left_out(target: Target) -> str:
    return f"certops_limit leaves out every host that carries the tag {target.tag_key}={target.tag_value}"


def _nobody(hosts: Sequence[Host]) -> str:
    listed = f"such as {min(host.name for host in hosts)}" if hosts else "which lists no host with tags"
    return f"certops_limit chooses no host: give names or patterns of hosts as in the host inventory, {listed}"


def _unknown_service(target: Target) -> str:
    return f"service {target.service} is not known: choose one of {', '.join(SERVICES)}"


def _without_account(target: Target, hosts: Iterable[Host]) -> list[str]:
    return [
        f"{host.name} carries the tag {target.tag_key}={target.tag_value} but no account: set certops_account on it"
        for host in hosts
    ]


def _export(certificate: Certificate, targets: Iterable[Target]) -> dict[str, Any]:
    """The secret gets the tags of the hosts that may read it: one per key, its values in a single text."""
    values: dict[str, set[str]] = {}
    for target in targets:
        values.setdefault(target.tag_key, set()).add(target.tag_value)
    tags = {key: " ".join(sorted(found)) for key, found in sorted(values.items())}
    return {"certificate_arn": certificate.arn, "serial": certificate.serial, "secret_tags": tags}
