# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Template text in everything that somebody else writes: none of it is evaluated on the controller, on any core."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attacks.canary import Canary, canary
from attacks.site import Site
from integration.playbook import run_playbook
from unit.generated_events import RENEWAL, SAMPLES

from awx.playbook import unsafe_variables
from standin.accounts import DEFAULT_ACCOUNT

pytestmark = pytest.mark.every_core


def renewal(site: Site, trap: Canary) -> dict[str, Any]:
    """A genuine event of the certificate, but for template text in every field that does not have to be genuine."""
    genuine = {"source": RENEWAL["source"], "detail-type": RENEWAL["detail-type"]}
    detail = {**trap.fill(RENEWAL["detail"], "detail"), "Action": "RENEWAL"}
    filled = trap.fill(RENEWAL, "event")
    more = {"id": trap.both("id"), "time": trap.both("time"), "version": trap.both("version")}
    return {**filled, **genuine, **more, "detail": detail, "resources": [site.arn, trap.both("resource")]} | {
        "account": DEFAULT_ACCOUNT,
        "region": "eu-west-1",
    }


def test_the_traps_work() -> None:
    """A canary that cannot sing proves nothing: what is evaluated is noticed."""
    with canary() as made:
        tasks = [
            {"ansible.builtin.debug": {"msg": made.text("python")}},
            {"ansible.builtin.debug": {"msg": made.text("lookup")}},
        ]
        run_playbook(tasks, {})
        assert "lookup" in made.ran()


def test_an_event_of_a_deployed_certificate(site: Site, trap: Canary) -> None:
    """As an extra variable from a file, as the rulebook's JSON text, and as AWX's webhook; a renewal comes of it."""
    assert site.deploy().returncode == 0
    first = site.served()
    event = renewal(site, trap)
    as_file = site.write("event.json", {"acm_event": event})
    as_text = site.write("text.json", {"acm_event": json.dumps(event)})
    as_awx = site.directory / "awx.yml"
    variables = {"awx_webhook_payload": {**event, "time": RENEWAL["time"]}, "awx_webhook_event_guid": trap.both("guid")}
    as_awx.write_text(unsafe_variables(variables), encoding="utf-8")
    for number, given in enumerate((as_file, as_text, as_awx)):
        site.aws.renew(site.arn, force=True)
        before = site.served()
        if number == 0:
            tried = site.play("renew", "--check", "-e", f"@{given}")
            assert tried.returncode == 0, tried.output
            assert site.served() == before
        done = site.play("renew", "-e", f"@{given}", *(["-vvvv"] if number == 0 else []))
        assert done.returncode == 0, done.output
        assert site.served() not in ("", first, before)


def test_events_that_are_left_alone(site: Site, trap: Canary) -> None:
    """Each sample of AWS's with template text in all of its fields, and things that are no event at all."""
    hostile: list[Any] = [trap.fill(event, f"sample {number}") for number, event in enumerate(SAMPLES)]
    hostile += [{**event, "source": "aws.acm", "detail": trap.fill({}, "detail")} for event in hostile[:3]]
    hostile += [trap.both("bare"), [trap.both("list")], {"acm_event": trap.both("wrapped")}]
    hostile += [{"__ansible_vault": trap.both("vault")}, {"detail": {"__ansible_vault": "x"}}]
    hostile += [{"__ansible_unsafe": trap.both("unsafe")}, json.dumps(hostile[0])]
    plays = [
        {"ansible.builtin.import_playbook": "certops.acm.renew", "vars": {"acm_event": event}} for event in hostile
    ]
    run = run_playbook(None, site.aws.env, plays=plays)
    assert run.returncode == 0, run.output
    said = [result.msg for result in run.results if result.task == "Say why the event is left alone"]
    assert len(said) == len(plays)
    assert not [text for text in said if "{" in text], "nor is it handed on"
    for event in hostile[-7:]:
        given = site.write("event.json", {"acm_event": event})
        run = site.play("renew", "-e", f"@{given}")
        assert run.returncode == 0, run.output


