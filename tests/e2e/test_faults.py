# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input and faults: one clear message, every host serves what it served, no record is lost."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from lab import Lab, Run

NAME = "shop.example.com"
WEB = ("web1", "web2")


@pytest.fixture(scope="module")
def site(fleet: Lab) -> Lab:
    """shop.example.com, deployed to web1 and web2; its ARN is in ``fleet.arn``."""
    fleet.fresh()
    fleet.arn = fleet.aws.request(NAME)  # type: ignore[attr-defined]
    run = fleet.deploy(arn_of(fleet), "shop", certificate_options={"server_names": [NAME]})
    assert run.returncode == 0, run.output
    return fleet


@pytest.fixture(autouse=True)
def no_faults_left(fleet: Lab) -> Any:
    yield
    fleet.aws.clear_faults()


def arn_of(site: Lab) -> str:
    return str(site.arn)  # type: ignore[attr-defined]


def served(site: Lab) -> dict[str, str]:
    return {host: site.served(host, NAME).fingerprint for host in WEB}


def records(site: Lab) -> dict[str, dict[str, Any]]:
    """Deployments as the table holds them, by key; without what only says when."""
    items = site.aws.client("dynamodb").scan(TableName="certops-acm-inventory")["Items"]
    found = {}
    for item in items:
        plain = {name: next(iter(value.values())) for name, value in item.items()}
        if plain["sk"].startswith("deployment#"):
            found[plain["pk"] + plain["sk"]] = plain
    return found


def refused(site: Lab, run: Run, *phrases: str) -> str:
    """The run failed with one clear message that holds the phrases; the message."""
    assert run.returncode != 0, run.output
    assert "Traceback" not in run.output, run.output
    assert "MODULE FAILURE" not in run.output, run.output
    failed = re.findall(r"^(?:fatal|failed): \[localhost\].*? => (\{.*\})$", run.output, re.MULTILINE)
    messages = [json.loads(result)["msg"] for result in failed]
    assert messages, run.output
    for phrase in phrases:
        assert re.search(phrase, messages[-1]), f"{phrase!r} is not in: {messages[-1]}"
    return str(messages[-1])


def expired_one(lab: Lab) -> str:
    arn = lab.aws.request(NAME)
    lab.aws.expire(arn)
    return arn


CERTIFICATES: dict[str, tuple[Callable[[Lab], str], str]] = {
    "unknown": (lambda lab: arn_of(lab)[:-4] + "0000", "no certificate|does not hold"),
    "not an ARN": (lambda lab: "shop", "is not the ARN of an ACM certificate"),
    "pending": (lambda lab: lab.aws.request(NAME, issue=False), "validation"),
    "not exportable": (lambda lab: lab.aws.request(NAME, export=False), "(?i)export"),
    "too old": (
        lambda lab: lab.aws.request(NAME, export=False, created_at="2025-06-01T00:00:00Z"),
        "2025-06-17",
    ),
    "made by ACME": (lambda lab: lab.aws.request(NAME, key_pair_origin="ACME"), "ACME"),
    "expired": (expired_one, "(?i)expired"),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_certificate_that_cannot_be_deployed(site: Lab, case: str) -> None:
    make, phrase = CERTIFICATES[case]
    before, known = served(site), records(site)
    run = site.deploy(make(site), "shop")
    refused(site, run, phrase)
    assert set(run.sessions.values()) == {0}, "no host was touched"
    assert (served(site), records(site)) == (before, known)


@pytest.mark.parametrize(
    ("variables", "phrase"),
    [
        ({"target_tag_value": ""}, "target_tag_value is missing"),
        ({"target_tag_value": "nobody"}, "no host carries the tag Role=nobody"),
        ({"target_account": "999999999999"}, "no host carries the tag Role=web in account 999999999999"),
        ({"service": "gopher"}, "service"),
        ({"certificate_name": "../etc"}, "certificate_name"),
        ({"certops_waves": ["0%"]}, "wave"),
        ({"certops_inventory_table": "nowhere"}, "nowhere.*(create_table|setup_aws)"),
    ],
)
def test_a_request_that_makes_no_sense(site: Lab, variables: dict[str, Any], phrase: str) -> None:
    before, known = served(site), records(site)
    run = site.deploy(arn_of(site), variables.pop("certificate_name", "shop"), certops_redeploy=True, **variables)
    refused(site, run, phrase)
    assert (served(site), records(site)) == (before, known)


def test_the_certificate_of_another_region(site: Lab) -> None:
    """The ARN says where it lives; AWS_REGION need not."""
    arn = site.aws.request("us.example.com", region="us-east-1")
    run = site.deploy(arn, "us")
    assert run.returncode == 0, run.output
    assert site.served("web1", "us.example.com").fingerprint == site.fingerprint(arn)


def test_no_permission_for_each_call_in_turn(site: Lab) -> None:
    site.aws.renew(arn_of(site), force=True)
    before = served(site)
    for action in (
        "acm:DescribeCertificate",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "acm:ExportCertificate",
        "dynamodb:Query",
        "dynamodb:PutItem",
    ):
        site.aws.deny(action)
        run = site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)})
        refused(site, run, f"may not call {action}", "(?i)allow")
        assert set(run.sessions.values()) == {0}
        assert served(site) == before
        site.aws.clear_faults()
    for action in ("dynamodb:BatchWriteItem", "dynamodb:DeleteItem"):
        site.aws.deny(action)
        refused(site, site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)}), action)
        site.aws.clear_faults()
    # A lease that could not be given back ends by itself; here nobody waits for that.
    site.aws.client("dynamodb").delete_item(
        TableName="certops-acm-inventory", Key={"pk": {"S": arn_of(site)}, "sk": {"S": "lease"}}
    )
    run = site.playbook("certops.acm.renew")
    assert run.returncode == 0, run.output
    assert set(served(site).values()) == {site.fingerprint(arn_of(site))}
    assert {record["fingerprint"] for record in records(site).values() if record["pk"] == arn_of(site)} == {
        site.fingerprint(arn_of(site))
    }


