# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: iis_binding_plan
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Decides which bindings of IIS get a certificate
description:
  - Compares the bindings of all sites with what is asked for, and decides which of them get the certificate, what
    stands against it, what must be true afterwards, and what leads back. It touches nothing.
  - Bindings take part that are named, that use a certificate named in O(replaces), or that used the certificate
    before, as the record says.
positional: _input
options:
  record:
    description: What was remembered by the run before, RV(ignore:record) of this filter.
    type: str
    default: ""
  state:
    description: Bind the certificate, go back to the one before, or to what was there before the first.
    type: str
    choices: [present, rolled_back, absent]
    default: present
  bundle:
    description: The certificate, as M(certops.acm.acm_export_cert) returns it. Its key is not looked at.
    type: dict
    default: {}
  store:
    description: Store the certificate is in.
    type: str
    default: My
  bindings:
    description: Bindings with C(site), C(ip), C(port), C(hostname) and C(sni). One that does not exist is created.
    type: list
    elements: dict
    default: []
  replaces:
    description: Thumbprints of certificates whose bindings get the new one, where their host names fit.
    type: list
    elements: str
    default: []
  backend:
    description: What will bind, M(microsoft.iis.website) or C(appcmd). Each has its own cases that it cannot do.
    type: str
    choices: [module, appcmd]
    default: module
  force:
    description: Go back to a certificate that expired.
    type: bool
    default: false
extends_documentation_fragment:
  - certops.acm.iis.sites
  - certops.acm.iis.held
"""

EXAMPLES = r"""
- name: Read the bindings
  microsoft.iis.website_info:
  register: iis

- name: Say what would be bound
  ansible.builtin.debug:
    msg: "{{ plan.moves | map(attribute='label') }}"
  vars:
    plan: "{{ iis.site | certops.acm.iis_binding_plan(bundle=bundle, bindings=bindings) }}"
    bindings:
      - {site: shop, hostname: shop.example.com}
"""

RETURN = r"""
_value:
  description:
    - C(moves), what is about to change, each with C(kind), C(label), the binding as it is, C(to_thumbprint) and
      C(to_store); C(stay) and C(left), names of bindings; C(problems), sentences, and nothing may be done while there
      are any.
    - C(by_module), those of C(moves) that M(microsoft.iis.website) makes; C(commands), arguments for C(appcmd).
    - C(before) and C(expected), all bindings before and after; C(handshakes), where which fingerprint must show itself.
    - C(certificate), what is bound; C(held), whether the host has it with its key; C(record), what to remember;
      C(changed); C(previous_fingerprint).
  type: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.iis_decision import Wish, decide


def iis_binding_plan(
    sites: list[dict[str, Any]], *, stores: list[dict[str, Any]] | None = None, record: str = "", **wish: Any
) -> dict[str, Any]:
    return decide(sites, stores or [], record, Wish(**wish))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"iis_binding_plan": iis_binding_plan}
