# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS refuses, is late or hands out nonsense: one clear message, every host serves what it served."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest
from e2e.site import NAME, ended_well, records, refused, served
from lab import TABLE, Lab


def test_no_permission_for_each_call_in_turn(site: Lab) -> None:
    site.aws.renew(site.arn, force=True)
    before = served(site)
    for action in (
        "acm:DescribeCertificate",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "acm:ExportCertificate",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "dynamodb:GetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:PutItem",
    ):
        site.aws.deny(action)
        run = site.playbook("certops.acm.renew", {"certificate_arn": site.arn})
        refused(site, run, f"may not call {action}", "(?i)allow")
        assert set(run.sessions.values()) == {0}
        assert served(site) == before
        site.aws.clear_faults()
    # The host inventory fails, and the run goes on without a host: ACM holds what no host serves.
    site.aws.deny("ec2:DescribeInstances")
    run = site.playbook("certops.acm.renew")
    refused(site, run, "no host carries the tag Role=web .*outdated on web1, web2: .*allow ec2:DescribeInstances")
    assert "acm:ExportCertificate" not in run.calls and "Nothing to do" not in run.output
    assert served(site) == before
    site.aws.clear_faults()
    run = ended_well(site.playbook("certops.acm.renew"))
    assert set(served(site).values()) == {site.fingerprint(site.arn)}
    assert {record["fingerprint"] for record in records(site).values() if record["pk"] == site.arn} == {
        site.fingerprint(site.arn)
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
    site.aws.renew(site.arn, force=True)
    site.aws.tamper(site.arn, kind, times=1)
    run = site.playbook("certops.acm.renew", {"certificate_arn": site.arn})
    refused(site, run, phrase)
    assert set(run.sessions.values()) == {0}, "no host was touched"
    assert served(site) == before
    assert {key: record["fingerprint"] for key, record in records(site).items()} == {
        key: record["fingerprint"] for key, record in known.items()
    }


def test_a_secret_scheduled_for_deletion(site: Lab) -> None:
    site.aws.renew(site.arn, force=True)
    before = served(site)
    secrets = site.aws.client("secretsmanager")
    [name] = [s["Name"] for s in secrets.list_secrets()["SecretList"] if site.arn.rpartition("/")[2] in s["Name"]]
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    refused(site, site.playbook("certops.acm.renew", {"certificate_arn": site.arn}), "scheduled for deletion")
    assert served(site) == before
    secrets.restore_secret(SecretId=name)


def test_an_export_that_is_late(site: Lab) -> None:
    """ACM hands out the old certificate for a while after a renewal: wait for the new one."""
    site.aws.renew(site.arn, force=True, stale_calls=2)
    ended_well(site.playbook("certops.acm.renew", {"certificate_arn": site.arn}))
    assert set(served(site).values()) == {site.fingerprint(site.arn)}


def test_two_runs_at_once(site: Lab) -> None:
    site.aws.renew(site.arn, force=True)
    site.aws.reset_counts()
    site.aws.latency("acm:ExportCertificate", 8000)
    command = [site.ansible_playbook, "certops.acm.renew", "-e", f"certificate_arn={site.arn}"]
    environment = site.full_environment
    runs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _run in range(2)
    ]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)
    assert site.aws.counts()["acm:ExportCertificate"] == 1
    assert set(served(site).values()) == {site.fingerprint(site.arn)}
    assert sum("another run is at work, run again" in output or "Nothing to do" in output for output in outputs) == 1


def test_the_lease_of_another_run(site: Lab) -> None:
    """deploy fails, as a person waits for it; renew waits first."""
    before = served(site)
    now = int(time.time())
    lease = {
        "pk": {"S": site.arn},
        "sk": {"S": "lease"},
        "fence": {"N": "1000"},
        "owner": {"S": "somebody else"},
        "acquired_at": {"N": str(now)},
        "ttl": {"N": "3600"},
        "leased_until": {"N": str(now + 3600)},
    }
    site.aws.client("dynamodb").put_item(TableName=TABLE, Item=lease)
    same: dict[str, Any] = {"certificate_options": {"server_names": [NAME]}}
    refused(site, site.deploy(site.arn, "shop", certops_redeploy=True, **same), "somebody else")
    asked = {"certops_redeploy": True, "certificate_arn": site.arn, "certops_lease_wait": 3}
    run = site.playbook("certops.acm.renew", asked)
    refused(site, run, "held by somebody else")
    assert "acm:ExportCertificate" not in run.calls
    assert served(site) == before
    site.aws.client("dynamodb").delete_item(TableName=TABLE, Key={"pk": lease["pk"], "sk": lease["sk"]})