@pytest.mark.parametrize(
    ("kind", "phrase"),
    [
        ("drop_chain", "(?i)chain"),
        ("other_chain", "(?i)chain"),
        ("other_key", "(?i)key"),
        ("garbage_certificate", "(?i)certificate"),
    ],
)
def test_a_bundle_that_does_not_fit(site: Lab, kind: str, phrase: str) -> None:
    before, known = served(site), records(site)
    site.aws.renew(arn_of(site), force=True)
    site.aws.tamper(arn_of(site), kind, times=1)
    run = site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)})
    refused(site, run, phrase)
    assert set(run.sessions.values()) == {0}, "no host was touched"
    assert served(site) == before
    assert {key: record["fingerprint"] for key, record in records(site).items()} == {
        key: record["fingerprint"] for key, record in known.items()
    }


def test_a_secret_scheduled_for_deletion(site: Lab) -> None:
    site.aws.renew(arn_of(site), force=True)
    before = served(site)
    secrets = site.aws.client("secretsmanager")
    [name] = [s["Name"] for s in secrets.list_secrets()["SecretList"] if arn_of(site).rpartition("/")[2] in s["Name"]]
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    refused(site, site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)}), "scheduled for deletion")
    assert served(site) == before
    secrets.restore_secret(SecretId=name)


def test_an_export_that_is_late(site: Lab) -> None:
    """ACM hands out the old certificate for a while after a renewal: wait for the new one."""
    site.aws.renew(arn_of(site), force=True, stale_calls=2)
    run = site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)})
    assert run.returncode == 0, run.output
    assert set(served(site).values()) == {site.fingerprint(arn_of(site))}


def test_a_host_without_nginx(site: Lab) -> None:
    run = site.deploy(arn_of(site), "shop", target_tag_value="bare")
    refused(site, run, "bare .*nginx is not installed")
    forget(site, "bare")


def test_a_full_disk(site: Lab) -> None:
    site.fleet.exec("full", ["sh", "-c", "dd if=/dev/zero of=/etc/ssl/acm/filler bs=1k 2>/dev/null; true"])
    run = site.deploy(arn_of(site), "shop", target_tag_value="full")
    refused(site, run, "full .*no space is left")
    left = site.fleet.exec("full", ["find", "/etc/ssl/acm", "-name", "*.pem"]).stdout
    assert left == "", "nothing half written is left"
    site.fleet.exec("full", ["rm", "/etc/ssl/acm/filler"])
    run = site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)})
    assert run.returncode == 0, run.output
    assert {host: run.sessions[host] for host in (*WEB, "full")} == {"web1": 0, "web2": 0, "full": 1}
    assert site.served("full", NAME).fingerprint == site.fingerprint(arn_of(site))
    forget(site, "full")


