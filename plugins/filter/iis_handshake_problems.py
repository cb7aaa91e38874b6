# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: iis_handshake_problems
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Tells which handshakes did not show the certificate they should
description:
  - Reads what handshakes with the bindings of a plan came to.
positional: _input
options:
  _input:
    description:
      - Results of a loop of M(community.crypto.get_certificate) over RV(ignore:handshakes) of
        P(certops.acm.iis_binding_plan#filter).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Check the handshakes
  ansible.builtin.assert:
    that: (seen.results | certops.acm.iis_handshake_problems) == []
"""

RETURN = r"""
_value:
  description: Sentences, none when every binding shows what it should.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.iis_decision import unproven


def iis_handshake_problems(results: list[dict[str, Any]]) -> list[str]:
    return unproven(results)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"iis_handshake_problems": iis_handshake_problems}
