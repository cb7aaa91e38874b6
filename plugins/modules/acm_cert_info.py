#!/usr/bin/python
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_cert_info
version_added: 0.1.0
short_description: List and filter certificates of AWS Certificate Manager
description:
  - Returns certificates of AWS Certificate Manager (ACM) with names, validity, export option and eligibility for
    renewal, of all key types.
  - Costs one C(DescribeCertificate) for each of up to 10 ARNs, one C(SearchCertificates) per 500 certificates for
    more ARNs or for O(details=true), and else one C(ListCertificates) per 1000 certificates. Tags cost one
    C(GetResources) per 100 certificates.
options:
  certificate_arn:
    description:
      - ARNs of certificates to look at. All of the region when it is not given.
      - Each certificate is looked up in the region of its ARN.
    type: list
    elements: str
    aliases: [arn]
  domain_name:
    description: Only certificates with this domain name.
    type: str
  names:
    description: Only certificates that carry each of these names, written as on the certificate.
    type: list
    elements: str
    default: []
  statuses:
    description: Only certificates with one of these statuses.
    type: list
    elements: str
    choices: [PENDING_VALIDATION, ISSUED, INACTIVE, EXPIRED, VALIDATION_TIMED_OUT, REVOKED, FAILED]
    default: []
  tags:
    description: Only certificates that carry each of these tags with this value. Implies O(include_tags=true).
    type: dict
    default: {}
  expires_within_days:
    description: Only certificates that expire within this number of days, or have expired.
    type: int
  details:
    description:
      - Also return serial and renewal status of each certificate when no O(certificate_arn) is given.
      - With O(certificate_arn) they are always returned.
    type: bool
    default: false
  include_tags:
    description: Also return the tags.
    type: bool
    default: false
  missing_ok:
    description:
      - Leave an ARN that ACM does not know out of RV(certificates) and name it in RV(missing), instead of failing.
    type: bool
    default: false
notes:
  - "An unknown ARN fails with C(no certificate ... in this account and region), also when the certificate is of
    another account: set O(assume_role_arn) then."
  - "O(region) that is not the region of an ARN fails with C(certificate ... lives in ..., this task asks ...).
    E(AWS_REGION) in the environment does not matter to an ARN."
  - "C(... may not call acm:... ) names the action to allow; the policies are in C(docs/iam.md) of the collection."
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
  - module: certops.acm.acm_export_cert
"""

EXAMPLES = r"""
- name: Look at one certificate
  certops.acm.acm_cert_info:
    certificate_arn: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
  register: acm

- name: Find what expires within 30 days in another account
  certops.acm.acm_cert_info:
    region: eu-west-1
    assume_role_arn: arn:aws:iam::444455556666:role/certops
    statuses: [ISSUED]
    expires_within_days: 30
    include_tags: true
"""

RETURN = r"""
certificates:
  description: The certificates, in the order of the ARNs given or of ACM.
  returned: success
  type: list
  elements: dict
  contains:
    certificate_arn:
      description: The ARN.
      type: str
      sample: arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012
    account:
      description: Account of the ARN.
      type: str
      sample: "111122223333"
    region:
      description: Region of the ARN.
      type: str
      sample: eu-west-1
    domain_name:
      description: Domain name of the certificate.
      type: str
      sample: www.example.com
    names:
      description: All names of the certificate.
      type: list
      elements: str
      sample: [www.example.com, example.com]
    status:
      description: Status in ACM.
      type: str
      sample: ISSUED
    type:
      description: V(AMAZON_ISSUED), V(PRIVATE) or V(IMPORTED).
      type: str
      sample: AMAZON_ISSUED
    serial:
      description: Serial, lowercase hex; null in a listing without O(details) and before issuance.
      type: str
      sample: 8a1f0c2b7d3e4f5061728394a5b6c7d
    key_algorithm:
      description: Key algorithm.
      type: str
      sample: RSA_2048
    export_option:
      description: V(ENABLED), V(DISABLED), or null when ACM does not say.
      type: str
      sample: ENABLED
    exported:
      description: Whether it was ever exported; null when looked up by ARN, where ACM does not say.
      type: bool
      sample: true
    key_pair_origin:
      description: V(AWS_MANAGED), V(ACME), V(CUSTOMER_PROVIDED), or null when ACM does not say.
      type: str
      sample: AWS_MANAGED
    renewal_eligibility:
      description: V(ELIGIBLE) or V(INELIGIBLE). ACM renews only what is eligible.
      type: str
      sample: ELIGIBLE
    renewal_status:
      description: State of the last renewal; null in a listing without O(details).
      type: str
      sample: SUCCESS
    renewal_status_reason:
      description: Why a renewal does not succeed; only when looked up by ARN.
      type: str
      sample: CAA_ERROR
    failure_reason:
      description: Why the request failed; only when looked up by ARN.
      type: str
      sample: CAA_ERROR
    not_before:
      description: Begin of validity.
      type: str
      sample: "2026-10-02T00:00:00Z"
    not_after:
      description: End of validity.
      type: str
      sample: "2027-04-17T23:59:59Z"
    created_at:
      description: When it was requested or imported.
      type: str
      sample: "2026-10-02T08:15:42Z"
    in_use:
      description: Whether an AWS service uses it.
      type: bool
      sample: false
    tags:
      description: Tags; null unless asked for.
      type: dict
      sample: {Team: web}
missing:
  description: ARNs that ACM does not know, with O(missing_ok=true).
  returned: success
  type: list
  elements: str
  sample: []
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ansible_collections.certops.acm.plugins.module_utils.certificate import unknown_certificates
from ansible_collections.certops.acm.plugins.module_utils.certificate_query import CertificateQuery, find
from ansible_collections.certops.acm.plugins.module_utils.errors import AcmError
from ansible_collections.certops.acm.plugins.module_utils.service_errors import failure
from ansible_collections.certops.acm.plugins.module_utils.session import ASSUME_ROLE_SPEC, Session

STATUSES = ["PENDING_VALIDATION", "ISSUED", "INACTIVE", "EXPIRED", "VALIDATION_TIMED_OUT", "REVOKED", "FAILED"]

ARGUMENT_SPEC: dict[str, Any] = {
    "certificate_arn": {"type": "list", "elements": "str", "aliases": ["arn"]},
    "domain_name": {"type": "str"},
    "names": {"type": "list", "elements": "str", "default": []},
    "statuses": {"type": "list", "elements": "str", "choices": STATUSES, "default": []},
    "tags": {"type": "dict", "default": {}},
    "expires_within_days": {"type": "int"},
    "details": {"type": "bool", "default": False},
    "include_tags": {"type": "bool", "default": False},
    "missing_ok": {"type": "bool", "default": False},
    **ASSUME_ROLE_SPEC,
}


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    params = module.params
    days = params["expires_within_days"]
    query = CertificateQuery(
        arns=params["certificate_arn"] or (),
        domain_name=params["domain_name"],
        names=params["names"],
        statuses=params["statuses"],
        tags={key: str(value) for key, value in params["tags"].items()},
        expires_within=None if days is None else timedelta(days=days),
        details=params["details"],
        include_tags=params["include_tags"],
    )
    session = Session(module)
    found = find(session, query, datetime.now(timezone.utc))
    if found.missing and not params["missing_ok"]:
        raise unknown_certificates(found.missing)
    for warning in found.warnings:
        module.warn(warning)
    return {
        "changed": False,
        "certificates": [certificate.to_result() for certificate in found.certificates],
        "missing": found.missing,
    }


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except AcmError as error:
        module.fail_json(**failure(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
