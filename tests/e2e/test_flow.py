# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on real hosts: deploy, renew, repeat; counted, and judged from outside by openssl."""

from __future__ import annotations

import pytest
from lab import Lab, Run

WEB = ("web1", "web2")
FIRST = {
    "acm:DescribeCertificate": 1,
    "acm:ExportCertificate": 1,
    "dynamodb:BatchWriteItem": 2,  # one for each wave
    "dynamodb:DeleteItem": 1,  # the lease
    "dynamodb:PutItem": 3,  # target, lease, export
    "dynamodb:Query": 2,  # before and under the lease
    "ec2:DescribeInstances": 1,
    "secretsmanager:CreateSecret": 1,
    "secretsmanager:GetSecretValue": 1,
    "secretsmanager:PutSecretValue": 1,
}


def renewal_event(lab: Lab) -> dict[str, object]:
    return [event for event in lab.aws.events() if event["detail"].get("Action") == "RENEWAL"][-1]


def must_serve(lab: Lab, arn: str, name: str = "shop.example.com") -> None:
    for host in WEB:
        served = lab.served(host, name)
        assert served.verified, served.text
        assert served.fingerprint == lab.fingerprint(arn)


def ended_well(run: Run) -> Run:
    assert run.returncode == 0, run.output
    assert "Traceback" not in run.output
    return run


@pytest.mark.every_core
def test_deploy_renew_repeat(lab: Lab) -> None:
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
    assert renewal.calls["acm:ExportCertificate"] == 1
    assert sum(renewal.calls.values()) <= sum(FIRST.values()) + 1
    assert {host: renewal.sessions[host] for host in (*WEB, "db1")} == {"web1": 1, "web2": 1, "db1": 0}
    assert old[:16] in renewal.output and lab.fingerprint(arn)[:16] in renewal.output

    for again in (lab.playbook("certops.acm.renew"), lab.deploy(arn, "shop")):
        ended_well(again)
        assert again.changed == 0, again.output
        assert set(again.sessions.values()) == {0}
        assert "acm:ExportCertificate" not in again.calls
        assert sum(again.calls.values()) <= 4


def test_two_certificates_side_by_side(lab: Lab, arn: str) -> None:
    other = lab.aws.request("api.example.com", key_algorithm="EC_secp384r1")
    ended_well(lab.deploy(arn, "shop"))
    ended_well(lab.deploy(other, "api"))
    lab.aws.renew(arn)
    lab.aws.renew(other)
    both = ended_well(lab.playbook("certops.acm.renew"))
    assert both.calls["acm:ExportCertificate"] == 2
    must_serve(lab, arn)
    must_serve(lab, other, "api.example.com")


def test_check_mode_tells_the_truth_and_changes_nothing(lab: Lab, arn: str) -> None:
    ended_well(lab.deploy(arn, "shop"))
    old = lab.fingerprint(arn)
    lab.aws.renew(arn)
    tree = lab.fleet.exec("web1", ["find", "/etc/ssl/acm", "/etc/nginx", "-printf", "%p %T@ %l\n"]).stdout
    checked = ended_well(lab.playbook("certops.acm.renew", {}, "--check", "--diff"))
    assert "acm:ExportCertificate" not in checked.calls
    assert not [call for call in checked.calls if call.split(":")[1].startswith(("Put", "Batch", "Update", "Create"))]
    assert old in checked.output and lab.fingerprint(arn) in checked.output, "the diff names both fingerprints"
    assert lab.fleet.exec("web1", ["find", "/etc/ssl/acm", "/etc/nginx", "-printf", "%p %T@ %l\n"]).stdout == tree
    assert lab.served("web1", "shop.example.com").fingerprint == old
    done = ended_well(lab.playbook("certops.acm.renew"))
    assert done.changed >= checked.changed > 0


def test_a_certificate_is_taken_back_and_stays_back(lab: Lab, arn: str) -> None:
    ended_well(lab.deploy(arn, "shop"))
    first = lab.fingerprint(arn)
    lab.aws.renew(arn)
    ended_well(lab.playbook("certops.acm.renew"))
    second = lab.fingerprint(arn)

    back = ended_well(lab.playbook("certops.acm.rollback", {"certificate_arn": arn, "certops_limit": "web1"}))
    assert [lab.served(host, "shop.example.com").fingerprint for host in WEB] == [first, second]
    assert {host: back.sessions[host] for host in WEB} == {"web1": 1, "web2": 0}
    assert not [call for call in back.calls if call.startswith(("acm:", "secretsmanager:"))]
    again = ended_well(lab.playbook("certops.acm.rollback", {"certificate_arn": arn, "certops_limit": "web1"}))
    assert (again.changed, set(again.sessions.values())) == (0, {0})

    # The schedule leaves it so, and says it; the report shows it.
    scheduled = ended_well(lab.playbook("certops.acm.renew"))
    assert set(scheduled.sessions.values()) == {0}
    assert "web1 was rolled back from serial" in scheduled.output
    assert "verified (held)" in lab.playbook("certops.acm.report").output

    lab.aws.renew(arn)
    ended_well(lab.playbook("certops.acm.renew"))
    must_serve(lab, arn)
    assert "held" not in lab.playbook("certops.acm.report").output


def test_a_host_that_serves_something_else_is_found_when_it_is_asked(lab: Lab, arn: str) -> None:
    ended_well(lab.deploy(arn, "shop"))
    old = lab.fingerprint(arn)
    lab.aws.renew(arn)
    ended_well(lab.playbook("certops.acm.renew"))
    behind_our_back = f"cd /etc/ssl/acm/shop && ln -sfn versions/{old} live && systemctl restart nginx"
    lab.fleet.exec("web1", ["sh", "-c", behind_our_back])
    assert lab.served("web1", "shop.example.com").fingerprint == old

    believed = ended_well(lab.playbook("certops.acm.renew"))
    assert set(believed.sessions.values()) == {0}
    asked = ended_well(lab.playbook("certops.acm.renew", {"certops_redeploy": True}))
    must_serve(lab, arn)
    assert [re_changed(asked, (host,)) for host in WEB] == [1, 0]


def test_a_host_that_joins_later_gets_it_alone(lab: Lab, arn: str) -> None:
    ended_well(lab.deploy(arn, "shop", certops_limit="web1"))
    assert lab.served("web2", "shop.example.com").fingerprint == ""
    joined = ended_well(lab.playbook("certops.acm.renew"))
    assert {host: joined.sessions[host] for host in WEB} == {"web1": 0, "web2": 1}
    must_serve(lab, arn)


def test_the_role_alone_exports_once_for_all_batches(lab: Lab, arn: str) -> None:
    play = lab.write(
        "play.yml",
        [
            {
                "hosts": ",".join(WEB),
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
    assert re_changed(again, WEB) == 0


def test_a_passphrase_that_is_kept_nowhere(lab: Lab, arn: str) -> None:
    run = ended_well(lab.deploy(arn, "shop", certops_passphrase_store="none"))
    must_serve(lab, arn)
    assert not [call for call in run.calls if call.startswith("secretsmanager:")]


def re_changed(run: Run, hosts: tuple[str, ...]) -> int:
    """Changed tasks that are not the controller's: the role exports again, hosts stay as they are."""
    lines = [line for line in run.output.splitlines() if line.startswith("changed: [")]
    return sum(any(line == f"changed: [{host}]" for host in hosts) for line in lines)
