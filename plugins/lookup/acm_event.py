# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: acm_event
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Reads the EventBridge event a playbook was started with
seealso:
  - plugin: certops.acm.acm_event
    plugin_type: filter
description:
  - Reads the event from the variables O(_terms), without ever evaluating the text in it as a template,
    and returns which certificate it is about.
  - The event is a hint to look at one certificate; nothing else of it is returned.
options:
  _terms:
    description: Names of the variables to look at; the first that is defined and not empty is read.
    type: list
    elements: str
    default: [acm_event, awx_webhook_payload]
"""

EXAMPLES = r"""
- name: Say what the event is about
  ansible.builtin.debug:
    msg: "{{ lookup('certops.acm.acm_event') }}"
"""

RETURN = r"""
_raw:
  description:
    - A single dictionary. Without any of the variables it is empty.
    - With an event to act on it has C(certificate_arn), C(account), C(region), C(action) and C(id).
    - With an event that brings nothing to install it has C(ignored), the reason. One that asks for somebody's
      attention has C(alarm) too, its kind, C(action_required), C(approaching_expiration), C(expired) or C(revoked).
  type: list
  elements: dict
  sample: [{certificate_arn: "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10",
            account: "111122223333", region: eu-west-1, action: renewal, id: 5c0b7f6e-2d0a-4a0f-8b52-7a4f3f1f9d21}]
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.certops.acm.plugins.module_utils.event import WRAPPERS, read
from ansible_collections.certops.acm.plugins.plugin_utils.raw_variables import NotPlainError, plain, untrusted


class LookupModule(LookupBase):
    """A lookup and not a filter: it sees the variable as it came, before any template in it is evaluated."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        self.set_options(var_options=variables, direct=kwargs)
        for name in terms or WRAPPERS:
            try:
                payload = plain((variables or {}).get(name))
            except NotPlainError:
                return [{"ignored": f"{name} holds a value that is not JSON, such as one that Ansible Vault encrypted"}]
            if payload:
                return [untrusted(read(payload))]
        return [{}]
