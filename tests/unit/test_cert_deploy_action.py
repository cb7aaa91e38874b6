# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of cert_deploy, in real runs of ansible-playbook."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
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
    """Runs one task of ansible-playbook and tells what came of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.log = directory / "log"
        (directory / "connection_plugins").mkdir(parents=True)
        (directory / "connection_plugins" / "recorder.py").write_text(RECORDER)
        (directory / "ansible.cfg").touch()
        self.home.mkdir()
        self.output = ""

    def play(
        self,
        module: str,
        options: Mapping[str, Any],
        *arguments: str,
        variables: Mapping[str, Any] | None = None,
        keywords: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the result of the task; ``unreachable`` and ``failed`` as Ansible says."""
        play = {
            "hosts": "all",
            "gather_facts": False,
            "vars": {
                "ansible_connection": "recorder",
                "ansible_python_interpreter": sys.executable,
                **(variables or {}),
            },
            "tasks": [{"name": "Try", module: dict(options), **(keywords or {})}],
        }
        (self.directory / "play.json").write_text(json.dumps([play]))
        changes = {
            "HOME": str(self.home),
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.home / "local"),
            "ANSIBLE_CONNECTION_PLUGINS": str(self.directory / "connection_plugins"),
            "RECORDER_LOG": str(self.log),
            "RECORDER_SECRET": secret_line(LEAF),
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "host,", "play.json", *arguments]
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**os.environ, **changes, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.output = done.stdout + done.stderr
        assert "host | " in done.stdout, self.output
        start = done.stdout.index("host | ")
        result: dict[str, Any] = json.JSONDecoder().raw_decode(done.stdout, done.stdout.index("{", start))[0]
        words = done.stdout[start:].split("=>")[0]
        return {**result, "unreachable": "UNREACHABLE" in words, "failed": "FAILED" in words}

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
    assert not result["failed"], controller.output
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
        for leaf in (OLD, LEAF):
            result = controller.play(MODULE, options(leaf, tmp_path / "acm", **asked), variables=variables)
            assert not result["failed"], controller.output
            assert (result["status"], host.served()) == ("verified", leaf.fingerprint)
    told = controller.play("ansible.builtin.setup", {"gather_subset": "!all,python"}, variables=variables)
    assert told["ansible_facts"]["ansible_python"]["version"]["minor"] == 9


def test_a_key_store_is_made_on_the_controller(controller: Controller, tmp_path: Path) -> None:
    password = "a-password-of-the-key-store-0123456789"
    asked = options(LEAF, tmp_path / "acm", formats=["pkcs12"], pkcs12_password=password)
    result = controller.play(MODULE, asked, "-vvv", "--diff")
    assert not result["failed"], controller.output
    made = tmp_path / "acm/www/live/bundle.p12"
    assert load_pkcs12(made.read_bytes(), password.encode()).key is not None
    shown = controller.output + "".join(line["data"] + line["what"] for line in controller.kept())
    assert password not in shown, "it stays on the controller"
    assert base64.b64encode(made.read_bytes()).decode() not in controller.output
    assert [line["found"] for line in controller.kept()] == [[], []]
    assert not controller.play(MODULE, asked)["changed"]