def test_tags_and_names_of_instances(site: Site, trap: Canary) -> None:
    """Whoever may tag any instance of an account gets nowhere, with every playbook, and other hosts are renewed."""
    tags = {f"t{number}": trap.text(f"value of tag {number}") for number in range(4)}
    site.instance(Name="other", Role="db", **tags, **{trap.text("key of a tag"): trap.text("under a key")})
    site.instance(Name=trap.text("Name of one that is not meant"), Role="db")
    tagged = site.instance(Name="tagged", Role="web", Note=trap.text("a tag of one that is meant"))
    assert site.deploy("--check").returncode == 0
    deployed = site.deploy()
    assert deployed.returncode == 0, deployed.output
    assert {result.host for result in deployed.results} == {"localhost", site.web, tagged}
    site.instance(Name=trap.text("Name"), Role="web")
    site.instance(Name="x " + trap.text("second Name"), Role="web")
    site.aws.renew(site.arn, force=True)
    before = site.served()
    renewed = site.play("renew")
    assert renewed.returncode != 0, "two hosts are left alone"
    assert renewed.output.count("is left alone: its name holds template marks") >= 2
    assert site.served() not in ("", before), "and the others are renewed"
    for playbook, variables in (
        ("report", {}),
        ("rollback", {"certificate_arn": site.arn}),
        ("forget", {"certops_unlisted": True}),
    ):
        assert site.play(playbook, extra_vars=variables).returncode == 0, playbook


def test_variables_of_hosts_outside_ec2(site: Site, trap: Canary) -> None:
    """From a file of the host inventory: values are data, and what is no account or no tags is told."""
    variables = {
        "certops_account": trap.both("certops_account"),
        "ec2_owner_id": trap.both("ec2_owner_id"),
        "ec2_tags": {"Role": "web", trap.text("key"): trap.both("tag")},
        "note": trap.both("note"),
    }
    hosts = {
        "rack1": {"certops_account": DEFAULT_ACCOUNT, "ec2_tags": {"Role": "web"}},
        "rack2": variables,
        "rack3": {"certops_account": DEFAULT_ACCOUNT, "ec2_tags": trap.both("ec2_tags")},
        "rack4": {"certops_account": DEFAULT_ACCOUNT, "ec2_tags": {"Role": "web"}, "note": trap.both("note of rack4")},
        trap.both("name of a host"): {"certops_account": DEFAULT_ACCOUNT, "ec2_tags": {"Role": "db"}},
    }
    inventory = site.write("hosts.yml", {"all": {"hosts": hosts, "vars": {"everywhere": trap.both("group")}}})
    run = site.deploy(inventory=inventory)
    assert run.returncode == 0, run.output
    assert {result.host for result in run.results} == {"localhost", "rack1", "rack4"}
    for name in ("certops_account of rack2", "ec2_tags of rack3"):
        variable, _of, host = name.split(" ")
        assert f"{host}: {variable} holds a template, which is not evaluated" in run.output


ODD_NAMES = (
    "web one",
    "web,two",
    "!web3",
    "&web4",
    "~web5",
    "web[1:3]",
    "web*6",
    "web/7",
    "@web8",
    "-web9",
    "web:10",
    "wéb",
    "all",
    "localhost",
    "web 'q' \"d\" \\ $(id) `id`",
    "% web",
    "web}} {web",
    " web ",
)


def test_any_name_that_aws_allows(site: Site) -> None:
    """Ansible takes names with commas, spaces and some signs for patterns."""
    names = {site.web, *(site.instance(Name=name, Role="web") for name in ODD_NAMES)}
    run = site.deploy()
    assert run.returncode == 0, run.output
    recorded = {item["host"]["S"]: item["status"]["S"] for item in site.items() if "host" in item}
    assert len(recorded) == len(names), recorded
    assert set(recorded.values()) == {"installed"}
    assert {name.rpartition("_")[2] for name in recorded} == {name.rpartition("_")[2] for name in names}


