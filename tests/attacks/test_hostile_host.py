# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root user of a host may answer anything, and reaches no other host, no other certificate, no controller."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attacks.canary import Canary
from attacks.hostile_python import hostile_python
from attacks.site import Site
from integration.playbook import PlaybookRun, run_playbook

from standin.accounts import DEFAULT_ACCOUNT

pytestmark = pytest.mark.every_core

SECRET = "of-the-controller-3b7f"
TAGS = {"certops_account": DEFAULT_ACCOUNT, "ec2_tags": {"Role": "web"}}


def two_hosts(site: Site, answer: dict[str, Any]) -> Any:
    """A host inventory with an honest host, and one that gives an answer."""
    evil = {**TAGS, "ansible_python_interpreter": str(hostile_python(site.directory / "evil", answer))}
    honest = {**TAGS, "ansible_python_interpreter": site.here["ansible_python_interpreter"]}
    # The evil one goes first.
    return site.write("hosts.yml", {"all": {"hosts": {"a-evil": evil, "honest": honest}}})


def play(site: Site, playbook: str, inventory: Any, **variables: Any) -> PlaybookRun:
    """Play it with each host's own interpreter."""
    here = {name: value for name, value in site.here.items() if name != "ansible_python_interpreter"}
    wanted = {
        "certificate_arn": site.arn,
        "certificate_name": "shop",
        "target_tag_key": "Role",
        "target_tag_value": "web",
        "target_account": DEFAULT_ACCOUNT,
        "service": "file",
        "certificate_options": {"root": str(site.directory / "acm")},
    }
    given = {**here, **(wanted if playbook == "deploy" else {}), **variables}
    return run_playbook(None, site.aws.env, playbook=f"certops.acm.{playbook}", inventory=inventory, extra_vars=given)


def recorded(site: Site) -> dict[str, dict[str, Any]]:
    return {item["host"]["S"]: item for item in site.items() if "host" in item}


def test_an_answer_changes_nothing_but_its_own_record(site: Site, trap: Canary) -> None:
    """Ansible acts on keys of a result: hosts are added, variables set, handlers told, whichever module said so."""
    serial, text = "0" * 32, trap.both("answer")
    answer = {
        "changed": True,
        "status": "verified",
        "msg": text,
        "fingerprint": text,
        "served": [text],
        "add_host": {
            "host_name": "honest",
            "groups": ["certops_wave_2"],
            "host_vars": {"ansible_python_interpreter": "/nonexistent", "certops_host_attempts": [text]},
        },
        "ansible_facts": {
            "certops_host_attempts": [{"host": "honest", "status": "failed", "serial": serial}],
            "certops_table": "another-table",
            "certops_inventory_table": "another-table",
            "certops_message": {"queue_url": "http://127.0.0.1:1/", "receipt_handle": text},
            "ansible_connection": "ssh",
        },
        "ansible_stats": {"data": {"certops_report": text}, "per_host": False, "aggregate": False},
        "_ansible_notify": [text],
        "warnings": [text],
        "exception": text,
    }
    run = play(site, "deploy", two_hosts(site, answer), certops_waves=["50%", "100%"])
    records = recorded(site)
    assert set(records) == {"a-evil", "honest"}, run.output
    assert records["honest"]["status"]["S"] == "installed", "it went out to the host that is honest, as planned"
    assert site.served() == records["honest"]["fingerprint"]["S"]
    assert not [result for result in run.results if "another-table" in json.dumps(result.result)]
    assert records["a-evil"]["fingerprint"]["S"] == site.served(), "of itself it can say what it likes"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": {"not": "text"}},
        {"status": "absent"},
        {"changed": False},
        {"failed": True, "status": ["failed"], "served_fingerprint": {"a": 1}, "msg": {"b": [2]}},
    ],
    ids=["mapping", "unknown", "empty", "failed"],
)
def test_nonsense_is_a_failure_of_that_host(site: Site, answer: dict[str, Any]) -> None:
    run = play(site, "deploy", two_hosts(site, answer), certops_waves=["100%"])
    records = recorded(site)
    assert run.returncode != 0
    assert {host: record["status"]["S"] for host, record in records.items()} == {
        "a-evil": "failed",
        "honest": "installed",
    }, run.output


@pytest.mark.parametrize("service", ["nginx", "apache", "file"])
def test_facts_choose_no_certificate_and_no_file_of_the_controller(site: Site, service: str) -> None:
    """In a user's own play, with facts gathered: each fact is a variable, and wins over a role's defaults."""
    other = site.aws.request("other.example.com")
    options = {"site_template": "/proc/self/environ", "config_files": [{"path": "/tmp/x", "content": "x"}]}
    facts = {
        f"{service}_certificate_site_template": "/proc/self/environ",
        "certificate_options": options,
        "file_certificate_arn": other,
        "certificate_arn": other,
        "export_certificates": [{"certificate_arn": other}],
        "certops_assume_role_arns": {DEFAULT_ACCOUNT: "arn:aws:iam::999999999999:role/x"},
    }
    python = hostile_python(site.directory / "evil", {"ansible_facts": facts, "changed": False})
    host = {"ansible_connection": "local", "ansible_python_interpreter": str(python), "certificate_arn": site.arn}
    inventory = site.write("hosts.yml", {"all": {"hosts": {"evil": host}}})
    role = {"name": f"certops.acm.{service}_certificate"}
    plays = [{"hosts": "evil", "gather_facts": True, "tasks": [{"ansible.builtin.include_role": role}]}]
    site.aws.reset_counts()
    run = run_playbook(None, {**site.aws.env, "CANARY": SECRET}, plays=plays, inventory=inventory)
    assert run.returncode != 0
    assert "facts that are called like variables of this collection" in run.output, run.output
    assert SECRET not in json.dumps([result.result for result in run.results])
    assert "acm:ExportCertificate" not in site.aws.counts()
