# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: export_problems
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Tells which certificates cannot be exported
description:
  - An ARN that is none is found without asking ACM; what ACM holds tells the rest, such as a certificate that is not
    issued yet or was requested without the option to export it.
positional: _input, answers
options:
  _input:
    description: What is to be exported, each with a C(certificate_arn).
    type: list
    elements: dict
    required: true
  answers:
    description:
      - Results of a loop of M(certops.acm.acm_cert_info) with O(certops.acm.acm_cert_info#module:missing_ok=true), over
        the beginnings of ARNs. Where it failed, its message is told for those ARNs that were to be asked for, which
        have no C(serial). A certificate that is in no answer is not judged.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Stop at what cannot be exported
  ansible.builtin.assert:
    that: export_certificates | certops.acm.export_problems(acm.results) | length == 0
"""

RETURN = r"""
_value:
  description: A sentence with the remedy for each certificate that cannot be exported, by ARN.
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import (
    Certificate,
    CertificateArn,
    ensure_exportable,
    unknown_certificates,
)
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError


def export_problems(wanted: Iterable[Mapping[str, Any]], answers: Iterable[Mapping[str, Any]] = ()) -> dict[str, str]:
    answers = list(answers)
    given = [answer for answer in answers if "certificates" in answer]
    refused = {answer["item"]: str(answer["msg"]) for answer in answers if "certificates" not in answer}
    held = {one["certificate_arn"]: one for answer in given for one in answer["certificates"]}
    missing = {arn for answer in given for arn in answer["missing"]}
    problems = {}
    for item in wanted:
        arn = item["certificate_arn"]
        try:
            CertificateArn.parse(arn)
            if arn in missing:
                raise unknown_certificates([arn])
            if arn in held:
                ensure_exportable(Certificate.from_result(held[arn]))
        except CertificateError as error:
            problems[arn] = str(error)
        for beginning, message in refused.items():
            if "serial" not in item and arn.startswith(beginning):
                problems[arn] = message
    return problems


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"export_problems": export_problems}
