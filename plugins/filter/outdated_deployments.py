# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: outdated_deployments
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Names the hosts that do not serve what ACM holds
description:
  - Compares recorded deployments with the serials that ACM holds. A host that was rolled back on purpose from the
    serial that ACM holds is left out.
positional: _input
options:
  _input:
    description: Deployments, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    required: true
  certificates:
    description: Certificates, as M(certops.acm.acm_cert_info) returns them. Deployments of others are left out.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Say which hosts need somebody
  ansible.builtin.debug:
    msg: "{{ inventory.deployments | certops.acm.outdated_deployments(certificates=acm.certificates) }}"
"""

RETURN = r"""
_value:
  description: Sentences that name hosts and say what to do, one for each certificate, none when there is nothing.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.report import outdated


def outdated_deployments(deployments: list[dict[str, Any]], *, certificates: list[dict[str, Any]]) -> list[str]:
    return outdated(deployments, certificates)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"outdated_deployments": outdated_deployments}
