# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that every AWS module of this collection has beside those of amazon.aws."""

from __future__ import annotations


class ModuleDocFragment:
    """The role of another account."""

    DOCUMENTATION = r"""
options:
  assume_role_arn:
    description:
      - ARN of an IAM role to work with, for example in another account.
      - The credentials of the task only need C(sts:AssumeRole) on this role.
      - The session is named C(certops-acm).
    type: str
  assume_role_external_id:
    description:
      - External ID that the trust policy of the role O(assume_role_arn) asks for.
    type: str
"""

    ATTRIBUTES = r"""
attributes:
  action_group:
    description: Use C(group/certops.acm.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - certops.acm.aws
  check_mode:
    description: Can run in C(check_mode) and report what would change without changing it.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when in diff mode.
"""
