# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host cannot take the certificate or cannot be reached: the others can, and the next run takes it alone."""

from __future__ import annotations

import pytest
from e2e.site import NAME, WEB, ended_well, records, refused, served
from lab import TABLE, Lab

pytestmark = pytest.mark.hosts("bare", "full")


def test_a_host_without_nginx(site: Lab) -> None:
    run = site.deploy(site.arn, "shop", target_tag_value="bare")
    refused(site, run, "bare .*nginx is not installed")
    forget(site, "bare")


def test_a_full_disk(site: Lab) -> None:
    site.fleet.exec("full", ["sh", "-c", "dd if=/dev/zero of=/etc/ssl/acm/filler bs=1k 2>/dev/null; true"])
    run = site.deploy(site.arn, "shop", target_tag_value="full")
    refused(site, run, "full .*no space is left")
    left = site.fleet.exec("full", ["find", "/etc/ssl/acm", "-name", "*.pem"]).stdout
    assert left == "", "nothing half written is left"
    site.fleet.exec("full", ["rm", "/etc/ssl/acm/filler"])
    run = ended_well(site.playbook("certops.acm.renew", {"certificate_arn": site.arn}))
    assert {host: run.sessions[host] for host in (*WEB, "full")} == {"web1": 0, "web2": 0, "full": 1}
    assert site.served("full", NAME).fingerprint == site.fingerprint(site.arn)
    forget(site, "full")


def forget(site: Lab, tag_value: str) -> None:
    """Remove a target and its deployments."""
    table = site.aws.client("dynamodb")
    for item in table.scan(TableName=TABLE)["Items"]:
        key = site.own_names(item["sk"]["S"])
        if f"={tag_value}#" in key or f"#{tag_value}#" in key:
            table.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    remaining = [site.own_names(item["sk"]["S"]) for item in table.scan(TableName=TABLE)["Items"]]
    assert not [key for key in remaining if f"={tag_value}#" in key or f"#{tag_value}#" in key]


def test_a_configuration_that_was_broken_before(site: Lab) -> None:
    site.aws.renew(site.arn, force=True)
    before = served(site)
    for host in WEB:
        site.fleet.exec(host, ["sh", "-c", "echo broken > /etc/nginx/conf.d/zz.conf"])
    run = site.playbook("certops.acm.renew", {"certificate_arn": site.arn})
    refused(site, run, "web1 .*already broken", "not touched.*web2")
    assert served(site) == before
    assert run.sessions["web2"] == 0, "the rollout stopped at the first wave"
    for host in WEB:
        site.fleet.exec(host, ["rm", "/etc/nginx/conf.d/zz.conf"])
    run = ended_well(site.playbook("certops.acm.renew"))
    assert set(served(site).values()) == {site.fingerprint(site.arn)}


def test_a_host_that_cannot_be_reached(site: Lab) -> None:
    """It keeps nobody waiting, the run fails, the report names it, and the next run takes it alone."""
    site.aws.renew(site.arn, force=True)
    old = served(site)["web1"]
    site.fleet.kill("web1")
    run = site.playbook("certops.acm.renew", {"certificate_arn": site.arn})
    refused(site, run, "web1 .*unreachable")
    report = site.playbook("certops.acm.report").output
    assert "unreachable (outdated)" in report and f"shop ({site.arn}) is outdated on web1: run" in report
    assert site.served("web2", NAME).fingerprint == site.fingerprint(site.arn)
    [record] = [
        record
        for record in records(site).values()
        if site.own_names(record["host"]) == "web1" and record["pk"] == site.arn
    ]
    assert (record["status"], record["fingerprint"]) == ("unreachable", old)
    site.fleet.start("web1")
    assert site.served("web1", NAME).fingerprint == old, "it came back with what it had"
    run = ended_well(site.playbook("certops.acm.renew", {"certificate_arn": site.arn}))
    assert {host: run.sessions[host] for host in WEB} == {"web1": 1, "web2": 0}
    assert set(served(site).values()) == {site.fingerprint(site.arn)}
    assert "outdated" not in site.playbook("certops.acm.report").output


def test_an_instance_that_is_gone(site: Lab) -> None:
    """It fails no run as long as others of its target are there, is named until it is forgotten, and then no more."""
    gone = site.names["web2"]
    site.terminate("web2")
    site.aws.renew(site.arn, force=True)
    for _run in range(2):
        run = ended_well(site.playbook("certops.acm.renew"))
        assert f"is outdated on {gone}, which the host inventory does not list" in run.output
    assert f"shop ({site.arn}) is outdated on {gone}: run" in site.playbook("certops.acm.report").output
    refused(site, site.playbook("certops.acm.forget", {"certops_hosts": f"{gone},web22"}), "not recorded: web22")
    empty = site.playbook("certops.acm.forget", {"certops_unlisted": True}, f"--inventory={site.directory}/login.yml")
    refused(site, empty, "lists none of the hosts that are recorded for arn:")
    assert gone in ended_well(site.playbook("certops.acm.forget", {"certops_unlisted": True})).output
    assert gone not in ended_well(site.playbook("certops.acm.renew")).output
    assert "outdated" not in site.playbook("certops.acm.report").output
