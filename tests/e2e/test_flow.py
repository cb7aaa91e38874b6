# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on real hosts: deploy, renew, repeat; counted, and judged from outside by openssl."""

from __future__ import annotations

import pytest
import yaml
from e2e.site import NAME, WEB, changed_on, ended_well, must_serve, records
from lab import ROOT, Lab

from standin.accounts import DEFAULT_ACCOUNT

FIRST = {
    "acm:DescribeCertificate": 1,
    "acm:ExportCertificate": 1,
    "dynamodb:GetItem": 2,  # target and export, before they are written under the lease
    "dynamodb:Query": 2,  # before and under the lease
    "dynamodb:TransactWriteItems": 4,  # target, export, one for each wave
    "dynamodb:UpdateItem": 2,  # the lease, had and given back
    "ec2:DescribeInstances": 1,
    "secretsmanager:CreateSecret": 1,
    "secretsmanager:GetSecretValue": 1,
    "secretsmanager:PutSecretValue": 1,
}
RENEWAL = {
    "acm:DescribeCertificate": 1,
    "acm:ExportCertificate": 1,
    "dynamodb:GetItem": 1,  # export
    "dynamodb:Query": 2,
    "dynamodb:TransactWriteItems": 3,  # export, one for each wave
    "dynamodb:UpdateItem": 2,
    "ec2:DescribeInstances": 1,
    "secretsmanager:DescribeSecret": 1,
    "secretsmanager:GetSecretValue": 1,
    "secretsmanager:ListSecretVersionIds": 1,
    "secretsmanager:PutSecretValue": 1,
}
REPEATED_RENEWAL = {
    "acm:DescribeCertificate": 1,
    "dynamodb:Scan": 1,  # every certificate
    "ec2:DescribeInstances": 1,
}
REPEATED_DEPLOY = {
    "acm:DescribeCertificate": 1,
    "dynamodb:Query": 1,
    "ec2:DescribeInstances": 1,
}


def renewal_event(lab: Lab) -> dict[str, object]:
    return [event for event in lab.aws.events() if event["detail"].get("Action") == "RENEWAL"][-1]


@pytest.mark.every_core
def test_deploy_renew_repeat(lab: Lab) -> None:
    assert ended_well(lab.playbook("certops.acm.setup_aws")).changed == 0, "there is an inventory already"
    arn = lab.aws.request("shop.example.com", key_algorithm="EC_prime256v1")
    first = ended_well(lab.deploy(arn, "shop"))
    must_serve(lab, arn)
    assert dict(first.calls) == FIRST
    assert {host: first.sessions[host] for host in (*WEB, "db1")} == {"web1": 1, "web2": 1, "db1": 0}

    old = lab.fingerprint(arn)
    lab.aws.renew(arn)
    assert lab.fingerprint(arn) != old
    renewal = ended_well(lab.playbook("certops.acm.renew", {"acm_event": renewal_event(lab)}))
    must_serve(lab, arn)
    assert dict(renewal.calls) == RENEWAL
    assert {host: renewal.sessions[host] for host in (*WEB, "db1")} == {"web1": 1, "web2": 1, "db1": 0}
    assert old[:16] in renewal.output and lab.fingerprint(arn)[:16] in renewal.output

    repeats = ((lab.playbook("certops.acm.renew"), REPEATED_RENEWAL), (lab.deploy(arn, "shop"), REPEATED_DEPLOY))
    for again, calls in repeats:
        ended_well(again)
        assert again.changed == 0, again.output
        assert set(again.sessions.values()) == {0}
        assert dict(again.calls) == calls


def test_a_host_that_joins_later_gets_it_alone(lab: Lab, arn: str) -> None:
    ended_well(lab.deploy(arn, "shop", certops_limit="web1_*"))
    assert lab.served("web2", "shop.example.com").fingerprint == ""
    joined = ended_well(lab.playbook("certops.acm.renew", {"certops_limit": "all"}))
    assert {host: joined.sessions[host] for host in WEB} == {"web1": 0, "web2": 1}
    must_serve(lab, arn)


def test_hosts_of_one_name_and_one_that_is_made_anew(lab: Lab, arn: str) -> None:
    """As in an Auto Scaling group: each is a host of its own, and the new one does not count as the former."""
    for host in WEB:
        lab.terminate(host)
    lab.make_instances(*WEB, called="shop-asg")
    ended_well(lab.deploy(arn, "shop"))
    must_serve(lab, arn)

    lab.terminate("web2")
    lab.forget("web2")
    assert lab.served("web2", NAME).fingerprint == ""
    lab.make_instances("web2", called="shop-asg")
    run = ended_well(lab.playbook("certops.acm.renew"))
    assert {host: run.sessions[host] for host in WEB} == {"web1": 0, "web2": 1}
    must_serve(lab, arn)
    assert f"shop-asg_{lab.instances['web2']}" in run.printed


def test_a_host_outside_ec2_takes_part(lab: Lab, arn: str) -> None:
    """web2 is one now, by the variables of the shipped example: only host name, address and account are others."""
    lab.terminate("web2")
    example = yaml.safe_load((ROOT / "inventory" / "onpremises.example.yml").read_text())
    [variables] = example["all"]["hosts"].values()
    assert variables["certops_account"] == "111122223333"
    variables |= {"certops_account": DEFAULT_ACCOUNT, "ansible_host": lab.fleet.hosts["web2"].address}
    ours = lab.write("onpremises.yml", {"all": {"hosts": {"rack7": variables}}})
    run = ended_well(lab.deploy(arn, "shop", *(f"--inventory={path}" for path in [*lab.inventories, ours])))
    must_serve(lab, arn)
    assert {host: run.sessions[host] for host in WEB} == {"web1": 1, "web2": 1}
    assert {lab.own_names(record["host"]) for record in records(lab).values()} == {"web1", "rack7"}


def test_the_role_alone_exports_once_for_all_batches(lab: Lab, arn: str) -> None:
    play = lab.write(
        "play.yml",
        [
            {
                "hosts": ",".join(f"{host}_*" for host in WEB),
                "gather_facts": False,
                "serial": 1,
                "vars": {"certificate_arn": arn, "certificate_name": "shop"},
                "roles": ["certops.acm.nginx_certificate"],
            }
        ],
    )
    run = ended_well(lab.playbook(play))
    must_serve(lab, arn)
    assert run.calls["acm:ExportCertificate"] == 1
    assert run.calls["acm:DescribeCertificate"] == 1
    assert {host: run.sessions[host] for host in WEB} == {"web1": 1, "web2": 1}
    again = ended_well(lab.playbook(play))
    assert changed_on(again, *WEB) == 0


def test_a_passphrase_that_is_kept_nowhere(lab: Lab, arn: str) -> None:
    run = ended_well(lab.deploy(arn, "shop", certops_passphrase_store="none"))
    must_serve(lab, arn)
    assert not [call for call in run.calls if call.startswith("secretsmanager:")]
