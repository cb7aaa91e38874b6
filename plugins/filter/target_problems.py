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
  - Checks each field of a target, and its options against the argument specification of the role of its service.
positional: _input
options:
  _input:
    description: A target, as O(certops.acm.acm_inventory#module:target) takes it.
    type: dict
    required: true
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
from ansible_collections.certops.acm.plugins.plugin_utils.target_options import check_options


def target_problems(fields: Mapping[str, Any]) -> list[str]:
    target = Target.from_result(fields)
    try:
        target.validate()
        check_options(target.service, target.options)
    except AcmError as error:
        return [str(error)]
    return []


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"target_problems": target_problems}