def test_records_of_the_table(site: Site, trap: Canary) -> None:
    """Whoever may write the table: every field of every kind of record, read by every playbook."""
    assert site.deploy().returncode == 0
    host = site.web
    kinds = {
        "target#": {"certificate_name": "", "account": "", "tag_key": "", "tag_value": "", "service": ""},
        "deployment#": {
            "certificate_name": "", "host": "", "account": "", "service": "", "status": "", "serial": "", "error": "",
            "fingerprint": "", "not_after": "", "previous_fingerprint": "", "held_serial": "", "at": "", "run_id": "",
        },
        "export": {"serial": "", "fingerprint": "", "not_after": "", "exported_at": ""},
        "lease": {"owner": "", "leased_until": 1, "acquired_at": 1, "ttl": 1, "fence": 1, "request_id": ""},
    }  # fmt: skip
    for kind, fields in kinds.items():
        filled = trap.fill(fields, kind)
        site.item(kind + trap.both(f"sort key of {kind}") if kind.endswith("#") else kind, **filled)
    site.item(
        f"deployment#{host}#file#other",
        certificate_name="other", host=host, account=DEFAULT_ACCOUNT, service="file", status="failed",
        serial="0a", error=trap.both("error"), run_id=trap.both("run"), at="2026-11-28T00:00:00Z",
    )  # fmt: skip
    site.item(
        f"target#{DEFAULT_ACCOUNT}#Role=web#file#third",
        certificate_name="third", account=DEFAULT_ACCOUNT, tag_key="Role", tag_value="web", service="file",
        options=trap.fill({"root": "", "owner": "", "server_names": [""], "unit": ""}, "options"),
    )  # fmt: skip
    site.aws.renew(site.arn, force=True)
    for playbook, variables in (
        ("report", {}),
        ("renew", {}),
        ("rollback", {"certificate_arn": site.arn}),
        ("forget", {"certops_unlisted": True}),
        ("doctor", {"certops_door": "sqs"}),
    ):
        run = site.play(playbook, extra_vars=variables)
        assert "Traceback" not in run.output and "unhandled" not in run.output.lower(), run.output
    assert site.play("renew", "--check").returncode != 0, "what is wrong with the records is told"


def test_what_acm_says_of_a_certificate(site: Site, trap: Canary) -> None:
    """Names and reasons come from whoever made the certificate."""
    assert site.deploy().returncode == 0
    names = ["shop.example.com", trap.text("a name"), "shop.example.com; } server { listen 444;"]
    site.aws.update(site.arn, names=names, renewal_reason=trap.both("reason of the renewal"))
    before = site.served()
    site.aws.renew(site.arn, force=True)
    for playbook in ("renew", "report"):
        run = site.play(playbook)
        assert "Traceback" not in run.output, run.output
        assert playbook == "report" or "which is not a DNS name" in run.output, run.output
    assert site.served() == before, "it is refused before a host is touched"


def test_options_of_a_target(site: Site, trap: Canary) -> None:
    """A form that somebody else fills in: refused where it cannot be meant, and evaluated never."""
    options = {"owner": "", "group": "", "unit": "", "server_names": [""], "links": [{"path": "", "part": ""}]}
    for name, value in options.items():
        filled = {"certificate_options": {"root": str(site.directory / "acm"), name: trap.fill(value, name)}}
        given = site.directory / "options.yml"
        given.write_text(unsafe_variables(filled), encoding="utf-8")
        run = site.deploy("-e", f"@{given}", certificate_options=None)
        assert run.returncode != 0, f"{name}: {run.output}"


def test_what_a_server_prints(site: Site, trap: Canary) -> None:
    """The output of a configuration test ends in messages, records and reports."""
    printed = site.directory / "printed"
    printed.write_text(trap.both("output of a command"), encoding="utf-8")
    options = {"root": str(site.directory / "acm"), "config_test": ["sh", "-c", f"cat {printed}; exit 1"]}
    failed = site.deploy(certificate_options=options, certops_allow_commands=True)
    assert failed.returncode != 0
    assert "lookup" in failed.output, "it is shown"
    for playbook in ("report", "renew"):
        site.play(playbook, extra_vars={"certops_allow_commands": True})
