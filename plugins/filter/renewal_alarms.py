# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: renewal_alarms
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Names the certificates that ACM is not going to renew by itself
description:
  - A renewal that waits for the validation of a name, one that failed, and a certificate that is not eligible for
    renewal although it was exported.
positional: _input
options:
  _input:
    description: Certificates, as M(certops.acm.acm_cert_info) returns them.
    type: list
    elements: dict
    required: true
  exports:
    description:
      - Records of exports, as M(certops.acm.acm_inventory_info) returns them. A certificate whose serial was not
        exported yet is not eligible for renewal, which the next run mends by itself.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Say what needs somebody
  ansible.builtin.debug:
    msg: "{{ acm.certificates | certops.acm.renewal_alarms(exports=inventory.exports) }}"
"""

RETURN = r"""
_value:
  description: Sentences that say what is wrong and what to do, empty when nothing is.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import Certificate
from ansible_collections.certops.acm.plugins.module_utils.renewal_alarm import renewal_alarm


def renewal_alarms(certificates: list[dict[str, Any]], *, exports: list[dict[str, Any]] | None = None) -> list[str]:
    serials = {export["certificate_arn"]: export["serial"] for export in exports or ()}
    held = [Certificate.from_result(certificate) for certificate in certificates]
    alarms = [
        renewal_alarm(one, exported=one.serial is not None and serials.get(one.arn) == one.serial) for one in held
    ]
    return [alarm for alarm in alarms if alarm]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"renewal_alarms": renewal_alarms}
