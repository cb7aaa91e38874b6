# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: deployment_summary
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Tells what a run did, host by host
description:
  - Compares a plan with what happened.
positional: _input
options:
  _input:
    description: The plan, as P(certops.acm.deployment_plan#filter) returns it.
    type: dict
    required: true
  attempts:
    description: What happened, as P(certops.acm.deployment_attempt#filter) returns it.
    type: list
    elements: dict
    default: []
  known:
    description: The deployments that were recorded before the run.
    type: list
    elements: dict
    default: []
  problems:
    description: Sentences about what went wrong outside of the hosts.
    type: list
    elements: str
    default: []
  check_mode:
    description: Whether nothing was done. A host that would have changed has the status V(would change) then.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Print the table
  ansible.builtin.debug:
    msg: "{{ (plan | certops.acm.deployment_summary(attempts=attempts)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(rows), one for each host and certificate; C(lines), the same as a table for people;
      C(failures), sentences, empty when all went well; C(changed), number of hosts that changed;
      C(statuses), number of rows by status.
  type: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.report import summarize


def deployment_summary(
    plan: dict[str, Any],
    *,
    attempts: list[dict[str, Any]] | None = None,
    known: list[dict[str, Any]] | None = None,
    problems: list[str] | None = None,
    check_mode: bool = False,
) -> dict[str, Any]:
    return summarize(plan, attempts or [], known or [], problems or [], check_mode=check_mode)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"deployment_summary": deployment_summary}
