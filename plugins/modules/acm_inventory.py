#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_inventory
version_added: 0.1.0
short_description: Record targets, deployments, exports and leases in the inventory
description:
  - Writes to the inventory, a DynamoDB table that holds where certificates are meant to be (targets), what each host
    is known to serve (deployments), which serial was exported last (exports), and which run is at work (leases).
  - Costs one C(PutItem) for a target or an export, one C(UpdateItem) for a lease, and one C(BatchWriteItem) per 25
    deployments, with one C(Query) for each certificate before unless O(known_deployments) is given.
    O(create_table=true) costs two calls more when the table is complete.
  - Under leases a target or an export costs one C(GetItem) and one C(TransactWriteItems), and 50 to 99 deployments
    cost one C(TransactWriteItems).
options:
  table_name:
    description: Name of the table.
    type: str
    default: certops-acm-inventory
  state:
    description:
      - V(present) takes O(lease) and records O(target), O(export) and O(deployments), in this order.
      - V(absent) forgets them and gives the lease back.
    type: str
    choices: [present, absent]
    default: present
  create_table:
    description:
      - Make the table when it does not exist, with on-demand billing, point-in-time recovery and encryption, and
        complete it when something is off. Waits until it can be used.
    type: bool
    default: false
  delete_table:
    description: With O(state=absent), delete the table with all it holds. Point-in-time recovery keeps it 35 days.
    type: bool
    default: false
  deletion_protection:
    description: Protect the table from deletion; used with O(create_table=true).
    type: bool
    default: true
  kms_key_id:
    description:
      - KMS key to encrypt a new table with. The key that DynamoDB owns by default.
    type: str
  target:
    description: Where a certificate is meant to be.
    type: dict
    suboptions:
      certificate_arn:
        description: ARN of the certificate.
        type: str
        required: true
      certificate_name:
        description: Name of the certificate on the hosts, 1 to 64 letters, digits, C(.), C(_) and C(-).
        type: str
        required: true
      account:
        description: AWS account of the hosts, 12 digits.
        type: str
        required: true
      tag_key:
        description: Key of the AWS tag that chooses the hosts.
        type: str
        required: true
      tag_value:
        description: Value of the AWS tag that chooses the hosts. It must not be empty.
        type: str
        required: true
      service:
        description: The service that serves the certificate, such as V(nginx).
        type: str
        required: true
      options:
        description: Options of the role of the service. No secrets.
        type: dict
        default: {}
  signing_key:
    description:
      - KMS key that signs O(target), by its ARN, id or alias. It must be asymmetric, for C(SIGN_VERIFY), of the kind
        C(ECC_NIST_P256). The signature covers every field of the target and the name of the table, and is stored with
        it; M(certops.acm.acm_inventory_info) checks it.
      - Costs one C(kms:Sign) and one C(GetItem) more. A target that is recorded already costs one C(kms:GetPublicKey)
        instead, and is signed again only when it differs or its signature is wrong.
    type: str
  deployments:
    description:
      - Outcomes of attempts, merged with what is known of each host. What is known is never lost.
      - Each has C(certificate_arn), C(certificate_name), C(host), C(account), C(service) and C(status) (V(verified),
        V(installed), V(rolled_back), V(failed) or V(unreachable)), and as far as they are known C(fingerprint),
        C(serial), C(not_after), C(desired_fingerprint), C(desired_serial), C(served_fingerprint), C(options_digest),
        C(error), C(at) and C(run_id). Other keys are ignored.
      - An attempt without C(at) gets the present time, and leaves the record alone when it says nothing new.
      - With O(state=absent) C(certificate_arn), C(certificate_name), C(host) and C(service) name what to forget.
    type: list
    elements: dict
  known_deployments:
    description:
      - What is recorded of the hosts of O(deployments), as M(certops.acm.acm_inventory_info) returns it.
      - Saves reading it again. Must be complete for these hosts.
    type: list
    elements: dict
  lease:
    description:
      - Takes the lease on a certificate when it is free. With O(lease.fence) extends the lease that this owner holds.
      - What the same task records is written under this lease, as with O(held_leases).
      - A lease that cannot be had is not a failure. RV(lease.acquired) is false then, RV(lease.state) and RV(msg) say
        why, and O(target), O(export) and O(deployments) of the same task are not recorded.
      - A lease that no run can hold is not waited for and has the RV(lease.state) V(invalid). It was taken by a
        controller whose clock is more than five minutes ahead of this one, lasts longer than six hours, or cannot be
        read.
      - With O(state=absent) gives the lease back. With O(lease.fence) only that very lease. Without it whoever names
        the owner gives it back, so that a person can end the lease of a run that is dead.
    type: dict
    suboptions:
      certificate_arn:
        description: ARN of the certificate.
        type: str
        required: true
      owner:
        description: A text that is different for each run, such as a job ID.
        type: str
        required: true
      ttl:
        description: Seconds after which the lease expires by itself, at most 21600 (six hours).
        type: int
        default: 3600
      wait:
        description: Seconds to wait for a lease that somebody else holds. Not used with O(lease.fence).
        type: int
        default: 0
      fence:
        description:
          - RV(lease.fence) of the lease that this owner holds, to extend it.
          - A lease that ran out, was given back or was taken by somebody else cannot be extended, not even when it is
            free again. Its RV(lease.state) is V(lost).
        type: int
  held_leases:
    description:
      - Leases that this run holds, each with C(certificate_arn), C(owner) and C(fence) as RV(lease) returns them. Other
        keys are ignored.
      - O(target), O(export) and O(deployments) are then written only while the lease on their certificate is held. The
        task fails and names RV(lost_leases) when one is not. Nothing of these certificates is recorded then, what
        belongs to others is.
      - Every certificate of the task needs its lease. Without this option and O(lease) records are written in any case.
      - Only with O(state=present).
    type: list
    elements: dict
  export:
    description: Which serial of a certificate was exported last.
    type: dict
    suboptions:
      certificate_arn:
        description: ARN of the certificate.
        type: str
        required: true
      serial:
        description: Serial, in any notation.
        type: str
        required: true
      fingerprint:
        description: SHA-256 of the leaf, lowercase hex.
        type: str
      not_after:
        description: End of validity.
        type: str
