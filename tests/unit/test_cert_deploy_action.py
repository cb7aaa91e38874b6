# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of cert_deploy, in real runs of ansible-playbook."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from integration.playbook import TaskResult, run_playbook
from unit.certificates import PASSPHRASE, Leaf, authority
from unit.host import Host

LEAF = authority().leaf()
OLD = authority("rsa").leaf(kind="rsa", age=2)

# A connection to this machine that keeps what is sent, and looks for keys in files before and after.
RECORDER = '''
DOCUMENTATION = """
name: recorder
short_description: local, and keeps what is sent
description: For tests.
author: nobody
extends_documentation_fragment: [connection_pipelining]
"""

import json
import os
from pathlib import Path

from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    transport = "recorder"
    has_pipelining = os.environ.get("RECORDER_PIPELINES", "yes") == "yes"

    def _keep(self, what, data=b""):
        home, secret = Path(os.environ["HOME"]), os.environ["RECORDER_SECRET"]
        found = [str(path) for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        line = {"what": what, "data": (data or b"").decode("utf-8", "replace"), "found": found}
        with open(os.environ["RECORDER_LOG"], "a") as log:
            log.write(json.dumps(line) + "\\n")

    def exec_command(self, cmd, in_data=None, sudoable=True):
        self._keep("exec " + cmd, in_data)
        result = super().exec_command(cmd, in_data, sudoable)
        self._keep("done")
        return result

    def put_file(self, in_path, out_path):
        self._keep("put " + out_path, Path(in_path).read_bytes())
        return super().put_file(in_path, out_path)
'''


RECORDED = {"ansible_connection": "recorder", "ansible_python_interpreter": sys.executable}


