# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: refused_targets
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Tells which recorded targets are left alone
description:
  - Judges targets of the inventory as P(certops.acm.deployment_plan#filter) does.
positional: _input
options:
  _input:
    description: Targets, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    required: true
  allow_commands:
    description: Whether targets may have commands, configuration files and paths of their own.
    type: bool
    default: false
  template_directory:
    description: Directory of the controller with the templates that C(site_template) may name.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say which targets need somebody
  ansible.builtin.debug:
    msg: "{{ inventory.targets | certops.acm.refused_targets }}"
"""

RETURN = r"""
_value:
  description: Sentences that name a target and say what to do, none when all targets can be used.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.certops.acm.plugins.plugin_utils.raw_variables import untrusted
from ansible_collections.certops.acm.plugins.plugin_utils.target_policy import Policy, judge


def refused_targets(
    targets: list[Mapping[str, Any]], *, allow_commands: bool = False, template_directory: str = ""
) -> list[str]:
    _allowed, _options, refused = judge(targets, Policy(allow_commands, template_directory))
    told: list[str] = untrusted([problem.msg for problem in refused])
    return told


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"refused_targets": refused_targets}
