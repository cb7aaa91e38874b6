# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that runs in the process of its task and one that Ansible packs and starts do and say the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from integration.playbook import PlaybookRun, run_playbook
from integration.tally import Tally

from standin.client import Standin

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct-horse-battery-staple-0123456789"
# What Ansible says at -vvv only when it packs a module.
PACKED = "Using module file "


@pytest.fixture
def other_python(tmp_path: Path) -> str:
    """The same interpreter under another name: for Ansible another one."""
    path = Path(sys.executable).with_name("python3")
    assert str(path) != sys.executable
    return str(path)


def play(tasks: list[dict[str, Any]], interpreter: str, **keywords: Any) -> dict[str, Any]:
    named = [{"name": f"task {number}", "ignore_errors": True, **task} for number, task in enumerate(tasks)]
    variables = {"ansible_python_interpreter": interpreter}
    return {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": named, "vars": variables,
            **keywords}  # fmt: skip


def packed(run: PlaybookRun) -> int:
    return run.output.count(PACKED)


def told(run: PlaybookRun) -> list[dict[str, Any]]:
    """What the tasks returned, without what differs from run to run."""
    results = [{**result.result, "outcome": result.outcome} for result in run.results]
    for result in results:
        for name in ("invocation", "encrypted_private_key", "passphrase", "_ansible_no_log"):
            result.pop(name, None)
    return results


def test_every_module_that_talks_to_aws_can_run_here() -> None:
    modules = [path for path in (ROOT / "plugins/modules").glob("*.py") if "AnsibleAWSModule" in path.read_text()]
    assert len(modules) >= 7
    for path in modules:
        assert "Here" in (ROOT / "plugins/action" / path.name).read_text(), path.stem


def test_both_ways_say_the_same(standin: Standin, other_python: str) -> None:
    runs = []
    for interpreter in (sys.executable, other_python):
        standin.reset()
        tally = Tally(standin, "200000000001")
        arn = tally.certificate()
        unknown = arn[:-1] + ("0" if arn[-1] != "0" else "1")
        tasks = [
            tally.task("acm_cert_info", {"certificate_arn": arn}),
            tally.task("acm_cert_info", {"certificate_arn": unknown}),
            tally.task("acm_cert_info", {"statuses": ["no such status"]}),
            tally.task("acm_export_cert", {"certificate_arn": arn, "passphrase": PASSPHRASE}),
            tally.task("acm_export_cert", {"certificate_arn": arn, "passphrase": PASSPHRASE}, check_mode=True),
            tally.task("acm_inventory", {"create_table": True}, check_mode=True, diff=True),
            tally.task("secret_passphrase", {"certificate_arn": arn, "serial": "0a"}),
        ]
        runs.append(run_playbook(None, {}, plays=[play(tasks, interpreter)], arguments=["-vvv"]))
        assert tally.calls()["acm:ExportCertificate"] == 1
    here, elsewhere = (json.loads(json.dumps(told(run)).replace(arn, "ARN")) for run in runs)
    assert [task["outcome"] for task in here] == ["ok", "failed", "failed", "ok", "ok", "ok", "ok"]
    for mine, theirs in zip(here, elsewhere, strict=True):
        # Every certificate of the stand-in is another one.
        assert set(mine) == set(theirs)
        assert (mine["outcome"], mine.get("changed")) == (theirs["outcome"], theirs.get("changed"))
    assert here[2]["msg"] == elsewhere[2]["msg"]
    assert (packed(runs[0]), packed(runs[1])) == (0, 7)


def test_only_what_would_run_here_anyway_does(standin: Standin, other_python: str) -> None:
    tally = Tally(standin)
    task = tally.task("acm_cert_info", {})
    delegated = {**task, "delegate_to": "localhost", "vars": {"ansible_python_interpreter": sys.executable}}
    ways = {
        "this interpreter": (play([task], sys.executable), 0),
        "another interpreter": (play([task], other_python), 1),
        "interpreter to be found": (play([task], "auto"), 1),
        "another user": (play([task], sys.executable, become=True, become_method="ansible.builtin.su"), 1),
        "from another host": ({**play([delegated], "/no/python"), "hosts": "elsewhere"}, 0),
    }
    for way, (one, times) in ways.items():
        run = run_playbook(None, {}, plays=[one], inventory="localhost,elsewhere,", arguments=["-vvv"])
        assert packed(run) == times, f"{way}: {run.output}"


def test_the_environment_of_a_task_ends_with_it(standin: Standin) -> None:
    first, second = Tally(standin), Tally(standin)
    arns = [tally.certificate() for tally in (first, second)]
    tasks = [tally.task("acm_cert_info", {}) for tally in (first, second)]
    alone = {"certops.acm.acm_cert_info": {"region": "eu-west-1"}}
    run = run_playbook([*tasks, alone], {})
    for number, arn in enumerate(arns):
        assert [certificate["certificate_arn"] for certificate in run[number]["certificates"]] == [arn]
    assert run[2].failed
    assert "credentials" in run[2].msg