def test_pipelining_is_not_turned_on_for_others(controller: Controller, tmp_path: Path) -> None:
    """This is what the recorder would see without our action: the proof that it can see it."""
    controller.play("ansible.builtin.ping", {"data": secret_line(LEAF)})
    whats = [line["what"] for line in controller.kept()]
    assert any(what.startswith("put ") for what in whats)
    assert any(line["found"] for line in controller.kept())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"passphrase": "wrong-passphrase-of-some-length"}, "passphrase does not open"),
        ({"private_key": OLD.encrypted_private_key}, "does not belong to the certificate"),
        ({"chain": authority("rsa").chain}, "chain does not sign"),
        ({"chain": ""}, "chain is missing"),
        ({"private_key": None}, "private_key is missing"),
        ({"certificate": {"not": "a text"}}, "certificate is not a text"),
        ({"server_names": ["other.example.com"]}, "does not cover other.example.com"),
        ({"formats": ["pkcs12"]}, "pkcs12_password is missing"),
        ({"links": [{"path": "/etc/keystore.p12", "part": "pkcs12"}]}, "pkcs12_password is missing"),
    ],
)
def test_a_bad_bundle_is_told_before_the_host_is_contacted(
    controller: Controller, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    far = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=1"}
    result = controller.play(MODULE, options(LEAF, tmp_path / "acm", **changes), variables=far)
    assert result["failed"], controller.output
    assert not result["unreachable"]
    assert result["status"] == "failed"
    assert result["step"] == "check bundle"
    assert reason in result["msg"]
    assert "Traceback" not in controller.output


def test_an_expired_certificate_is_told_before_the_host_is_contacted(controller: Controller, tmp_path: Path) -> None:
    result = controller.play(MODULE, options(authority().leaf(age=300), tmp_path / "acm"))
    assert "expired at" in result["msg"]
    assert controller.kept() == []


def test_a_good_bundle_would_have_been_sent_there(controller: Controller, tmp_path: Path) -> None:
    far = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=1"}
    assert controller.play(MODULE, options(LEAF, tmp_path / "acm"), variables=far)["unreachable"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"environment": {"ANSIBLE_KEEP_REMOTE_FILES": "1"}}, "ANSIBLE_KEEP_REMOTE_FILES"),
        ({"environment": {"ANSIBLE_DEBUG": "1"}}, "ANSIBLE_DEBUG"),
        ({"environment": {"RECORDER_PIPELINES": "no"}}, "the connection recorder cannot pipeline"),
        ({"keywords": {"async": 10, "poll": 1}}, "remove async"),
        ({"keywords": {"become": True, "become_method": "su"}}, "the become method"),
    ],
)
@pytest.mark.parametrize("module", [MODULE, "certops.acm.acm_export_cert", "certops.acm.secret_passphrase"])
def test_it_refuses_to_leave_the_arguments_in_a_file(
    controller: Controller, tmp_path: Path, module: str, changes: dict[str, Any], reason: str
) -> None:
    given = options(LEAF, tmp_path / "acm") if module == MODULE else {"passphrase": secret_line(LEAF)}
    result = controller.play(module, given, **changes)
    assert result["failed"]
    assert reason in result["msg"]
    assert controller.kept() == []
    assert secret_line(LEAF) not in controller.output


@pytest.mark.parametrize("module", ["acm_export_cert", "secret_passphrase"])
def test_modules_of_the_controller_are_pipelined_too(controller: Controller, module: str) -> None:
    pytest.importorskip("ansible_collections.amazon.aws.plugins.module_utils.modules")
    controller.play(f"certops.acm.{module}", {"passphrase": secret_line(LEAF)})
    kept = controller.kept()
    assert [line["what"].split(" ")[0] for line in kept] == ["exec", "done"]
    assert [line["found"] for line in kept] == [[], []]
    assert secret_line(LEAF) not in controller.output


def test_check_mode_needs_no_key(controller: Controller, tmp_path: Path) -> None:
    given = options(LEAF, tmp_path / "acm")
    keyless = {name: value for name, value in given.items() if name not in ("private_key", "passphrase")}
    checked = controller.play(MODULE, keyless, "--check", "--diff")
    assert not checked["failed"], controller.output
    assert not (tmp_path / "acm").exists()
    real = controller.play(MODULE, given, "--diff")
    assert checked["changed"]
    for name in ("changed", "actions", "fingerprint", "status"):
        assert checked[name] == real[name]
    again = controller.play(MODULE, keyless, "--check")
    assert not again["changed"]
    assert not again["failed"]


def test_a_failing_change_is_a_clear_result(host: Host, controller: Controller) -> None:
    host.own_pair(OLD)
    host.start()
    given = options(LEAF, host.root)
    real = host.options(None, handshake_timeout=0.5)
    extra = {name: real[name] for name in ("config_test", "reload_command", "handshake_timeout")}
    extra["listeners"] = [{"port": host.port}]
    result = controller.play(MODULE, {**given, **extra})
    assert result["failed"]
    assert result["status"] == "rolled_back"
    assert result["step"] == "handshake"
    assert result["served_fingerprint"] == OLD.fingerprint == host.served()
    assert "still serves" in result["msg"]
    assert secret_line(LEAF) not in controller.output


@pytest.mark.parametrize("state", ["rolled_back", "absent"])
def test_other_states_send_no_key(controller: Controller, tmp_path: Path, state: str) -> None:
    controller.play(MODULE, options(LEAF, tmp_path / "acm", state=state))
    assert secret_line(LEAF) not in controller.kept()[0]["data"]
    assert PASSPHRASE not in controller.kept()[0]["data"]
