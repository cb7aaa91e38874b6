# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nastiest events through renew.yml itself: nothing in them is evaluated, and they choose nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from integration.playbook import PlaybookRun, run_playbook
from unit.generated_events import ARNS, RENEWAL

from awx.playbook import unsafe_variables
from standin.accounts import DEFAULT_ACCOUNT
from standin.client import Standin

RENEW = "certops.acm.renew"
# Whoever logs in to it is told so: nothing listens there.
HOST = {"ansible_host": "127.0.0.1", "ansible_port": 1, "certops_account": DEFAULT_ACCOUNT, "ec2_tags": {"Role": "web"}}


@pytest.fixture(scope="module")
def aws() -> Any:
    """ACM holds two certificates; the inventory has a target for the first, ``wanted``."""
    with Standin() as started:
        found: Any = started
        found.wanted, found.stranger = started.request("shop.example.com"), started.request("other.example.com")
        tag = {"account": DEFAULT_ACCOUNT, "tag_key": "Role", "tag_value": "web"}
        target = {"certificate_arn": found.wanted, "certificate_name": "shop", "service": "nginx", **tag}
        made = run_playbook(
            [{"certops.acm.acm_inventory": {"create_table": True, "target": target}}], started.env, keep_going=False
        )
        assert made.returncode == 0, made.output
        yield found


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps({"all": {"hosts": {"web1": HOST}}}))
    return path


def traps(flag: Path) -> list[str]:
    command = "lookup('ansible.builtin.pipe', 'touch " + str(flag) + "')"
    return ["{{ " + command + " }}", "{% if " + command + " %}{% endif %}", "x{{ [" + command + "] | first }}y"]


def hostile(aws: Any, flag: Path) -> list[Any]:
    """Events that must lead to nothing; each names the wanted certificate where it may not count."""
    first, second, third = traps(flag)
    everywhere = {
        first: second,
        "hosts": "all",
        "targets": [{"tag_key": "Role", "tag_value": "web"}],
        "certops_limit": "web1",
        "CommonName": third,
        "DomainName": first,
    }
    stranger = {**RENEWAL, "account": DEFAULT_ACCOUNT, "resources": [aws.stranger, aws.wanted]}
    return [
        {**RENEWAL, "source": first, "detail-type": second, "resources": [aws.wanted]},
        {**RENEWAL, "detail": {"Action": third}, "resources": [aws.wanted]},
        {**RENEWAL, "account": "999999999999", "resources": [aws.wanted]},
        {**RENEWAL, "resources": [first, aws.wanted]},
        {**RENEWAL, "resources": [ARNS[-1], aws.wanted]},
        "{" + first,
        json.dumps({"acm_event": {"detail": first}}),
        {**stranger, "detail": {**RENEWAL["detail"], **everywhere}, **everywhere, "id": first},
        {**RENEWAL, "id": second, "detail": {**RENEWAL["detail"], **everywhere}},
    ]


def nothing_happened(aws: Any, run: PlaybookRun, flag: Path) -> None:
    assert run.returncode == 0, run.output
    assert not flag.exists(), "text in an event is text"
    assert "web1" not in {result.host for result in run.results}
    assert {name.split(":")[1] for name in aws.counts()} <= {"Query"}, aws.counts()


def test_many_in_one_run(aws: Any, hosts: Path, tmp_path: Path) -> None:
    """As variables of a play, where Ansible would evaluate every text that anybody asks for."""
    flag = tmp_path / "evaluated"
    events = hostile(aws, flag)
    plays = [{"ansible.builtin.import_playbook": RENEW, "vars": {"acm_event": event}} for event in events]
    aws.reset_counts()
    run = run_playbook(None, aws.env, plays=plays, inventory=hosts)
    nothing_happened(aws, run, flag)
    said = [result.msg for result in run.results if result.task == "Say why the event is left alone"]
    assert len([reason for reason in said if reason.startswith("Nothing to do: ")]) == len(events) - 2, said
    assert aws.counts() == {"dynamodb:Query": 2}, "two are events, and nobody wants their certificates"


def test_as_awx_hands_it_over(aws: Any, hosts: Path, tmp_path: Path) -> None:
    flag, variables = tmp_path / "evaluated", tmp_path / "variables"
    event = hostile(aws, flag)[-2]
    variables.write_text(unsafe_variables({"awx_webhook_payload": event}))
    aws.reset_counts()
    run = run_playbook(None, aws.env, playbook=RENEW, inventory=hosts, arguments=["-e", f"@{variables}"])
    nothing_happened(aws, run, flag)


def test_as_a_person_hands_it_over_and_the_one_that_counts(aws: Any, hosts: Path, tmp_path: Path) -> None:
    """The same traps in an event for the wanted certificate: it goes out, to the hosts of the inventory."""
    flag = tmp_path / "evaluated"
    event = {**hostile(aws, flag)[-2], "resources": [aws.wanted, aws.stranger]}
    aws.reset_counts()
    run = run_playbook(None, aws.env, playbook=RENEW, inventory=hosts, extra_vars={"acm_event": event})
    assert not flag.exists(), "text in an event is text"
    assert run.returncode != 0 and "web1 (shop): unreachable" in run.output
    assert aws.counts()["acm:ExportCertificate"] == 1, "although no host was reached"
    assert {call["resource"] for call in aws.calls() if call["action"].startswith("acm:")} == {aws.wanted}
