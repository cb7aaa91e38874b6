#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The work is done by the action plugin of the same name, which runs modules of ansible.windows.

from __future__ import annotations

DOCUMENTATION = r"""
module: iis_certificate_import
version_added: 0.1.0
short_description: Import an exported certificate with its key in the store of a Windows machine
description:
  - Brings a certificate with its private key in a store of the machine, and its intermediates in the store
    C(CertificateAuthority), each only where it is not there yet. Roots are never imported.
  - The key is opened in the memory of the controller, and leaves it in a PFX of the leaf alone, encrypted with a
    password that is made for this one file. The PFX is on no disk of the controller (on Linux), and on the host in a
    temporary directory that is removed at once. The password goes over the connection's standard input.
  - Where Windows is older than build 17763 (Server 2019) the PFX is encrypted with 3DES and SHA-1, as that is all it
    reads, and else with AES-256 and SHA-256.
  - Looks at the certificate again after the import, and takes it out when it came without its key.
  - Runs M(ansible.windows.win_certificate_info), M(ansible.windows.win_certificate_store), M(ansible.windows.win_acl)
    and M(ansible.windows.win_reg_stat). Run it as C(SYSTEM) (C(become_method=runas)).
  - Behaviour was tested against a model of Windows written from the source of these modules, and never on Windows.
options:
  certificate:
    description: The leaf, PEM.
    type: str
    required: true
  chain:
    description: The intermediates, and perhaps the root, PEM, without the leaf.
    type: str
    required: true
  private_key:
    description: The key, PEM, encrypted as M(certops.acm.acm_export_cert) returns it.
    type: str
    required: true
  passphrase:
    description: Passphrase that opens O(private_key).
    type: str
  friendly_name:
    description: Name the certificate gets in the store.
    type: str
    required: true
  store_name:
    description: Store of the machine.
    type: str
    choices: [My, WebHosting]
    default: My
  key_exportable:
    description: Let administrators of the host export the key.
    type: bool
    default: false
  only_intermediates:
    description: Import the intermediates, and leave the certificate out.
    type: bool
    default: false
  key_readers:
    description: Application pools whose own accounts may read the key. IIS itself needs none.
    type: list
    elements: str
    default: []
seealso:
  - module: ansible.windows.win_certificate_store
author: The certops.acm authors (@certops)
attributes:
  check_mode:
    description: Says what would be imported, and only looks.
    support: full
extends_documentation_fragment:
  - certops.acm.iis.attributes
"""

EXAMPLES = r"""
- name: Import the certificate
  certops.acm.iis_certificate_import:
    certificate: "{{ exported.certificate }}"
    chain: "{{ exported.certificate_chain }}"
    private_key: "{{ exported.encrypted_private_key }}"
    passphrase: "{{ secret.passphrase }}"
    friendly_name: shop
  become: true
  become_method: runas
  become_user: SYSTEM
"""

RETURN = r"""
thumbprint:
  description: SHA-1 of the certificate, the name Windows has for it.
  type: str
  returned: success
  sample: 9F2C0A51D3E84B6FA7C01D2E3F405162738495A6
fingerprint:
  description: SHA-256 of the certificate, lowercase hex.
  type: str
  returned: success
  sample: 2f338ba032a602fc5f1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f506172
serial:
  description: Serial of the certificate, lowercase hex.
  type: str
  returned: success
  sample: 1f2e3d4c
not_after:
  description: End of its validity, ISO 8601 in UTC.
  type: str
  returned: success
  sample: "2027-06-06T00:00:00Z"
imported:
  description: Thumbprints of what was imported, the intermediates first.
  type: list
  elements: str
  returned: success
  sample: []
step:
  description: What failed.
  type: str
  returned: failure
  sample: import the certificate
"""
