#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_inventory_info
version_added: 0.1.0
short_description: Read targets, deployments, exports and leases from the inventory
description:
  - Reads the inventory that M(certops.acm.acm_inventory) writes.
  - Whoever may write the table is not trusted. What is malformed is returned in RV(problems), and keeps no other record
    from being read.
  - Costs one C(Query) for each O(certificate_arn), one for O(host), and else a C(Scan) of the table.
options:
  table_name:
    description: Name of the table.
    type: str
    default: certops-acm-inventory
  certificate_arn:
    description: Only records of these certificates.
    type: list
    elements: str
    aliases: [arn]
    default: []
  host:
    description: Only deployments on this host; targets, leases and exports are not returned then.
    type: str
  status:
    description: Only deployments with one of these statuses.
    type: list
    elements: str
    choices: [verified, installed, rolled_back, failed, unreachable]
    default: []
  signing_key:
    description:
      - KMS key that signed the targets, as O(certops.acm.acm_inventory#module:signing_key). A target without a
        signature or with a wrong one is not in RV(targets) but in RV(problems).
      - Costs one C(kms:GetPublicKey), whatever the number of targets, and needs the Python library C(cryptography).
        Replaying a target that was signed once, and deleting one, cannot be noticed so.
    type: str
  expires_within_days:
    description:
      - Only deployments whose certificate expires within this number of days, or has expired, or whose expiry is not
        known.
    type: int
notes:
  - "C(table ... does not exist): run C(ansible-playbook certops.acm.setup_aws), or check O(table_name), O(region) and
    O(assume_role_arn)."
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - certops.acm.assume_role
  - certops.acm.assume_role.attributes
attributes:
  check_mode:
    support: full
    details: Changes nothing.
  diff_mode:
    support: none
    details: Changes nothing.
author:
  - The certops.acm authors (@certops)
seealso:
  - module: certops.acm.acm_inventory
"""

EXAMPLES = r"""
- name: Read everything about one certificate
  certops.acm.acm_inventory_info:
    region: eu-west-1
    certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
  register: inventory

- name: Find the hosts where the last attempt went wrong
  certops.acm.acm_inventory_info:
    region: eu-west-1
    status: [rolled_back, failed, unreachable]
"""

RETURN = r"""
targets:
  description: Where certificates are meant to be.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_arn:
      description: ARN of the certificate.
      type: str
      sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    certificate_name:
      description: Name of the certificate on the hosts.
      type: str
      sample: www.example.com
    account:
      description: AWS account of the hosts.
      type: str
      sample: "111122223333"
    tag_key:
      description: Key of the AWS tag that chooses the hosts.
      type: str
      sample: Role
    tag_value:
      description: Value of the AWS tag that chooses the hosts.
      type: str
      sample: web
    service:
      description: The service that serves the certificate.
      type: str
      sample: nginx
    options:
      description: Options of the role of the service.
      type: dict
      sample: {}
deployments:
  description: What is known of each certificate on each host.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_arn:
      description: ARN of the certificate.
      type: str
      sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    certificate_name:
      description: Name of the certificate on the host.
      type: str
      sample: www.example.com
    host:
      description: Name of the host in the host inventory.
      type: str
      sample: web1
    account:
      description: AWS account of the host.
      type: str
      sample: "111122223333"
    service:
      description: The service that serves the certificate.
      type: str
      sample: nginx
    status:
      description: Outcome of the last attempt.
      type: str
      sample: verified
    fingerprint:
      description: Fingerprint of the certificate the host is last known to serve.
      type: str
      sample: 4e1243bd22c66e76c2ba9eddc1f91394e57f9f83b0b0c7e1d0a1f5f8c3a6d2b9
    serial:
      description: Its serial.
      type: str
      sample: 8a1f0c2b7d3e4f5061728394a5b6c7d
    not_after:
      description: The end of its validity.
      type: str
      sample: "2027-04-17T23:59:59Z"
    desired_fingerprint:
      description: Fingerprint of the certificate the last attempt tried to put there.
      type: str
      sample: 4e1243bd22c66e76c2ba9eddc1f91394e57f9f83b0b0c7e1d0a1f5f8c3a6d2b9
    desired_serial:
      description: Its serial.
      type: str
      sample: 8a1f0c2b7d3e4f5061728394a5b6c7d
    previous_fingerprint:
      description: Fingerprint of the certificate that was served before.
      type: str
      sample: null
    options_digest:
      description: Digest of the options of the target the host last took.
      type: str
      sample: 44136fa355b3678a
    error:
      description: Why the last attempt did not succeed.
      type: str
      sample: null
    at:
      description: Time of the last attempt.
      type: str
      sample: "2026-10-02T08:15:42Z"
    run_id:
      description: The run that made the last attempt.
      type: str
      sample: job-4711
leases:
  description: Leases that have not expired.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_arn:
      description: ARN of the certificate.
      type: str
      sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    owner:
      description: Who holds it.
      type: str
      sample: job-4711
    fence:
      description: Number of the lease, which grows each time anybody takes it.
      type: int
      sample: 7
    acquired_at:
      description: Since when.
      type: str
      sample: "2026-10-02T08:15:42Z"
    expires_at:
      description: Until when.
      type: str
      sample: "2026-10-02T09:15:42Z"
exports:
  description: Which serial of each certificate was exported last.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_arn:
      description: ARN of the certificate.
      type: str
      sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    serial:
      description: Serial that was exported.
      type: str
      sample: 8a1f0c2b7d3e4f5061728394a5b6c7d
    fingerprint:
      description: Its fingerprint.
      type: str
      sample: 4e1243bd22c66e76c2ba9eddc1f91394e57f9f83b0b0c7e1d0a1f5f8c3a6d2b9
    not_after:
      description: The end of its validity.
      type: str
      sample: "2027-04-17T23:59:59Z"
    exported_at:
      description: When.
      type: str
      sample: "2026-10-02T08:15:42Z"
problems:
  description: Records that cannot be used, as they are malformed or not signed.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_arn:
      description: Partition key of the item.
      type: str
      sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    record:
      description: Sort key of the item.
      type: str
      sample: target#111122223333#Role=web#nginx#www.example.com
    msg:
      description: What is wrong with it, and what to do.
      type: str
      sample: >-
        the record target#111122223333#Role=web#nginx#www.example.com of arn:aws:acm:... cannot be used, account is
        missing: run certops.acm.deploy for it again, or delete the item
"""

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.inventory import Records, read_items, select_deployments
from ansible_collections.certops.acm.plugins.module_utils.service_errors import failure
from ansible_collections.certops.acm.plugins.module_utils.session import ASSUME_ROLE_SPEC, Session
from ansible_collections.certops.acm.plugins.module_utils.target_signature import target_signer

STATUSES = ["verified", "installed", "rolled_back", "failed", "unreachable"]

ARGUMENT_SPEC: dict[str, Any] = {
    "table_name": {"type": "str", "default": "certops-acm-inventory"},
    "certificate_arn": {"type": "list", "elements": "str", "aliases": ["arn"], "default": []},
    "host": {"type": "str"},
    "status": {"type": "list", "elements": "str", "choices": STATUSES, "default": []},
    "expires_within_days": {"type": "int"},
    "signing_key": {"type": "str", "no_log": False},
    **ASSUME_ROLE_SPEC,
}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    arns = [str(CertificateArn.parse(text)) for text in params["certificate_arn"]]
    days = params["expires_within_days"]
    session = Session(module)
    items = read_items(session.client("dynamodb"), params["table_name"], arns, params["host"])
    signer = target_signer(session, params["signing_key"], params["table_name"])
    if signer:
        signer.prepare()  # whoever cannot check any signature must not call them all wrong
    records = Records.from_items(items, time.time(), signer.check if signer else None)
    chosen = select_deployments(
        records.deployments,
        params["status"],
        None if days is None else timedelta(days=days),
        datetime.now(timezone.utc),
    )
    return {"changed": False, **replace(records, deployments=chosen).to_result()}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except AcmError as error:
        module.fail_json(**failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