def forget(site: Lab, tag_value: str) -> None:
    """Remove a target and its deployments."""
    table = site.aws.client("dynamodb")
    for item in table.scan(TableName="certops-acm-inventory")["Items"]:
        if f"={tag_value}#" in item["sk"]["S"] or f"#{tag_value}#" in item["sk"]["S"]:
            table.delete_item(TableName="certops-acm-inventory", Key={"pk": item["pk"], "sk": item["sk"]})
    remaining = [item["sk"]["S"] for item in table.scan(TableName="certops-acm-inventory")["Items"]]
    assert not [key for key in remaining if f"={tag_value}#" in key]


def test_a_configuration_that_was_broken_before(site: Lab) -> None:
    site.aws.renew(arn_of(site), force=True)
    before = served(site)
    for host in WEB:
        site.fleet.exec(host, ["sh", "-c", "echo broken > /etc/nginx/conf.d/zz.conf"])
    run = site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)})
    refused(site, run, "web1 .*already broken", "not touched.*web2")
    assert served(site) == before
    assert run.sessions["web2"] == 0, "the rollout stopped at the first wave"
    for host in WEB:
        site.fleet.exec(host, ["rm", "/etc/nginx/conf.d/zz.conf"])
    run = site.playbook("certops.acm.renew")
    assert run.returncode == 0, run.output
    assert set(served(site).values()) == {site.fingerprint(arn_of(site))}


def test_a_host_that_cannot_be_reached(site: Lab) -> None:
    """It keeps nobody waiting, the run fails, and the next one takes it alone."""
    site.aws.renew(arn_of(site), force=True)
    old = served(site)["web1"]
    site.fleet.kill("web1")
    run = site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)})
    refused(site, run, "web1 .*unreachable")
    assert site.served("web2", NAME).fingerprint == site.fingerprint(arn_of(site))
    [record] = [
        record for record in records(site).values() if record["host"] == "web1" and record["pk"] == arn_of(site)
    ]
    assert (record["status"], record["fingerprint"]) == ("unreachable", old)
    site.fleet.start("web1")
    assert site.served("web1", NAME).fingerprint == old, "it came back with what it had"
    run = site.playbook("certops.acm.renew", {"certificate_arn": arn_of(site)})
    assert run.returncode == 0, run.output
    assert {host: run.sessions[host] for host in WEB} == {"web1": 1, "web2": 0}
    assert set(served(site).values()) == {site.fingerprint(arn_of(site))}


def test_two_runs_at_once(site: Lab) -> None:
    site.aws.renew(arn_of(site), force=True)
    site.aws.reset_counts()
    site.aws.latency("acm:ExportCertificate", 8000)
    command = [site.ansible_playbook, "certops.acm.renew", "-e", f"certificate_arn={arn_of(site)}"]
    environment = site.full_environment
    runs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _run in range(2)
    ]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
    assert site.aws.counts()["acm:ExportCertificate"] == 1
    assert set(served(site).values()) == {site.fingerprint(arn_of(site))}
    assert sum("another run is at work, run again" in output or "Nothing to do" in output for output in outputs) == 1


def test_the_lease_of_another_run(site: Lab) -> None:
    """deploy fails, as a person waits for it; renew leaves the certificate to the other run."""
    before = served(site)
    lease = {
        "pk": {"S": arn_of(site)},
        "sk": {"S": "lease"},
        "owner": {"S": "somebody else"},
        "acquired_at": {"N": "1790000000"},
        "expires_at": {"N": "4102444800"},
    }
    site.aws.client("dynamodb").put_item(TableName="certops-acm-inventory", Item=lease)
    run = site.deploy(arn_of(site), "shop", certops_redeploy=True)
    refused(site, run, "somebody else")
    run = site.playbook("certops.acm.renew", {"certops_redeploy": True, "certificate_arn": arn_of(site)})
    assert run.returncode == 0 and "somebody else" in run.output, run.output
    assert "acm:ExportCertificate" not in run.calls
    assert served(site) == before
    site.aws.client("dynamodb").delete_item(
        TableName="certops-acm-inventory", Key={"pk": lease["pk"], "sk": lease["sk"]}
    )


def test_a_certificate_nobody_deployed(site: Lab) -> None:
    arn = site.aws.request("new.example.com")
    refused(site, site.playbook("certops.acm.renew", {"certificate_arn": arn}), "no target is recorded")
    event = [event for event in site.aws.events() if event["resources"] == [arn]][-1]
    run = site.playbook("certops.acm.renew", {"acm_event": event})
    assert run.returncode == 0, "an event for a certificate of somebody else is no failure"
