# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role export by itself, as roles of others call it: what it refuses, and that nothing is left that costs."""

from __future__ import annotations

import sys
from typing import Any

from integration.playbook import run_playbook
from integration.tally import assert_clear
from unit.certificates import make_root

from standin.client import Standin

NO_ARN = "is not the ARN of an ACM certificate: expected arn:aws:acm:<region>:<account>:certificate/<id>"


def play(hosts: str, tasks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    variables = {"ansible_python_interpreter": sys.executable}
    return {"hosts": hosts, "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks, **more}


def role(name: str, **variables: Any) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": f"certops.acm.{name}"}, "vars": variables}


def refused(case: str, task: dict[str, Any]) -> dict[str, Any]:
    said = {"name": case, "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
    return {"block": [task], "rescue": [said]}


def imported(acm: Any) -> str:
    leaf = make_root().leaf()
    return str(acm.import_certificate(Certificate=leaf.certificate, PrivateKey=leaf.private_key)["CertificateArn"])


def test_what_cannot_be_exported_is_told_before_a_secret_is_made(standin: Standin, acm: Any, secrets: Any) -> None:
    good, pending = standin.request("good.example.com"), standin.request("pending.example.com", issue=False)
    disabled = standin.request("disabled.example.com", export=False)
    cases: dict[str, tuple[Any, ...]] = {
        "no ARN": (role("nginx_certificate"), f"'' {NO_ARN}"),
        "not an ARN": (role("nginx_certificate", certificate_arn="shop"), f"'shop' {NO_ARN}"),
        "a serial for what is not an ARN": (
            role("export", export_certificates=[{"certificate_arn": "shop", "serial": "0a"}]),
            f"'shop' {NO_ARN}",
        ),
        "pending": (role("export", certificate_arn=pending), "is not issued yet"),
        "not exportable": (role("export", certificate_arn=disabled), "was requested with Export=DISABLED"),
        "imported": (role("export", certificate_arn=imported(acm)), "was imported"),
        "two that cannot be had, and one that can": (
            role("export", export_certificates=[{"certificate_arn": arn} for arn in (pending, good, "shop")]),
            "is not issued yet",
            f"; 'shop' {NO_ARN}",
        ),
    }
    standin.reset_counts()
    tasks = [refused(case, task) for case, (task, *_said) in cases.items()]
    kept = {"name": "kept", "ansible.builtin.debug": {"msg": "{{ export_bundles | list }}"}}
    run = run_playbook(None, standin.env, plays=[play("localhost", [*tasks, kept])])
    assert run.returncode == 0, run.output
    for case, (_task, *said) in cases.items():
        assert_clear(run[case].msg, *said)
    failed = [result.task for result in run.results if result.failed]
    assert failed == ["certops.acm.export : Say which certificates could not be exported"] * len(cases)
    assert run["kept"]["msg"] == [good], "one that cannot be had keeps no other from being exported"
    assert [secret["Name"].rsplit("/", 1)[1] for secret in secrets.list_secrets()["SecretList"]] == [good[-36:]]
    assert standin.counts()["acm:ExportCertificate"] == 1


def test_certificates_of_several_accounts_are_asked_for_where_they_are(standin: Standin) -> None:
    other, third = "444455556666", "777788889999"
    mine, theirs = standin.request("mine.example.com"), standin.request("theirs.example.com", account=other)
    gone = f"{theirs[:-4]}0000"
    nowhere = standin.request("nowhere.example.com", account=third)
    refusing = f"arn:aws:iam::{third}:role/certops"
    standin.deny("sts:AssumeRole", resource=refusing)
    wanted = [{"certificate_arn": arn} for arn in (gone, nowhere, theirs, mine)]
    roles = {other: f"arn:aws:iam::{other}:role/certops", third: refusing}
    task = refused("said", role("export", export_certificates=wanted, export_assume_role_arns=roles))
    kept = {"name": "kept", "ansible.builtin.debug": {"msg": "{{ export_bundles | list }}"}}
    run = run_playbook(None, standin.env, plays=[play("localhost", [task, kept])])
    assert run.returncode == 0, run.output
    assert_clear(run["said"].msg, f"no certificate {gone} in this account", f"may not assume the role {refusing}")
    assert set(run["kept"]["msg"]) == {theirs, mine}


def test_a_strategy_that_would_export_once_for_each_host(standin: Standin, secrets: Any) -> None:
    alone, shared = standin.request("alone.example.com"), standin.request("shared.example.com")
    run = run_playbook(
        None,
        standin.env,
        inventory="web1,web2,",
        plays=[
            play("web1", [role("export", certificate_arn=alone)], strategy="host_pinned"),
            play("all", [role("export", certificate_arn=shared)], strategy="free"),
        ],
    )
    assert run.returncode != 0, run.output
    # The first host that fails a task with run_once ends the play for the others, which may have got there, too.
    assert {result.msg for result in run.results if result.failed} == {
        "strategy free would export a certificate once for each host: use strategy linear for this play"
    }
    assert [secret["Name"].rsplit("/", 1)[1] for secret in secrets.list_secrets()["SecretList"]] == [alone[-36:]]
    assert standin.counts()["acm:ExportCertificate"] == 1
