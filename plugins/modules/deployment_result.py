#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_result
version_added: 0.1.0
short_description: End a role with the result of a deployment
description:
  - Returns what it is given, and fails unless O(status) says that the certificate is served. So a role of many tasks
    ends as M(certops.acm.cert_deploy) does, and P(certops.acm.deployment_attempt#filter) can read its result.
  - Does nothing on the host, and does not connect to it.
options:
  status:
    description: What became of the deployment. V(verified), V(installed) and V(absent) are good, all others fail.
    type: str
    choices: [verified, installed, absent, rolled_back, failed, unreachable]
    required: true
  changed:
    description: Whether the host was changed, and stays so.
    type: bool
    default: false
  msg:
    description: What happened, for people.
    type: str
  step:
    description: What failed.
    type: str
  fingerprint:
    description: SHA-256 of the certificate.
    type: str
  thumbprint:
    description: SHA-1 of the certificate, the name Windows has for it.
    type: str
  serial:
    description: Serial of the certificate.
    type: str
  not_after:
    description: End of its validity.
    type: str
  previous_fingerprint:
    description: SHA-256 of the certificate that was served before.
    type: str
  served_fingerprint:
    description: SHA-256 of the certificate that is served now.
    type: str
  served:
    description: Where it is served.
    type: list
    elements: str
  actions:
    description: What was done.
    type: list
    elements: str
  warnings:
    description: What did not stop the role.
    type: list
    elements: str
author: The certops.acm authors (@certops)
attributes:
  check_mode:
    description: Does nothing in any mode.
    support: full
  diff_mode:
    description: Shows no difference.
    support: none
  platform:
    description: Works for all hosts.
    support: full
    platforms: all
"""

EXAMPLES = r"""
- name: End with the result
  certops.acm.deployment_result:
    status: verified
    changed: true
    fingerprint: "{{ exported.fingerprint }}"
  register: deployment
"""

RETURN = r"""
status:
  description: As given. All other options are returned, too.
  type: str
  returned: always
  sample: verified
check_mode:
  description: Whether the task runs in check mode. C(ansible_check_mode) does not say so where a task sets it.
  type: bool
  returned: always
  sample: false
"""