notes:
  - "C(the lease on ... is lost): another run has taken over, or somebody gave the lease back. Nothing of that
    certificate was recorded; run again when no other run is at work."
  - "C(table ... does not exist): run C(ansible-playbook certops.acm.setup_aws), set O(create_table=true), or check
    O(table_name), O(region) and O(assume_role_arn)."
  - "C(tag ... has no value): O(target.tag_value) is empty; a target never means every host that carries a tag."
  - "C(... may not call dynamodb:...) names the action to allow; the policies are in C(docs/iam.md) of the collection."
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - certops.acm.assume_role
  - certops.acm.assume_role.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author:
  - The certops.acm authors (@certops)
seealso:
  - module: certops.acm.acm_inventory_info
"""

EXAMPLES = r"""
- name: Make the inventory
  certops.acm.acm_inventory:
    region: eu-west-1
    create_table: true

- name: The web servers of an account shall serve a certificate
  certops.acm.acm_inventory:
    region: eu-west-1
    target:
      certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
      certificate_name: www.example.com
      account: "111122223333"
      tag_key: Role
      tag_value: web
      service: nginx

- name: Take the lease
  certops.acm.acm_inventory:
    region: eu-west-1
    lease:
      certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
      owner: "{{ run_id }}"
      wait: 60
  register: inventory
  failed_when: not inventory.lease.acquired

- name: Record what a host serves, as long as the lease is held
  certops.acm.acm_inventory:
    region: eu-west-1
    held_leases:
      - "{{ inventory.lease }}"
    deployments:
      - certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
        certificate_name: www.example.com
        host: web1
        account: "111122223333"
        service: nginx
        status: verified
        serial: 8a1f0c2b

- name: Extend the lease
  certops.acm.acm_inventory:
    region: eu-west-1
    lease:
      certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
      owner: "{{ run_id }}"
      fence: "{{ inventory.lease.fence }}"
  register: extended
  failed_when: not extended.lease.acquired

- name: Give the lease back
  certops.acm.acm_inventory:
    region: eu-west-1
    state: absent
    lease:
      certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
      owner: "{{ run_id }}"
      fence: "{{ inventory.lease.fence }}"

- name: End the lease of a run that is dead
  certops.acm.acm_inventory:
    region: eu-west-1
    state: absent
    lease:
      certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
      owner: awx job 4710
"""

RETURN = r"""
target:
  description: The target that was recorded.
  returned: success
  type: dict
  sample: {certificate_name: www.example.com, tag_key: Role, tag_value: web, service: nginx}
