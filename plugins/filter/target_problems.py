# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: target_problems
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Tells what is wrong with a target before it is recorded
description:
  - Checks each field of a target, and its options against the argument specification of the role of its service, what
    each option is called, and what the controller allows to targets.
positional: _input
options:
  _input:
    description: A target, as O(certops.acm.acm_inventory#module:target) takes it.
    type: dict
    required: true
  allow_commands:
    description: Whether the target may have commands, configuration files and paths of its own.
    type: bool
    default: false
  template_directory:
    description: Directory of the controller with the templates that C(site_template) may name.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Check the target
  ansible.builtin.assert:
    that: target | certops.acm.target_problems | length == 0
    fail_msg: "{{ target | certops.acm.target_problems | join('; ') }}"
"""

RETURN = r"""
_value:
  description: Sentences that say what has to be otherwise; none when the target can be recorded.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.plugin_utils.raw_variables import untrusted
from ansible_collections.certops.acm.plugins.plugin_utils.target_policy import Policy


def target_problems(
    fields: Mapping[str, Any], *, allow_commands: bool = False, template_directory: str = ""
) -> list[str]:
    try:
        Policy(allow_commands, template_directory).options(Target.from_result(fields))
    except AcmError as error:
        problems: list[str] = untrusted([str(error)])
        return problems
    return []


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"target_problems": target_problems}
