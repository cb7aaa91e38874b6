# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: iis_binding_differences
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Tells in what the bindings of IIS are not as they must be
description:
  - Compares the bindings of all sites with what a plan expects, those that were not to be touched, too.
positional: _input
options:
  expected:
    description: All bindings as they must be, RV(ignore:expected) of P(certops.acm.iis_binding_plan#filter).
    type: list
    elements: dict
    required: true
extends_documentation_fragment:
  - certops.acm.iis.sites
"""

EXAMPLES = r"""
- name: Check that exactly the planned bindings changed
  ansible.builtin.assert:
    that: (iis.site | certops.acm.iis_binding_differences(expected=plan.expected)) == []
"""

RETURN = r"""
_value:
  description: Sentences, none when all is as it must be.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.iis_binding import read_sites
from ansible_collections.certops.acm.plugins.module_utils.iis_difference import differences, from_results


def iis_binding_differences(sites: list[dict[str, Any]], *, expected: list[dict[str, Any]]) -> list[str]:
    return differences(from_results(expected), read_sites(sites))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"iis_binding_differences": iis_binding_differences}