class Controller:
    """Runs tasks of ansible-playbook and tells what came of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.log = directory / "log"
        (directory / "connection_plugins").mkdir(parents=True)
        (directory / "connection_plugins" / "recorder.py").write_text(RECORDER)
        self.home.mkdir()
        self.output = ""

    def play(
        self, module: str, options: Mapping[str, Any], *arguments: str, variables: Mapping[str, Any] | None = None
    ) -> TaskResult:
        """Return the result of one task."""
        return self.play_all([{module: dict(options)}], *arguments, variables=variables)[0]

    def play_all(
        self,
        tasks: Sequence[Mapping[str, Any]],
        *arguments: str,
        variables: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> list[TaskResult]:
        """Return the result of each task; none keeps those after it from running."""
        play = {
            "hosts": "all",
            "gather_facts": False,
            "ignore_errors": True,
            "ignore_unreachable": True,
            "vars": {**RECORDED, **(variables or {})},
            "tasks": [{"name": f"Try {number}", **task} for number, task in enumerate(tasks)],
        }
        changes = {
            "HOME": str(self.home),
            "ANSIBLE_HOME": str(self.home / "ansible"),
            "ANSIBLE_CONNECTION_PLUGINS": str(self.directory / "connection_plugins"),
            "RECORDER_LOG": str(self.log),
            "RECORDER_SECRET": secret_line(LEAF),
            **(environment or {}),
        }
        run = run_playbook(None, changes, plays=[play], inventory="host,", arguments=arguments)
        self.output = run.output
        assert len(run) == len(tasks), self.output
        assert "Traceback" not in self.output
        return run.results

    def kept(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


def secret_line(leaf: Leaf) -> str:
    """A line of the plain key, long enough to be told apart."""
    return max(leaf.private_key.splitlines()[1:-1], key=len)


def options(leaf: Leaf, root: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "name": "www",
        "root": str(root),
        "certificate": leaf.certificate,
        "chain": leaf.chain,
        "private_key": leaf.encrypted_private_key,
        "passphrase": PASSPHRASE,
    }
    if os.getuid() != 0:
        pytest.skip("the files belong to root by default")
    return {**given, **changes}


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path / "controller")


MODULE = "certops.acm.cert_deploy"


def test_one_exec_carries_the_plain_key_and_no_passphrase(controller: Controller, tmp_path: Path) -> None:
    result = controller.play(MODULE, options(LEAF, tmp_path / "acm"), "-vvv", "--diff")
    assert not result.failed, controller.output
    assert result["status"] == "installed"
    assert (tmp_path / "acm/www/live/privkey.pem").read_text() == LEAF.private_key
    execs = [line for line in controller.kept() if line["what"] != "done"]
    assert len(execs) == 1
    assert execs[0]["what"].startswith("exec ")
    assert LEAF.fingerprint in execs[0]["data"]
    assert secret_line(LEAF) in execs[0]["data"]
    assert PASSPHRASE not in execs[0]["data"]
    assert secret_line(LEAF) not in execs[0]["what"]
    assert [line["found"] for line in controller.kept()] == [[], []]
    assert secret_line(LEAF) not in controller.output
    assert PASSPHRASE not in controller.output


OLDEST_PYTHON = shutil.which("python3.9")


@pytest.mark.skipif(OLDEST_PYTHON is None, reason="no Python 3.9 on PATH, the oldest that hosts may have")
def test_a_host_with_the_oldest_python(controller: Controller, tmp_path: Path) -> None:
    variables = {"ansible_python_interpreter": OLDEST_PYTHON}
    with Host(tmp_path) as host:
        host.own_pair(LEAF)
        host.start()
        served = host.options(**host.managed())
        asked = {name: served[name] for name in ("config_files", "config_test", "reload_command")}
        asked["listeners"] = [{"port": host.port, "server_name": "www.example.com"}]
        tasks = [{MODULE: options(leaf, tmp_path / "acm", **asked)} for leaf in (OLD, LEAF)]
        facts = {"ansible.builtin.setup": {"gather_subset": "!all,python"}}
        first, second, told = controller.play_all([*tasks, facts], variables=variables)
        assert not first.failed and not second.failed, controller.output
        assert (first["status"], second["status"]) == ("verified", "verified")
        assert second["previous_fingerprint"] == OLD.fingerprint
        assert host.served() == LEAF.fingerprint
    assert told["ansible_facts"]["ansible_python"]["version"]["minor"] == 9


def test_a_key_store_is_made_on_the_controller(controller: Controller, tmp_path: Path) -> None:
    password = "a-password-of-the-key-store-0123456789"
    asked = options(LEAF, tmp_path / "acm", formats=["pkcs12"], pkcs12_password=password)
    result, again = controller.play_all([{MODULE: asked}] * 2, "-vvv", "--diff")
    assert not result.failed, controller.output
    assert not again.changed
    made = tmp_path / "acm/www/live/bundle.p12"
    assert load_pkcs12(made.read_bytes(), password.encode()).key is not None
    shown = controller.output + "".join(line["data"] + line["what"] for line in controller.kept())
    assert password not in shown, "it stays on the controller"
    assert base64.b64encode(made.read_bytes()).decode() not in controller.output
    assert [line["found"] for line in controller.kept()] == [[]] * 4


def test_pipelining_is_not_turned_on_for_others(controller: Controller, tmp_path: Path) -> None:
    """This is what the recorder would see without our action: the proof that it can see it."""
    controller.play("ansible.builtin.ping", {"data": secret_line(LEAF)})
    whats = [line["what"] for line in controller.kept()]
    assert any(what.startswith("put ") for what in whats)
    assert any(line["found"] for line in controller.kept())


BAD: list[tuple[dict[str, Any], str]] = [
    ({"passphrase": "wrong-passphrase-of-some-length"}, "passphrase does not open"),
    ({"private_key": OLD.encrypted_private_key}, "does not belong to the certificate"),
    ({"chain": authority("rsa").chain}, "chain does not sign"),
    ({"chain": ""}, "chain is missing"),
    ({"private_key": None}, "private_key is missing"),
    ({"certificate": {"not": "a text"}}, "certificate is not a text"),
    ({"server_names": ["other.example.com"]}, "does not cover other.example.com"),
    ({"formats": ["pkcs12"]}, "pkcs12_password is missing"),
    ({"links": [{"path": "/etc/keystore.p12", "part": "pkcs12"}]}, "pkcs12_password is missing"),
]


def test_a_bad_bundle_is_told_before_the_host_is_contacted(controller: Controller, tmp_path: Path) -> None:
    """At the end a good one, which shows that no host would have answered."""
    far = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=1"}
    expired = options(authority().leaf(age=300), tmp_path / "acm")
    cases = [(options(LEAF, tmp_path / "acm", **changes), reason) for changes, reason in BAD]
    cases += [(expired, "expired at")]
    *refused, good = controller.play_all(
        [{MODULE: asked} for asked, _reason in [*cases, (options(LEAF, tmp_path), "")]], variables=far
    )
    for result, (_asked, reason) in zip(refused, cases, strict=True):
        assert (result.outcome, result["status"], result["step"]) == ("failed", "failed", "check bundle"), result.msg
        assert reason in result.msg
    assert good.outcome == "unreachable"


SECRET_TASKS = [
    {module: {"passphrase": secret_line(LEAF)}}
    for module in ("certops.acm.acm_export_cert", "certops.acm.secret_passphrase")
]


@pytest.mark.parametrize(
    ("changes", "keywords", "reasons"),
    [
        ({"ANSIBLE_KEEP_REMOTE_FILES": "1"}, [{}], ["ANSIBLE_KEEP_REMOTE_FILES"]),
        ({"ANSIBLE_DEBUG": "1"}, [{}], ["ANSIBLE_DEBUG"]),
        ({"RECORDER_PIPELINES": "no"}, [{}], ["the connection recorder cannot pipeline"]),
        (
            {},
            [{"async": 10, "poll": 1}, {"become": True, "become_method": "su"}],
            ["remove async", "the become method"],
        ),
    ],
)
def test_it_refuses_to_leave_the_arguments_in_a_file(
    controller: Controller,
    tmp_path: Path,
    changes: dict[str, str],
    keywords: list[dict[str, Any]],
    reasons: list[str],
) -> None:
    tasks = [{MODULE: options(LEAF, tmp_path / "acm")}, *SECRET_TASKS]
    results = controller.play_all([{**task, **more} for more in keywords for task in tasks], environment=changes)
    told = [reason for reason in reasons for _task in tasks]
    for result, reason in zip(results, told, strict=True):
        assert result.failed
        assert reason in result.msg
    assert controller.kept() == []
    assert secret_line(LEAF) not in controller.output


def test_modules_of_the_controller_are_pipelined_too(controller: Controller) -> None:
    pytest.importorskip("ansible_collections.amazon.aws.plugins.module_utils.modules")
    controller.play_all(SECRET_TASKS)
    kept = controller.kept()
    assert [line["what"].split(" ")[0] for line in kept] == ["exec", "done"] * len(SECRET_TASKS)
    assert not [line for line in kept if line["found"]]
    assert secret_line(LEAF) not in controller.output


def test_check_mode_needs_no_key(controller: Controller, tmp_path: Path) -> None:
    given = options(LEAF, tmp_path / "acm")
    keyless = {name: value for name, value in given.items() if name not in ("private_key", "passphrase")}
    checked = controller.play(MODULE, keyless, "--check", "--diff")
    assert not checked.failed, controller.output
    assert not (tmp_path / "acm").exists()
    real, again = controller.play_all([{MODULE: given}, {MODULE: keyless, "check_mode": True}], "--diff")
    assert checked.changed
    for name in ("changed", "actions", "fingerprint", "status"):
        assert checked[name] == real[name]
    assert not again.changed
    assert not again.failed


def test_a_failing_change_is_a_clear_result(host: Host, controller: Controller) -> None:
    host.own_pair(OLD)
    host.start()
    given = options(LEAF, host.root)
    real = host.options(None, handshake_timeout=0.5)
    extra = {name: real[name] for name in ("config_test", "reload_command", "handshake_timeout")}
    extra["listeners"] = [{"port": host.port}]
    result = controller.play(MODULE, {**given, **extra})
    assert result.failed
    assert result["status"] == "rolled_back"
    assert result["step"] == "handshake"
    assert result["served_fingerprint"] == OLD.fingerprint == host.served()
    assert "still serves" in result.msg
    assert secret_line(LEAF) not in controller.output


def test_other_states_send_no_key(controller: Controller, tmp_path: Path) -> None:
    given = options(LEAF, tmp_path / "acm")
    controller.play_all([{MODULE: {**given, "state": state}} for state in ("rolled_back", "absent")])
    sent = [line["data"] for line in controller.kept() if line["what"] != "done"]
    assert len(sent) == 2 and all(sent)
    assert not [data for data in sent if secret_line(LEAF) in data or PASSPHRASE in data]
