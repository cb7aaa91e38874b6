# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: iis_binding_undo
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Decides what brings the bindings of IIS back to how they were
description:
  - Compares the bindings of all sites with how they were before a change, and decides what leads back.
positional: _input
options:
  before:
    description: The bindings before, RV(ignore:before) of P(certops.acm.iis_binding_plan#filter).
    type: list
    elements: dict
    required: true
  backend:
    description: What will bind, M(microsoft.iis.website) or C(appcmd).
    type: str
    choices: [module, appcmd]
    default: module
extends_documentation_fragment:
  - certops.acm.iis.sites
  - certops.acm.iis.held
"""

EXAMPLES = r"""
- name: Say what leads back
  ansible.builtin.debug:
    msg: "{{ (iis.site | certops.acm.iis_binding_undo(before=plan.before)).moves | map(attribute='label') }}"
"""

RETURN = r"""
_value:
  description: A plan, as P(certops.acm.iis_binding_plan#filter) returns it.
  type: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.iis_decision import Wish, undo


def iis_binding_undo(
    sites: list[dict[str, Any]],
    *,
    before: list[dict[str, Any]],
    stores: list[dict[str, Any]] | None = None,
    **wish: Any,
) -> dict[str, Any]:
    return undo(sites, before, stores or [], Wish(**wish))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"iis_binding_undo": iis_binding_undo}
