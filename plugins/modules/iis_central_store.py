#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name, which runs modules of ansible.windows.

from __future__ import annotations

DOCUMENTATION = r"""
module: iis_central_store
version_added: 0.1.0
short_description: Put a certificate in the Central Certificate Store of IIS
description:
  - Writes one PFX for each name of a certificate in a directory, C(*) as C(_), protected with the password that IIS was
    given for it. All files are written beside their places first, and then renamed. The files before are kept beside
    them as C(.previous).
  - The key is opened in the memory of the controller, and leaves it in the PFX alone.
  - Runs M(ansible.windows.win_command) and M(ansible.windows.win_reg_stat). Run it as C(SYSTEM), which must be allowed
    to write to the directory; on a share that is the account of the machine.
  - Behaviour was tested against a model, and never on Windows.
options:
  state:
    description: Write the files, or let them change places with those before.
    type: str
    choices: [present, previous]
    default: present
  path:
    description: The directory, as the host sees it.
    type: str
    required: true
  names:
    description: Names of the certificate.
    type: list
    elements: str
    required: true
  password:
    description: Password of the files. Required with O(state=present).
    type: str
  certificate:
    description: The leaf, PEM. Required with O(state=present).
    type: str
  chain:
    description: The intermediates, PEM. Required with O(state=present).
    type: str
  private_key:
    description: The key, PEM, encrypted as M(certops.acm.acm_export_cert) returns it. Required with O(state=present).
    type: str
  passphrase:
    description: Passphrase that opens O(private_key).
    type: str
  friendly_name:
    description: Name the certificate gets in the files.
    type: str
author: The certops.acm authors (@certops)
attributes:
  check_mode:
    description: Names the files, and does nothing.
    support: full
extends_documentation_fragment:
  - certops.acm.iis.attributes
"""

EXAMPLES = r"""
- name: Write the files
  certops.acm.iis_central_store:
    path: D:\certificates
    names: "{{ exported.names }}"
    password: "{{ central_password }}"
    certificate: "{{ exported.certificate }}"
    chain: "{{ exported.certificate_chain }}"
    private_key: "{{ exported.encrypted_private_key }}"
    passphrase: "{{ secret.passphrase }}"
    friendly_name: shop
  become: true
  become_method: ansible.builtin.runas
  become_user: SYSTEM
"""

RETURN = r"""
files:
  description: Paths of the files.
  type: list
  elements: str
  returned: success
  sample: []
"""
