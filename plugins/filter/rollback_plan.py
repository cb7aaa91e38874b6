# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollback_plan
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Decides which hosts go back to the certificate before
description:
  - Takes every host that is recorded to serve its last certificate, and leaves alone those that failed to take it
    or went back already.
positional: _input
options:
  _input:
    description: The variables of all hosts, C(hostvars), read as they were written.
    type: dict
    required: true
  targets:
    description: Targets, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    required: true
  deployments:
    description: Deployments, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    required: true
  waves:
    description: Sizes of up to three waves, numbers of hosts or percentages of all.
    type: list
    elements: raw
    default: [1, "25%", "100%"]
  limit:
    description: Names of hosts to choose from; all when it is not given.
    type: list
    elements: str
  problems:
    description:
      - Records that cannot be used, as M(certops.acm.acm_inventory_info) returns them. Each becomes a problem of the
        plan, and keeps no other record from being used.
    type: list
    elements: dict
    default: []
  allow_commands:
    description:
      - Whether targets may have commands, configuration files and paths of their own. Without it such a target is a
        problem of the plan, and its hosts are left alone.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: "{{ hostvars | certops.acm.rollback_plan(targets=inventory.targets, deployments=inventory.deployments) }}"
"""

RETURN = r"""
_value:
  description:
    - A plan, as P(certops.acm.deployment_plan#filter) returns it, whose rollouts export nothing.
    - C(held), what to record of hosts that are not touched, so that the next run does not install there what was
      taken back everywhere else.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.record_problem import RecordProblem
from ansible_collections.certops.acm.plugins.module_utils.rollback import plan_rollback
from ansible_collections.certops.acm.plugins.plugin_utils.raw_variables import read_hosts, untrusted
from ansible_collections.certops.acm.plugins.plugin_utils.target_policy import Policy, judge


def rollback_plan(
    hostvars: Mapping[str, Mapping[str, Any]],
    *,
    targets: list[dict[str, Any]],
    deployments: list[dict[str, Any]],
    limit: list[str] | None = None,
    problems: list[dict[str, Any]] | None = None,
    allow_commands: bool = False,
    **options: Any,
) -> dict[str, Any]:
    hosts = [host for host in read_hosts(hostvars) if limit is None or host.name in limit]
    recorded = [Deployment.from_result(record) for record in deployments]
    try:
        # The host keeps the configuration it has: no template is needed.
        allowed, ready, refused = judge(targets, Policy(allow_commands), templates=False)
        left_alone = [*map(RecordProblem.from_result, problems or ()), *refused]
        plan, held = plan_rollback(allowed, recorded, hosts, options=ready, left_alone=left_alone, **options)
    except AcmError as error:
        raise AnsibleFilterError(str(error)) from error
    return untrusted({**plan.to_result(), "held": held})


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"rollback_plan": rollback_plan}
