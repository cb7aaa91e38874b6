# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: deployment_report
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Lays deployments out as a table for people
description:
  - One line for each deployment, sorted by certificate and host, under a line of headings.
  - A status says how the last attempt ended. It is followed by C((outdated)) where ACM holds another serial than the
    host serves, and by C((held)) where the host was rolled back on purpose.
positional: _input
options:
  _input:
    description: Deployments, as M(certops.acm.acm_inventory_info) returns them.
    type: list
    elements: dict
    required: true
  certificates:
    description: Certificates, as M(certops.acm.acm_cert_info) returns them.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: What is deployed where
  ansible.builtin.debug:
    msg: "{{ inventory.deployments | certops.acm.deployment_report(certificates=acm.certificates) }}"
"""

RETURN = r"""
_value:
  description: Lines of text.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.report import lay_out


def deployment_report(
    deployments: list[dict[str, Any]], *, certificates: list[dict[str, Any]] | None = None
) -> list[str]:
    return lay_out(deployments, certificates)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"deployment_report": deployment_report}
