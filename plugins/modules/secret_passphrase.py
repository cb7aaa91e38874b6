#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_passphrase
version_added: 0.1.0
short_description: Make and keep the passphrase of an exported key in AWS Secrets Manager
description:
  - Returns the passphrase for one serial of a certificate. Generates and stores it when there is none yet.
  - One secret holds the passphrases of one certificate, one version for each serial with the staging label
    C(serial-<hex>). A version is never changed, so that a host with the old bundle can always open its old key.
  - Of two runs at once for one serial, one generates the passphrase and both return it.
  - Costs one C(GetSecretValue) when the passphrase is there, three calls for a new secret (C(GetSecretValue),
    C(CreateSecret), C(PutSecretValue)) and three for a new serial (C(GetSecretValue), C(PutSecretValue),
    C(ListSecretVersionIds)). O(tags) or O(kms_key_id) cost a C(DescribeSecret) more on a secret that is there,
    O(resource_policy) a C(GetResourcePolicy).
options:
  name:
    description:
      - Name of the secret. C(certops/acm/<account>/<certificate id>) when O(certificate_arn) is given instead.
    type: str
  certificate_arn:
    description:
      - ARN of the certificate; gives O(name) and O(region) their defaults.
    type: str
    aliases: [arn]
  serial:
    description: Serial of the certificate, in any notation. Required with O(state=present).
    type: str
  state:
    description:
      - V(present) returns the passphrase of O(serial) and makes it when there is none.
      - V(generated) returns a new passphrase that is kept nowhere, without a call to AWS.
      - V(absent) schedules the secret, with the passphrases of all serials, for deletion.
    type: str
    choices: [present, generated, absent]
    default: present
  passphrase:
    description:
      - Store this passphrase instead of a generated one, 4 to 128 printable ASCII characters without C(#), C($)
        and C(%).
      - It is not returned, because Ansible masks it in results.
    type: str
  length:
    description: Number of characters of a generated passphrase, 32 to 128.
    type: int
    default: 48
  tags:
    description: Tags of the secret. Give those of the hosts that may read it, for attribute-based access.
    type: dict
  purge_tags:
    description: Remove tags that are not in O(tags).
    type: bool
    default: false
  kms_key_id:
    description: ARN, ID or alias of the KMS key that encrypts the secret. The key of the account by default.
    type: str
  resource_policy:
    description: Resource policy of the secret. Nothing is changed when it is not given.
    type: dict
  keep_versions:
    description:
      - Number of serials whose passphrase stays readable, 1 to 15.
      - When a new one is added, the labels of the oldest are removed, as AWS allows no more than 20 labels.
    type: int
    default: 10
  restore:
    description: Restore the secret when it is scheduled for deletion, instead of failing.
    type: bool
    default: false
  recovery_window_days:
    description: Days a deleted secret can be restored, 7 to 30.
    type: int
    default: 30
notes:
  - Set C(no_log=true) and C(diff=false) on each task that uses this module, because RV(passphrase) is in its result.
  - "C(secret ... is scheduled for deletion) is followed by the remedy: O(restore=true) or another O(name)."
  - "C(secret ... holds another passphrase for serial ...): O(passphrase) is not the stored one, leave it out."
  - "C(strategy ... would export a certificate once for each host): the task has C(run_once), which Ansible ignores with
    the strategies P(ansible.builtin.free#strategy) and P(ansible.builtin.host_pinned#strategy)."
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - certops.acm.assume_role
  - certops.acm.assume_role.attributes
attributes:
  check_mode:
    support: full
    details: Generates no passphrase; RV(passphrase) is null when there is none yet.
  diff_mode:
    support: none
    details: A difference would show nothing but secrets.
author:
  - The certops.acm authors (@certops)
seealso:
  - module: certops.acm.acm_export_cert
"""

EXAMPLES = r"""
- name: Get the passphrase for the current serial
  certops.acm.secret_passphrase:
    certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    serial: "{{ certificate.serial }}"
    tags:
      Role: web
  register: secret
  no_log: true
  diff: false

- name: Delete the passphrases of a certificate that is gone
  certops.acm.secret_passphrase:
    name: certops/acm/111122223333/12345678-1234-1234-1234-123456789012
    region: eu-west-1
    state: absent
    recovery_window_days: 7
"""

RETURN = r"""
passphrase:
  description:
    - The passphrase. Null with O(state=absent), when O(passphrase) was given, and in check mode when there is
      none yet.
  returned: success
  type: str
  sample: Zk3vQ9s-0pXw2uR7yB4nM8cT1hJ6dLfA5gEoKiPqWtYxUz.C
created:
  description: Whether a passphrase was made for the serial, or would be in check mode.
  returned: success
  type: bool
  sample: false
name:
  description: Name of the secret.
  returned: success
  type: str
  sample: certops/acm/111122223333/12345678-1234-1234-1234-123456789012
serial:
  description: The serial, lowercase hex.
  returned: O(state=present)
  type: str
  sample: 8a1f0c2b7d3e4f5061728394a5b6c7d
version_stage:
  description: Staging label of the version.
  returned: O(state=present)
  type: str
  sample: serial-8a1f0c2b7d3e4f5061728394a5b6c7d
arn:
  description: ARN of the secret; null in check mode when there is none yet.
  returned: O(state=present)
  type: str
  sample: arn:aws:secretsmanager:eu-west-1:111122223333:secret:certops/acm/111122223333/12345678-AbCdEf
version_id:
  description: ID of the version; null in check mode when there is none yet.
  returned: O(state=present)
  type: str
  sample: 5b0f0d8e-6d0c-5a8e-9a53-0e2f9f7d1c11
actions:
  description: What was done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [created the secret]
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn, normalize_serial
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.passphrase import generate
from ansible_collections.certops.acm.plugins.module_utils.passphrase_store import (
    PassphraseStore,
    SecretOptions,
    label,
    secret_name,
)
from ansible_collections.certops.acm.plugins.module_utils.service_errors import failure
from ansible_collections.certops.acm.plugins.module_utils.session import ASSUME_ROLE_SPEC, Session

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "certificate_arn": {"type": "str", "aliases": ["arn"]},
    "serial": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "generated", "absent"], "default": "present"},
    "passphrase": {"type": "str", "no_log": True},
    "length": {"type": "int", "default": 48},
    "tags": {"type": "dict"},
    "purge_tags": {"type": "bool", "default": False},
    "kms_key_id": {"type": "str"},
    "resource_policy": {"type": "dict"},
    "keep_versions": {"type": "int", "default": 10},
    "restore": {"type": "bool", "default": False},
    "recovery_window_days": {"type": "int", "default": 30},
    **ASSUME_ROLE_SPEC,
}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    if params["state"] == "generated":
        return {"changed": False, "created": False, "passphrase": generate(params["length"]), "actions": []}
    session = Session(module)
    arn = CertificateArn.parse(params["certificate_arn"]) if params["certificate_arn"] else None
    options = SecretOptions.from_params(params)
    name = secret_name(params["name"], arn)
    region = session.explicit_region or (arn.region if arn else None)
    store = PassphraseStore(session.client("secretsmanager", region), name, options, module.check_mode)
    if params["state"] == "absent":
        removed = store.remove(params["recovery_window_days"])
        actions = ["scheduled the secret for deletion"] if removed else []
        return {"changed": removed, "created": False, "name": name, "passphrase": None, "actions": actions}
    serial = normalize_serial(params["serial"] or "")
    outcome = store.ensure(serial, given=params["passphrase"], length=params["length"], restore=params["restore"])
    version = outcome.version
    return {
        "changed": bool(outcome.actions),
        "created": outcome.created,
        "actions": outcome.actions,
        "name": name,
        "serial": serial,
        "version_stage": label(serial),
        "passphrase": version.value if version and params["passphrase"] is None else None,
        "arn": version.arn if version else None,
        "version_id": version.version_id if version else None,
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_one_of=[("name", "certificate_arn")],
        required_if=[("state", "present", ["serial"])],
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except AcmError as error:
        module.fail_json(**failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
