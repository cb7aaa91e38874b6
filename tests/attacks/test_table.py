# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever writes the inventory table: becomes root on no host, reads no file of the controller, and stops no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attacks.site import TABLE, Site
from integration.playbook import PlaybookRun

from ansible_collections.certops.acm.plugins.module_utils import dynamodb
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from standin.accounts import DEFAULT_ACCOUNT

INSTALL = "Install the certificate, prove it by a handshake, or roll back"
KEY = "alias/certops-acm"


def write(site: Site, arn: str, name: str, service: str = "file", **options: Any) -> None:
    """Write a target into the table behind the collection's back."""
    item = Target(arn, name, DEFAULT_ACCOUNT, "Role", "web", service, options).to_item()
    dynamodb.put_item(site.aws.client("dynamodb"), TABLE, item)


def installed(run: PlaybookRun) -> list[str]:
    """The hosts that a certificate was sent to, one for each time."""
    return [result.host for result in run.results if result.task.endswith(INSTALL)]


def hostile_targets(site: Site, ran: Path) -> dict[str, tuple[str, dict[str, Any], str]]:
    root, command = str(site.directory / "acm"), ["touch", str(ran)]
    return {
        "reload": ("file", {"root": root, "reload_command": command}, "reload_command would let"),
        "test": ("file", {"root": root, "config_test": command}, "config_test would let"),
        "text": ("file", {"root": root, "reload_command": f"touch {ran}"}, "reload_command would let"),
        "files": (
            "file",
            {"root": root, "config_files": [{"path": str(ran), "content": "x"}]},
            "config_files would let",
        ),
        "environ": ("nginx", {"site_template": "/proc/self/environ", "site_path": str(ran)}, "site_template"),
        "named": ("nginx", {"site_template": "environ.j2"}, "site_template environ.j2"),
        "cron": ("nginx", {"site_path": "/etc/cron.d/x.conf"}, "site_path /etc/cron.d/x.conf must be"),
        "link": ("file", {"root": root, "links": [{"path": "/etc/passwd", "part": "chain"}]}, "links.path /etc/passwd"),
        "root": ("file", {"root": "/etc"}, "root /etc must end in /acm"),
        "unit": ("file", {"root": root, "unit": "--root=/tmp/x"}, "unit"),
        "role": ("../../evil", {}, "service"),
    }


@pytest.mark.every_core
def test_no_target_becomes_root_or_reads_the_controller(site: Site) -> None:
    """Every way of the table at once; only certificates of one's own are kept from going out."""
    healthy = site.aws.request("api.example.com")
    assert site.deploy(certificate_arn=healthy, certificate_name="api").returncode == 0
    site.aws.renew(healthy, force=True)
    live = site.directory / "acm" / "api" / "live"
    before, ran = live.readlink(), site.directory / "ran"
    hostile = hostile_targets(site, ran)
    for name, (service, options, _says) in hostile.items():
        write(site, site.arn, name, service, **options)
    for name in ("export", "deployment#x", "target#x", "lease", "nonsense"):
        site.item(name, host="x", serial=7)
    run = site.play("renew")
    assert run.returncode != 0, "the run fails at its end"
    for name, (_service, _options, says) in hostile.items():
        assert any(says in line and name in line for line in run.results[-1].msg.split("; ")), f"{name}: {run.output}"
    assert run.results[-1].msg.count("cannot be used") + run.results[-1].msg.count("cannot be read") >= 5
    assert live.readlink() != before, "the other certificate went out as usual"
    assert installed(run) == [site.web]
    assert not ran.exists()
    assert "AWS_SECRET_ACCESS_KEY" not in json.dumps([result.result for result in run.results])
    told = site.play("report")
    assert told.returncode == 0 and "reload_command would let" in told.output and "cannot be used" in told.output


