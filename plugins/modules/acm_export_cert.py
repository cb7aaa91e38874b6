#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_export_cert
version_added: 0.1.0
short_description: Export a certificate of AWS Certificate Manager with its encrypted key
description:
  - Exports leaf, chain and private key of a certificate of AWS Certificate Manager (ACM). The key is encrypted with
    a passphrase; a plain key is never returned.
  - The three parts are checked to belong together before they are returned.
  - Costs one C(ExportCertificate) when ACM already gives the serial that is wanted. One C(DescribeCertificate) more
    is made only when the export fails, to say why.
options:
  certificate_arn:
    description: ARN of the certificate. It is exported from the region of the ARN.
    type: str
    required: true
    aliases: [arn]
  passphrase:
    description:
      - Passphrase to encrypt the private key with, 4 to 128 printable ASCII characters without C(#), C($) and C(%).
      - Required unless in check mode. M(certops.acm.secret_passphrase) makes and keeps one.
      - Use 32 characters or more, because Ansible masks the passphrase wherever it occurs in the result.
    type: str
  serial:
    description:
      - The serial that is wanted, in any notation. Right after a renewal ACM may still give the old certificate.
      - Waits up to O(wait_timeout) seconds for it.
    type: str
  previous_serial:
    description: Any serial but this one is wanted. Waits up to O(wait_timeout) seconds for it.
    type: str
  wait_timeout:
    description: How long to wait for the serial that is wanted, in seconds.
    type: int
    default: 120
  wait_delay:
    description: How long to wait between two tries, in seconds.
    type: int
    default: 5
notes:
  - Always reports C(changed=true), because each export is recorded by ACM and keeps the certificate eligible for
    renewal.
  - Set C(no_log=true) on the task, or at least keep its result out of logs, as it holds the encrypted key.
  - "A certificate that cannot be exported fails with the reason: not issued yet, expired, revoked, imported,
    made through ACME, requested with C(Export=DISABLED), or a public one made before 2025-06-17."
  - "C(ACM gives serial ..., not ..., after ... seconds) means that a renewal is not finished."
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - certops.acm.assume_role
  - certops.acm.assume_role.attributes
attributes:
  check_mode:
    support: full
    details: Reads leaf and chain with C(GetCertificate); no key leaves ACM and RV(encrypted_private_key) is null.
  diff_mode:
    support: none
    details: An export changes no state that could be compared.
author:
  - The certops.acm authors (@certops)
seealso:
  - module: certops.acm.secret_passphrase
  - module: certops.acm.cert_deploy
"""

EXAMPLES = r"""
- name: Export the renewed certificate
  certops.acm.acm_export_cert:
    certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    passphrase: "{{ secret.passphrase }}"
    previous_serial: 0a:1b:2c:3d
  register: exported
  no_log: true
"""

RETURN = r"""
certificate_arn:
  description: The ARN.
  returned: success
  type: str
  sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
certificate:
  description: The leaf, PEM.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE-----\n..."
certificate_chain:
  description: The chain without the leaf, PEM.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE-----\n..."
encrypted_private_key:
  description: The private key, PEM PKCS#8, encrypted with O(passphrase); null in check mode.
  returned: success
  type: str
  sample: "-----BEGIN ENCRYPTED PRIVATE KEY-----\n..."
serial:
  description: Serial of the leaf, lowercase hex.
  returned: success
  type: str
  sample: 8a1f0c2b7d3e4f5061728394a5b6c7d
fingerprint:
  description: SHA-256 of the leaf, lowercase hex.
  returned: success
  type: str
  sample: 4e1243bd22c66e76c2ba9eddc1f91394e57f9f83b0b0c7e1d0a1f5f8c3a6d2b9
names:
  description: Names of the leaf.
  returned: success
  type: list
  elements: str
  sample: [www.example.com]
not_before:
  description: Begin of validity.
  returned: success
  type: str
  sample: "2026-10-02T00:00:00Z"
not_after:
  description: End of validity.
  returned: success
  type: str
  sample: "2027-04-17T23:59:59Z"
key_algorithm:
  description: Algorithm of the key.
  returned: success
  type: str
  sample: EC_prime256v1
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError, PassphraseError
from ansible_collections.certops.acm.plugins.module_utils.export import Wait, export, preview
from ansible_collections.certops.acm.plugins.module_utils.service_errors import failure
from ansible_collections.certops.acm.plugins.module_utils.session import ASSUME_ROLE_SPEC, Session

ARGUMENT_SPEC: dict[str, Any] = {
    "certificate_arn": {"type": "str", "required": True, "aliases": ["arn"]},
    "passphrase": {"type": "str", "no_log": True},
    "serial": {"type": "str"},
    "previous_serial": {"type": "str"},
    "wait_timeout": {"type": "int", "default": 120},
    "wait_delay": {"type": "int", "default": 5},
    **ASSUME_ROLE_SPEC,
}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    arn = CertificateArn.parse(params["certificate_arn"])
    wait = Wait(params["serial"], params["previous_serial"], params["wait_timeout"], params["wait_delay"])
    session = Session(module)
    region = session.region_of(arn)
    if module.check_mode:
        return {"changed": True, **preview(session.client("acm", region), str(arn), wait)}
    if not params["passphrase"]:
        raise PassphraseError("an export needs a passphrase: take one from certops.acm.secret_passphrase")
    return {"changed": True, **export(session.client("acm", region), str(arn), params["passphrase"], wait)}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except AcmError as error:
        module.fail_json(**failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
