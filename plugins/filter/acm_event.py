# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: acm_event
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Reads an EventBridge event about a certificate
description:
  - Tells which certificate an event of ACM or AWS Health is about. Nothing else of the event is returned.
  - For an event in a variable that somebody else filled, such as AWX's C(awx_webhook_payload), use
    P(certops.acm.acm_event#lookup). It takes the variable's name, and sees what is in it before any template there
    is evaluated.
positional: _input
options:
  _input:
    description:
      - The event, as EventBridge sends it, as JSON text, or below C(acm_event) or C(awx_webhook_payload).
    type: raw
    required: true
seealso:
  - plugin: certops.acm.acm_event
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Say what the message is about
  ansible.builtin.debug:
    msg: "{{ message.body | certops.acm.acm_event }}"
"""

RETURN = r"""
_value:
  description:
    - With an event to act on it has C(certificate_arn), C(account), C(region), C(action) and C(id).
    - With any other it has C(ignored), the reason. One that asks for somebody's attention has C(alarm) too, its kind,
      C(action_required), C(approaching_expiration), C(expired) or C(revoked).
  type: dict
  sample: {certificate_arn: "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10",
           account: "111122223333", region: eu-west-1, action: renewal, id: 5c0b7f6e-2d0a-4a0f-8b52-7a4f3f1f9d21}
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.event import read


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"acm_event": read}
