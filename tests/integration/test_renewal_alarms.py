# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps ACM from renewing is told by each run and by the report; an account that refuses stops no other."""

from __future__ import annotations

from typing import Any

import pytest
from integration.playbook import PlaybookRun, run_playbook

from standin.accounts import DEFAULT_ACCOUNT
from standin.client import Standin

OTHER = "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/certops"
WAITING = "ACM waits for the validation of shop.example.com"
ACCESS = {"certops_assume_role_arns": {OTHER: ROLE}, "certops_assume_role_external_ids": {OTHER: "the-right-one"}}


def target(arn: str, account: str) -> dict[str, Any]:
    tag = {"account": account, "tag_key": "Role", "tag_value": "web"}
    return {"certificate_arn": arn, "certificate_name": "shop", "service": "nginx", **tag}


@pytest.fixture
def aws(standin: Standin) -> Standin:
    """An inventory that wants a certificate, which was exported, and one of another account, which was not."""
    held: Any = standin
    held.waiting, held.fresh = standin.request("shop.example.com"), standin.request("far.example.com", account=OTHER)
    standin.control("external_id", role_arn=ROLE, external_id="the-right-one")
    serial = standin.certificate(held.waiting)["serial"]
    tasks = [
        {"create_table": True, "target": target(held.waiting, DEFAULT_ACCOUNT)},
        {"target": target(held.fresh, OTHER), "export": {"certificate_arn": held.waiting, "serial": serial}},
    ]
    made = run_playbook([{"certops.acm.acm_inventory": task} for task in tasks], standin.env, keep_going=False)
    assert made.returncode == 0, made.output
    standin.reset_counts()
    return standin


def renew(aws: Standin, **variables: Any) -> PlaybookRun:
    shown = {**aws.env, "ANSIBLE_SHOW_CUSTOM_STATS": "true"}
    return run_playbook(None, shown, playbook="certops.acm.renew", extra_vars=variables)


def failure(run: PlaybookRun) -> str:
    assert run.returncode != 0, run.output
    return run["Fail if anything failed"].msg


def exported(aws: Standin) -> list[str]:
    return [str(call["resource"]) for call in aws.calls() if call["action"] == "acm:ExportCertificate"]


def test_alarms_are_told_and_an_account_that_refuses_stops_no_other(aws: Any) -> None:
    aws.renew(aws.waiting, force=True)
    aws.update(aws.waiting, renewal_status="PENDING_VALIDATION")
    run = renew(aws, **{**ACCESS, "certops_assume_role_external_ids": {OTHER: "a-wrong-one"}})
    assert f"may not assume the role {ROLE}" in failure(run) and "remove its targets" not in failure(run)
    assert WAITING in failure(run) and "create the CNAME records" in failure(run)
    assert exported(aws) == [aws.waiting]

    aws.reset_counts()
    run = renew(aws, **ACCESS, certops_fail_on_alarm=False)
    assert run.returncode == 0, run.output
    assert WAITING in run.stdout.partition("CUSTOM STATS")[2], "in the artifacts of AWX, too"
    assert exported(aws) == [aws.fresh], "ACM renews only what was exported, whether there is a host or not"

    report = run_playbook(None, aws.env, playbook="certops.acm.report", extra_vars=ACCESS)
    assert report.returncode == 0, report.output
    assert WAITING in "".join(report["What needs somebody"]["msg"])
