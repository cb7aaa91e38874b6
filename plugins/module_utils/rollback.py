# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts go back to the certificate they had before. Pure, as plan.py is, and a plan of the same kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.absent_hosts import some
from ansible_collections.certops.acm.plugins.module_utils.deployment import SERVED, Deployment
from ansible_collections.certops.acm.plugins.module_utils.plan import SERVICES, Plan, Rollout, refused_name
from ansible_collections.certops.acm.plugins.module_utils.record_problem import RecordProblem, sentences
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.waves import Host, Pending, in_waves


def plan_rollback(
    targets: Sequence[Target],
    deployments: Iterable[Deployment],
    hosts: Iterable[Host],
    *,
    waves: Sequence[int | str] = (1, "25%", "100%"),
    options: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    left_alone: Sequence[RecordProblem] = (),
) -> tuple[Plan, list[dict[str, Any]]]:
    """Return the plan that takes every host that serves its last certificate back to the one before.

    A host on which the last certificate could not be installed serves the one before already: it is not touched. What
    was tried there is held all the same, so that the schedule does not install now what was just taken back everywhere
    else. A host that could not be reached when it was to go back is taken again. Hosts may
    be left out on purpose, but when none of those recorded is there it is a problem, as in plan.py.

    Args:
        options: of a target as its role gets them, by ARN and key of the target.
        left_alone: records that are not used; each is a problem.

    Returns:
        The plan, and attempts that record what is held.
    """
    hosts = list(hosts)
    refused = {host.name: host for host in hosts if host.refused}
    known = {host.name: host for host in hosts if not host.refused}
    settings = {(target.certificate_arn, target.service, target.certificate_name): target for target in targets}
    pending: dict[str, list[Pending]] = {}
    held, done = [], 0
    problems = sentences(left_alone)
    deployments = sorted(deployments, key=lambda deployment: (deployment.certificate_arn, deployment.key))
    problems += [
        refused_name(refused[name]) for name in dict.fromkeys(one.host for one in deployments) if name in refused
    ]
    if deployments and not any(deployment.host in known for deployment in deployments):
        problems.append(_nobody(deployments))
    for deployment in deployments:
        host = known.get(deployment.host)
        target = settings.get(_whose(deployment))
        if host is None:
            continue
        if deployment.held_serial is not None:
            done += 1
        elif target is None or target.service not in SERVICES:
            if not any(problem.speaks_for(*_whose(deployment)) for problem in left_alone):
                problems.append(_unknown(deployment))
        elif deployment.status not in SERVED and deployment.desired_serial not in (None, deployment.serial):
            held.append(deployment.hold())
        else:
            reason = f"back from serial {deployment.serial}"
            pending.setdefault(deployment.certificate_arn, []).append(
                Pending(
                    target,
                    host,
                    reason,
                    deployment,
                    "rolled_back",
                    deployment.serial,
                    (options or {}).get((target.certificate_arn, target.key)),
                )
            )
    arns = sorted({*pending, *(attempt["certificate_arn"] for attempt in held)})
    plan = Plan(
        targets=len(targets) + sum(problem.is_target for problem in left_alone),
        rollouts=tuple(Rollout(arn, in_waves(pending.get(arn, []), waves)) for arn in arns),
        problems=tuple(problems),
        up_to_date=done,
    )
    return plan, held


def _whose(deployment: Deployment) -> tuple[str, str, str]:
    return deployment.certificate_arn, deployment.service, deployment.certificate_name


def _nobody(deployments: Sequence[Deployment]) -> str:
    hosts = some(dict.fromkeys(deployment.host for deployment in deployments))
    return (
        f"nothing goes back: the host inventory, or certops_limit, has none of the hosts that are recorded ({hosts}); "
        "see Ansible's warnings, allow ec2:DescribeInstances, and check -i, the region and the account"
    )


def _unknown(deployment: Deployment) -> str:
    return (
        f"{deployment.host} ({deployment.certificate_name}): no target is recorded for it any more, so nobody knows "
        f"how it was installed: use the role of {deployment.service} with certificate_state: rolled_back"
    )
