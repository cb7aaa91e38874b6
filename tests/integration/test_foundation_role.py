# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role aws_foundation through ansible-playbook, on the side of a member."""

from __future__ import annotations

from integration.playbook import run_playbook

from standin.client import Standin

OTHER = "444455556666"
GIVEN = {
    "aws_foundation_controller_arn": "arn:aws:iam::123456789012:role/awx",
    "aws_foundation_external_id": "an-external-id",
    "aws_foundation_domain_names": ["example.com", "*.example.com"],
}


def test_a_members_roles_are_made_once(standin: Standin) -> None:
    env = standin.env_for(OTHER)
    task = "certops.acm.aws_foundation : Create the stack"
    first, again = (
        run_playbook(None, env, playbook="certops.acm.setup_account", extra_vars=GIVEN) for _time in range(2)
    )
    assert first.returncode == again.returncode == 0, first.output + again.output
    assert (first[task].changed, again[task].changed) == (True, False)
    shown = again["certops.acm.aws_foundation : Show what was made"]["aws_foundation_outputs"]
    assert shown["RoleArn"] == f"arn:aws:iam::{OTHER}:role/certops"
    assert shown["HostsRoleArn"] == f"arn:aws:iam::{OTHER}:role/certops-hosts"
    stored = standin.control("stack", stack_name="certops-acm-access", account=OTHER)["parameters"]
    assert stored["DomainNames"] == "example.com,*.example.com"
