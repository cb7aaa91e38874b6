# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: deployment_attempt
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Turns a host's result into what is recorded of it
description:
  - Reads what M(certops.acm.cert_deploy) returned for an item of a plan, also when the host was not reached
    or the task failed in a way of its own.
positional: _input
options:
  _input:
    description: The result of the task.
    type: dict
    required: true
  item:
    description: The item of the plan.
    type: dict
    required: true
  desired:
    description: C(serial), C(fingerprint) and C(not_after) of the certificate that was to be installed.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Keep what happened
  ansible.builtin.set_fact:
    attempt: "{{ result | certops.acm.deployment_attempt(item=item, desired=certificate) }}"
"""

RETURN = r"""
_value:
  description: An attempt, as M(certops.acm.acm_inventory) records it. It never holds a key.
  type: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.report import make_attempt


def deployment_attempt(result: dict[str, Any], *, item: dict[str, Any], desired: dict[str, Any]) -> dict[str, Any]:
    return make_attempt(item, result, desired)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"deployment_attempt": deployment_attempt}
