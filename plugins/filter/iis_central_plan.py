# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: iis_central_plan
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Decides what changes in the Central Certificate Store of IIS
description:
  - Compares what a host remembers with what is asked for, and finds the bindings that read the files.
positional: _input
options:
  path:
    description: Directory of the store.
    type: str
    required: true
  password_given:
    description: Whether there is a password for the files.
    type: bool
    required: true
  record:
    description: What was remembered by the run before, RV(ignore:record) of this filter.
    type: str
    default: ""
  state:
    description: Write the certificate, or go back to the one before.
    type: str
    choices: [present, rolled_back]
    default: present
  bundle:
    description: The certificate, as M(certops.acm.acm_export_cert) returns it. Its key is not looked at.
    type: dict
    default: {}
  backend:
    description: Not looked at.
    type: str
  address:
    description: Where the controller reaches bindings of all addresses.
    type: str
    default: ""
  server_names:
    description: Not looked at.
    type: list
    elements: str
extends_documentation_fragment:
  - certops.acm.iis.sites
"""

EXAMPLES = r"""
- name: Say which files would change
  ansible.builtin.debug:
    msg: "{{ plan.names }}"
  vars:
    plan: "{{ iis.site | certops.acm.iis_central_plan(bundle=bundle, path='D:/certificates', password_given=true) }}"
"""

RETURN = r"""
_value:
  description:
    - C(names), and C(writes), whether files change.
    - C(problems), C(changed), C(handshakes), C(record), C(certificate) and C(previous_fingerprint), as in
      P(certops.acm.iis_binding_plan#filter).
  type: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.iis_central import decide_central
from ansible_collections.certops.acm.plugins.module_utils.iis_decision import Wish


def iis_central_plan(
    sites: list[dict[str, Any]], *, path: str, password_given: bool, record: str = "", **wish: Any
) -> dict[str, Any]:
    return decide_central(sites, record, Wish(**wish), place=path, password_given=password_given)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"iis_central_plan": iis_central_plan}