@pytest.mark.parametrize("playbook", ["renew", "rollback"])
def test_a_refused_target_reaches_no_host(site: Site, playbook: str) -> None:
    assert site.deploy().returncode == 0
    before, ran = site.served(), site.directory / "ran"
    site.aws.renew(site.arn, force=True)
    assert site.play("renew").returncode == 0
    later = site.served()
    for command in ("config_test", "reload_command"):
        root = str(site.directory / "acm")
        write(site, site.arn, "shop", "file", root=root, **{command: ["touch", str(ran)]})
        if playbook == "renew":
            site.aws.renew(site.arn, force=True)
        run = site.play(playbook, extra_vars={"certificate_arn": site.arn})
        assert run.returncode != 0
        assert f"{command} would let whoever writes the table become root on hosts" in run.results[-1].msg, run.output
        assert {result.host for result in run.results} == {"localhost"}
        assert not ran.exists()
    assert site.served() == later != before
    if playbook == "renew":
        run = site.play("renew", extra_vars={"certops_allow_commands": True})
        assert run.returncode == 0 and ran.exists(), "a controller that trusts the table may allow it"


def test_deploy_refuses_what_renew_would(site: Site) -> None:
    ran = site.directory / "ran"
    for name, (service, options, says) in hostile_targets(site, ran).items():
        if name in ("role", "named", "cron", "link", "root"):
            continue
        run = site.deploy("--check", certificate_name=name, service=service, certificate_options=options)
        assert run.returncode != 0 and says in run.results[-1].msg, f"{name}: {run.output}"
        assert run.results[-1].task == "Check that it makes a target"
    assert site.items() == []


def test_templates_are_those_of_one_directory(site: Site) -> None:
    """The controller names a directory; nginx itself is not needed to see what a host is asked to write."""
    templates = site.directory / "templates"
    templates.mkdir()
    (templates / "shop.conf.j2").write_text("# of this controller: {{ file_certificate_server_names | join(' ') }}\n")
    (templates / "environ.j2").symlink_to("/proc/self/environ")
    given: dict[str, Any] = {
        "certops_template_directory": str(templates),
        "service": "nginx",
        "certops_allow_commands": True,
    }
    path = site.directory / "shop.conf"
    options: dict[str, Any] = {
        "root": str(site.directory / "acm"),
        "site_path": str(path),
        "site_template": "shop.conf.j2",
        "unit": "",
    }
    options |= {"config_test": ["true"], "reload_command": ["true"], "listeners": []}
    run = site.deploy(certificate_options=options, **given)
    assert run.returncode == 0, run.output
    assert path.read_text() == "# of this controller: shop.example.com\n"
    run = site.deploy(certificate_options={**options, "site_template": "environ.j2"}, **given)
    assert run.returncode != 0 and "site_template environ.j2 is no file of the controller's directory" in run.output
    assert "AWS_" not in path.read_text()


def test_signed_targets(site: Site) -> None:
    """With a signing key a target that somebody else wrote or changed is refused, before any host is contacted."""
    kms = site.aws.client("kms")
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms.create_alias(AliasName=KEY, TargetKeyId=made["KeyId"])
    signed = {"certops_signing_key": KEY}
    deployed = site.deploy(**signed)
    assert deployed.returncode == 0, deployed.output
    site.aws.renew(site.arn, force=True)
    site.aws.reset_counts()
    assert site.play("renew", extra_vars=signed).returncode == 0
    assert "kms:Sign" not in site.aws.counts(), "who renews needs the public key only"
    assert site.aws.counts()["kms:GetPublicKey"] == 2, "once for each look at the table, whatever is in it"
    served = site.served()
    client = site.aws.client("dynamodb")
    (target,) = [one for one in dynamodb.scan(client, TABLE) if one["sk"].startswith("target#")]
    site.aws.renew(site.arn, force=True)
    for changed in ({**target, "options": {**target["options"], "keep_versions": 1}}, {**target, "signature": ""}):
        dynamodb.put_item(client, TABLE, changed)
        run = site.play("renew", extra_vars=signed)
        assert run.returncode != 0 and "its signature does not fit" in run.results[-1].msg, run.output
        assert {result.host for result in run.results} == {"localhost"}
    assert site.served() == served
    again = site.deploy(**signed)
    assert again.returncode == 0, again.output
    assert site.served() != served
    assert site.play("renew", extra_vars=signed).returncode == 0
