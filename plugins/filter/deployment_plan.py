# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: deployment_plan
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Decides which hosts need which certificate
description:
  - Compares the targets of the inventory, the certificates in ACM and the recorded deployments, and chooses
    hosts by their AWS tag and account.
positional: _input
options:
  _input:
    description:
      - The variables of all hosts, C(hostvars). They are read as they were written; no template in them is evaluated.
      - A host takes part through its variable C(ec2_tags). Its account is C(certops_account), or C(ec2_owner_id)
        as the P(amazon.aws.aws_ec2#inventory) plugin sets it with C(hostvars_prefix=ec2_).
    type: dict
    required: true
  targets:
    description: Targets, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    required: true
  certificates:
    description: Certificates, as M(certops.acm.acm_cert_info) returns them.
    type: list
    elements: dict
    required: true
  deployments:
    description: Deployments, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    default: []
  exports:
    description: Records of exports, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    default: []
  waves:
    description: Sizes of up to three waves, numbers of hosts or percentages of all.
    type: list
    elements: raw
    default: [1, "25%", "100%"]
  limit:
    description: Names of hosts to choose from; all when it is not given. What is missing is told of all the same.
    type: list
    elements: str
  redeploy:
    description: Also take hosts that are recorded as up to date.
    type: bool
    default: false
  take_held:
    description: Also take hosts that were rolled back on purpose from the serial that ACM holds.
    type: bool
    default: false
  allow_lost:
    description:
      - A target with outdated deployments of which the host inventory lists no host is a warning, not a problem, and
        so is a record that cannot be used.
    type: bool
    default: false
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
  template_directory:
    description:
      - Directory of the controller with the templates that a target may name as C(site_template). No path and no link
        leads out of it. When it is not given, targets have the template of the role.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Decide
  ansible.builtin.set_fact:
    plan: "{{ hostvars | certops.acm.deployment_plan(targets=inventory.targets, certificates=acm.certificates,
              deployments=inventory.deployments, exports=inventory.exports) }}"
"""

RETURN = r"""
_value:
  description:
    - C(rollouts), one for each certificate that goes out, with its C(installations), one for each host.
    - C(problems), C(warnings) and C(alarms), sentences; C(unmatched), targets whose tag no chosen host carries;
      C(targets) and C(up_to_date), numbers.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.deployment import Deployment
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.plan import Desired, make_plan
from ansible_collections.certops.acm.plugins.module_utils.record_problem import RecordProblem
from ansible_collections.certops.acm.plugins.plugin_utils.raw_variables import read_hosts, untrusted
from ansible_collections.certops.acm.plugins.plugin_utils.target_policy import Policy, judge

Records = list[dict[str, Any]]


def deployment_plan(
    hostvars: Mapping[str, Mapping[str, Any]],
    *,
    targets: Records,
    certificates: Records,
    deployments: Records = (),  # type: ignore[assignment]
    exports: Records = (),  # type: ignore[assignment]
    problems: Records = (),  # type: ignore[assignment]
    allow_commands: bool = False,
    template_directory: str = "",
    **options: Any,
) -> dict[str, Any]:
    try:
        allowed, ready, refused = judge(targets, Policy(allow_commands, template_directory))
        desired = Desired(
            allowed,
            [Certificate.from_result(certificate) for certificate in certificates],
            {export["certificate_arn"]: export["serial"] for export in exports},
            ready,
            [*map(RecordProblem.from_result, problems), *refused],
        )
        plan = make_plan(
            desired, [Deployment.from_result(record) for record in deployments], read_hosts(hostvars), **options
        )
    except AcmError as error:
        raise AnsibleFilterError(str(error)) from error
    return untrusted(plan.to_result())


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"deployment_plan": deployment_plan}
