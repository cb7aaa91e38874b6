#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: served_certificate
version_added: 0.1.0
short_description: Shows which certificate a server shows, or waits for one
description:
  - Shakes hands with servers that speak TLS, as any client would, and returns what they show.
  - With a O(listeners[].fingerprint) it waits until that certificate was shown three times in a row, as old workers of
    a server linger after a reload, and fails when it was not.
  - Whether a client would trust the certificate is not looked at. No certificate of a client is sent.
  - Needs nothing but Python where it runs.
author: The certops.acm authors (@certops)
options:
  listeners:
    description: Where to look, one listener at least.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: IP address or name to connect to, as seen from where the task runs.
        type: str
        required: true
      port:
        description: TCP port.
        type: int
        default: 443
      server_name:
        description: Name to ask for (SNI). None if left out or empty.
        type: str
      starttls:
        description: Protocol whose STARTTLS (STLS) command turns the connection to TLS.
        type: str
        choices: [smtp, imap, pop3]
      fingerprint:
        description: >-
          SHA-256 of the certificate that must be shown, 64 hexadecimal digits, without or with colons. Whatever is
          shown will do if it is left out, but not if it is empty.
        type: str
      label:
        description: What messages call the listener, before its address.
        type: str
  timeout:
    description: Seconds for all listeners together to show what they must. Each is looked at once at least.
    type: float
    default: 30
  connect_timeout:
    description: Seconds for a single handshake.
    type: float
    default: 10
attributes:
  check_mode:
    support: full
    description: It changes nothing, and does the same in check mode.
  diff_mode:
    support: none
    description: There is nothing to compare.
seealso:
  - module: certops.acm.cert_deploy
    description: Installs a certificate and looks by itself whether it is served.
"""

EXAMPLES = r"""
- name: Wait until the site shows the certificate that ACM holds
  certops.acm.served_certificate:
    listeners:
      - address: www.example.com
        server_name: www.example.com
        fingerprint: "{{ exported.fingerprint }}"
  delegate_to: localhost

- name: See which certificate a mail server shows
  certops.acm.served_certificate:
    listeners:
      - address: 127.0.0.1
        port: 25
        starttls: smtp
  register: shown
"""

RETURN = r"""
msg:
  description: What was shown instead, a sentence for each listener, divided by semicolons.
  returned: failure
  type: str
  sample: >-
    the handshake with 192.0.2.7:443 (www.example.com) shows 60303ae22b998861 instead of 9f86d081884c7d65
served:
  description: What each listener showed last.
  returned: when somebody was asked
  type: list
  elements: dict
  contains:
    address:
      description: As given.
      type: str
    port:
      description: As given.
      type: int
    server_name:
      description: As given.
      type: str
    starttls:
      description: As given.
      type: str
    fingerprint:
      description: SHA-256 of the leaf; none if there was no handshake.
      type: str
    error:
      description: Why there was no handshake.
      type: str
  sample:
    - address: 192.0.2.7
      port: 443
      server_name: www.example.com
      starttls: null
      fingerprint: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      error: null
"""

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.certops.acm.plugins.module_utils.handshake import Expected, Listener, prove


def _expected(item: dict[str, Any]) -> Expected:
    """Return what a listener must show.

    Raises:
        ValueError: that is no fingerprint.
    """
    listener = Listener(item["address"], item["port"], item["server_name"] or None, item["starttls"])
    fingerprint = item["fingerprint"]
    if fingerprint is not None:
        fingerprint = fingerprint.strip().replace(":", "").lower()
        if not re.fullmatch("[0-9a-f]{64}", fingerprint):
            raise ValueError(
                f"fingerprint {item['fingerprint']!r} of {listener} is no SHA-256: give 64 hexadecimal digits, or "
                "leave it out to see what is shown"
            )
    return Expected(listener, fingerprint, item["label"] or "")


def main() -> None:
    listener = {
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "default": 443},
        "server_name": {"type": "str"},
        "starttls": {"type": "str", "choices": ["smtp", "imap", "pop3"]},
        "fingerprint": {"type": "str"},
        "label": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={
            "listeners": {"type": "list", "elements": "dict", "required": True, "options": listener},
            "timeout": {"type": "float", "default": 30},
            "connect_timeout": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    if not module.params["listeners"]:
        module.fail_json(msg="listeners is empty, so nothing would be proven: name one at least")
    try:
        expected = [_expected(item) for item in module.params["listeners"]]
    except ValueError as error:
        module.fail_json(msg=str(error))
    proofs = prove(expected, module.params["timeout"], module.params["connect_timeout"])
    result = {"changed": False, "served": [proof.seen.to_result() for proof in proofs]}
    problems = [proof.problem for proof in proofs if proof.problem]
    if problems:
        module.fail_json(msg="; ".join(problems), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
