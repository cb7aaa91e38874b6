# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller's account and a member's: the same tags in both, and nothing of one reaches the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from e2e.site import ended_well
from lab import ROOT, Lab

from awx import Awx, Playbook
from delivery import HUB, MEMBER, Delivery
from standin.accounts import DEFAULT_ACCOUNT, DEFAULT_REGION
from standin.stack_names import Place

OTHER = "444455556666"
ROLE, HOSTS_ROLE = f"arn:aws:iam::{OTHER}:role/certops", f"arn:aws:iam::{OTHER}:role/certops-hosts"
EXTERNAL_ID = "an-external-id-of-the-member"
ACCESS = {"certops_assume_role_arns": {OTHER: ROLE}, "certops_assume_role_external_ids": {OTHER: EXTERNAL_ID}}
ORIGIN = "https://awx.example.com"
NAME = "shop.example.com"


@pytest.fixture
def inventories(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """web1 belongs to the controller's account, web2 to the member's; both are tagged Role=web."""
    lab.terminate("web2")
    lab.make_instances("web2", account=OTHER)
    shipped = yaml.safe_load((ROOT / "inventory" / "aws_ec2.yml").read_text())
    member = lab.write("member.aws_ec2.yml", {**shipped, "assume_role_arn": HOSTS_ROLE})
    lab.aws.control("external_id", role_arn=ROLE, external_id=EXTERNAL_ID)
    every = [*lab.inventories, member]
    monkeypatch.setattr(Lab, "inventories", every)
    return every


@pytest.fixture
def awx(lab: Lab, inventories: list[str]) -> Iterator[Awx]:
    with Awx(Playbook(lambda: lab.full_environment, lab.ansible_playbook)) as made:
        yield made


def served(lab: Lab) -> dict[str, str]:
    return {host: lab.served(host, NAME).fingerprint for host in ("web1", "web2")}


def secrets(lab: Lab, account: str) -> list[str]:
    names = lab.aws.client("secretsmanager", account=account).list_secrets()["SecretList"]
    return [entry["Name"].rpartition("/")[2] for entry in names]


def accounts_of(lab: Lab, service: str) -> set[tuple[str, str]]:
    """Which account was asked about what, since the counts were reset."""
    calls = [call for call in lab.aws.calls() if call["action"].startswith(f"{service}:")]
    return {(call["account"], call["resource"]) for call in calls}


def test_two_accounts_with_the_same_tags(lab: Lab, awx: Awx) -> None:
    mine, theirs = lab.aws.request(NAME), lab.aws.request(NAME, account=OTHER)
    there = ended_well(lab.deploy(theirs, "shop", **ACCESS))
    assert accounts_of(lab, "acm") == {(OTHER, theirs)}
    assert {account for account, _secret in accounts_of(lab, "secretsmanager")} == {OTHER}
    assert {account for account, _table in accounts_of(lab, "dynamodb")} == {DEFAULT_ACCOUNT}
    assert there.sessions["web1"] == 0
    assert served(lab) == {"web1": "", "web2": lab.fingerprint(theirs)}

    here = ended_well(lab.deploy(mine, "shop", **ACCESS))
    assert accounts_of(lab, "acm") == {(DEFAULT_ACCOUNT, mine)} and here.sessions["web2"] == 0
    assert served(lab) == {"web1": lab.fingerprint(mine), "web2": lab.fingerprint(theirs)}

    assert secrets(lab, OTHER) == [theirs.rpartition("/")[2]] and secrets(lab, DEFAULT_ACCOUNT) == [
        mine.rpartition("/")[2]
    ]
    assert lab.aws.client("dynamodb", account=OTHER).list_tables()["TableNames"] == []

    renewed_by_the_members_event(lab, awx, theirs)
    assert served(lab) == {"web1": lab.fingerprint(mine), "web2": lab.fingerprint(theirs)}

    again = ended_well(lab.playbook("certops.acm.renew", ACCESS))
    assert again.changed == 0 and set(again.sessions.values()) == {0}
    assert "acm:ExportCertificate" not in again.calls


def renewed_by_the_members_event(lab: Lab, awx: Awx, arn: str) -> None:
    """Its rule forwards the event to the hub, the hub calls AWX, and the job renews in the member's account."""
    template = awx.template("renew", webhook_service="gitlab", extra_vars=json.dumps(ACCESS))
    door: dict[str, Any] = {
        "Door": "awx_webhook",
        "Endpoint": f"{ORIGIN}/api/v2/job_templates/{template['id']}/gitlab/",
        "Secret": template["webhook_key"],
    }
    lab.aws.control("clear_events")
    hub = Delivery(HUB, {**door, "MemberAccounts": OTHER}, lab.aws, reroute={ORIGIN: awx.url})
    bus = hub.stack.outputs["EventBusArn"]
    place = Place("certops-acm-member", OTHER, DEFAULT_REGION)
    member = Delivery(MEMBER, {"EventBusArn": bus}, lab.aws, place=place, buses={bus: hub})
    lab.aws.renew(arn, force=True)
    lab.aws.reset_counts()
    member.deliver_pending()
    hub.deliver_pending()
    job = awx.jobs.wait(300)[-1]
    assert job.status == "successful", job.output
    assert job.record["artifacts"]["certops_report"]["statuses"] == {"verified": 1}
    assert accounts_of(lab, "acm") == {(OTHER, arn)}
