# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: iis_old_certificates
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Chooses the certificates of a Windows host that nothing needs any more
description:
  - Only certificates with the friendly name O(name) are chosen, never one that is bound, never one that the record
    says leads back, and never one of the newest O(keep).
positional: _input
options:
  _input:
    description: Results of a loop of M(ansible.windows.win_certificate_info) over names of stores.
    type: list
    elements: dict
    required: true
  sites:
    description: The sites, RV(microsoft.iis.website_info#module:site).
    type: list
    elements: dict
    required: true
  record:
    description: What is remembered, RV(ignore:record) of P(certops.acm.iis_binding_plan#filter).
    type: str
    required: true
  name:
    description: Friendly name of the certificates.
    type: str
    required: true
  keep:
    description: How many to keep at least.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Say what could be removed
  ansible.builtin.debug:
    msg: >-
      {{ held.results | certops.acm.iis_old_certificates(sites=iis.site, record=plan.record, name='shop', keep=3) }}
"""

RETURN = r"""
_value:
  description: Certificates, each with C(store) and C(thumbprint), oldest first.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.iis_binding import read_sites, read_stores
from ansible_collections.certops.acm.plugins.module_utils.iis_record import Record, superfluous


def iis_old_certificates(
    results: list[dict[str, Any]], *, sites: list[dict[str, Any]], record: str, name: str, keep: int
) -> list[dict[str, Any]]:
    known = Record.from_text(record) or Record()
    chosen = superfluous(read_stores(results), read_sites(sites), known, name=name, keep=int(keep))
    return [certificate.to_result() for certificate in chosen]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"iis_old_certificates": iis_old_certificates}
