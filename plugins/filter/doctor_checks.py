# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: doctor_checks
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Judges what was found on the path from ACM to the hosts
description:
  - Says of everything that was looked at whether it is well, and else what to do.
positional: _input
options:
  _input:
    description:
      - What was found, as C(certops.acm.doctor) collects it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what is well and what is not
  ansible.builtin.debug:
    msg: "{{ (found | certops.acm.doctor_checks).lines }}"
"""

RETURN = r"""
_value:
  description: C(lines), one for each check, and C(failures), those that are not well.
  type: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.doctor import examine


def doctor_checks(found: dict[str, Any]) -> dict[str, list[str]]:
    checks = examine(found)
    return {
        "lines": [check.line for check in checks],
        "failures": [f"{check.name}: {check.text}" for check in checks if not check.ok],
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"doctor_checks": doctor_checks}