deployments:
  description: The records of the hosts of O(deployments), as M(certops.acm.acm_inventory_info) returns them.
  returned: success
  type: list
  elements: dict
  sample: [{host: web1, service: nginx, status: verified, serial: 8a1f0c2b}]
export:
  description: The export that was recorded.
  returned: success
  type: dict
  sample: {serial: 8a1f0c2b, exported_at: "2026-10-02T08:15:42Z"}
lease:
  description: The lease.
  returned: success
  type: dict
  contains:
    certificate_arn:
      description: ARN of the certificate.
      type: str
      sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    acquired:
      description: Whether the owner holds it now, or would in check mode.
      type: bool
      sample: true
    state:
      description:
        - V(held) by the owner.
        - V(taken) by somebody else.
        - V(lost), as it ran out, was given back or was taken before it was extended.
        - V(invalid), as no run can hold such a lease.
        - V(released) by O(state=absent).
      type: str
      sample: held
    owner:
      description: Who asked.
      type: str
      sample: job-4711
    fence:
      description: Number of the lease, which grows each time anybody takes it; null unless the owner holds it.
      type: int
      sample: 7
    holder:
      description: Who else holds it; null when nobody does.
      type: str
      sample: null
    expires_at:
      description: When the lease that is held expires.
      type: str
      sample: "2026-10-02T09:15:42Z"
    expires_in:
      description: Seconds until then.
      type: int
      sample: 3600
table_actions:
  description: What was done to the table, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [created the table]
lost_leases:
  description: ARNs of the certificates whose leases are held no more, so that nothing of them was recorded.
  returned: when a record was to be written under a lease that is lost
  type: list
  elements: str
  sample: ["arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012"]
msg:
  description: Why the lease is not held, and what to do.
  returned: when the lease is not held
  type: str
  sample: >-
    the lease on arn:aws:acm:... is held by job-4710 until 2026-10-02T09:15:42Z: another run is at work, run again
    when it is done; if it was killed, its lease ends at that time
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError, LeaseLostError
from ansible_collections.certops.acm.plugins.module_utils.inventory_change import Request, absent, present
from ansible_collections.certops.acm.plugins.module_utils.service_errors import failure
from ansible_collections.certops.acm.plugins.module_utils.session import ASSUME_ROLE_SPEC, Session
from ansible_collections.certops.acm.plugins.module_utils.target_signature import target_signer

REQUIRED_STR: dict[str, Any] = {"type": "str", "required": True}

ARGUMENT_SPEC: dict[str, Any] = {
    "table_name": {"type": "str", "default": "certops-acm-inventory"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "create_table": {"type": "bool", "default": False},
    "delete_table": {"type": "bool", "default": False},
    "deletion_protection": {"type": "bool", "default": True},
    "kms_key_id": {"type": "str"},
    "target": {
        "type": "dict",
        "options": {
            "certificate_arn": REQUIRED_STR,
            "certificate_name": REQUIRED_STR,
            "account": REQUIRED_STR,
            "tag_key": {**REQUIRED_STR, "no_log": False},
            "tag_value": REQUIRED_STR,
            "service": REQUIRED_STR,
            "options": {"type": "dict", "default": {}},
        },
    },
    "signing_key": {"type": "str", "no_log": False},
    "deployments": {"type": "list", "elements": "dict"},
    "known_deployments": {"type": "list", "elements": "dict"},
    "lease": {
        "type": "dict",
        "options": {
            "certificate_arn": REQUIRED_STR,
            "owner": REQUIRED_STR,
            "ttl": {"type": "int", "default": 3600},
            "wait": {"type": "int", "default": 0},
            "fence": {"type": "int"},
        },
    },
    "held_leases": {"type": "list", "elements": "dict"},
    "export": {
        "type": "dict",
        "options": {
            "certificate_arn": REQUIRED_STR,
            "serial": REQUIRED_STR,
            "fingerprint": {"type": "str"},
            "not_after": {"type": "str"},
        },
    },
    **ASSUME_ROLE_SPEC,
}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    request = Request.from_params(module.params)
    request.validate()
    session, table = Session(module), module.params["table_name"]
    client = session.client("dynamodb")
    if module.params["state"] == "absent":
        return absent(client, table, request, check_mode=module.check_mode).to_result()
    signer = target_signer(session, module.params["signing_key"], table)
    return present(client, table, request, check_mode=module.check_mode, signer=signer).to_result()


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except LeaseLostError as error:
        module.fail_json(**failure(error), lost_leases=error.certificate_arns)
    except AcmError as error:
        module.fail_json(**failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
