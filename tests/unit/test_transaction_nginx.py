# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The install transaction on the real nginx, if there is one; openssl is the judge."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.certificates import Leaf, authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None or os.getuid() != 0, reason="needs nginx and root")

OLD = authority().leaf(["www.example.com"], age=2)
NEW = authority("rsa").leaf(["www.example.com", "api.example.com"], "rsa", age=1)
MAIN = """
worker_processes 2;
pid {etc}/nginx.pid;
error_log {etc}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; include {etc}/conf.d/*.conf; }}
"""


class NginxHost(Host):
    """nginx with a prefix of its own, which serves whatever is in ``conf.d``."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (self.etc / "conf.d").mkdir()
        self.config = self.etc / "nginx.conf"
        self.config.write_text(MAIN.format(etc=self.etc))
        self.command = [str(NGINX), "-p", str(self.etc), "-c", str(self.config)]

    def start(self) -> None:
        subprocess.run(self.command, check=True, capture_output=True)

    def stop(self) -> None:
        pid = self.etc / "nginx.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)  # its own command refuses while the configuration is broken
            for _unused in range(100):
                if not pid.exists():
                    return
                time.sleep(0.05)

    def server_block(self, directory: str = "{live}") -> dict[str, str]:
        content = (
            f"server {{ listen 127.0.0.1:{self.port} ssl; server_name www.example.com api.example.com;\n"
            f"  ssl_certificate {directory}/fullchain.pem; ssl_certificate_key {directory}/privkey.pem; }}\n"
        )
        return {"path": str(self.etc / "conf.d" / "www.conf"), "content": content, "mode": "0644"}

    def options(self, leaf: Leaf | None = None, **changes: Any) -> dict[str, Any]:
        given = {
            "config_files": [self.server_block()],
            "config_test": [*self.command, "-t"],
            "reload_command": [*self.command, "-s", "reload"],
            "handshake_timeout": 5.0,
        }
        return super().options(leaf, **{**given, **changes})

    def judged(self, name: str = "www.example.com") -> str | None:
        """Return the fingerprint that openssl sees, after it verified chain and name."""
        root = self.etc / "roots.pem"
        root.write_text(authority().root + authority("rsa").root)
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", name, "-showcerts"]
        shown = subprocess.run(
            [*command, "-CAfile", str(root), "-verify_return_error", "-verify_hostname", name],
            input="",
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode:
            return None
        read = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
        line = subprocess.run(read, input=shown.stdout, check=True, capture_output=True, text=True).stdout
        return line.strip().split("=")[1].replace(":", "").lower()


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[NginxHost]:
    with NginxHost(tmp_path) as made:
        made.start()
        yield made


def test_install_renew_go_back_and_away(nginx: NginxHost) -> None:
    assert nginx.deploy(OLD).to_result()["status"] == "verified"
    assert nginx.judged() == OLD.fingerprint
    result = nginx.deploy(NEW).to_result()
    assert (result["status"], result["previous_fingerprint"]) == ("verified", OLD.fingerprint)
    assert nginx.judged("api.example.com") == NEW.fingerprint
    assert not nginx.deploy(NEW).plan.changed
    nginx.transaction(nginx.options(state="rolled_back")).run()
    assert nginx.judged() == OLD.fingerprint
    nginx.transaction(nginx.options(state="absent", config_files=[])).run()
    assert not list((nginx.etc / "conf.d").iterdir())
    assert not (nginx.root / "www").exists()
    subprocess.run([*nginx.command, "-t"], check=True, capture_output=True)


@pytest.mark.parametrize("content", ["server { listen nonsense; }", "server { listen 127.0.0.1:1 ssl; }", "}"])
def test_what_nginx_refuses_is_rolled_back(nginx: NginxHost, content: str) -> None:
    nginx.deploy(OLD)
    before = nginx.snapshot()
    second = {"path": str(nginx.etc / "conf.d" / "zz.conf"), "content": content, "mode": "0644"}
    with pytest.raises(RolledBack, match="configuration test of nginx failed"):
        nginx.deploy(NEW, config_files=[nginx.server_block(), second])
    noise = ("error.log", "roots.pem")
    after = {path: text for path, text in nginx.snapshot().items() if not path.endswith(noise)}
    assert after == {path: text for path, text in before.items() if not path.endswith(noise)}
    assert not Path(second["path"]).exists()
    assert nginx.judged() == OLD.fingerprint


def test_another_server_block_that_answers_first_is_found(nginx: NginxHost) -> None:
    """nginx takes the change, but serves the certificate of an older block: only a handshake shows it."""
    nginx.deploy(OLD, name="other")
    second = nginx.server_block()
    second["path"] = str(nginx.etc / "conf.d" / "zz.conf")
    with pytest.raises(RolledBack, match="still serves"):
        nginx.deploy(NEW, config_files=[second], handshake_timeout=0.6)
    assert nginx.judged() == OLD.fingerprint


def test_a_configuration_that_is_broken_already_is_not_touched(nginx: NginxHost) -> None:
    (nginx.etc / "conf.d" / "aa.conf").write_text("nonsense;")
    before = nginx.snapshot()
    with pytest.raises(Exception, match="already broken before this change"):
        nginx.deploy(NEW)
    after = nginx.snapshot()
    assert {path for path in after if after[path] != before.get(path)} <= {str(nginx.etc / "error.log")}


def test_a_restart_at_any_moment_comes_up(nginx: NginxHost) -> None:
    """The configuration test of nginx loads every pair, as its start does."""
    nginx.deploy(OLD)
    steps = []

    def restart(operation: str, path: str) -> None:
        steps.append(operation)
        if operation in ("replace", "rename", "unlink", "symlink"):
            subprocess.run([*nginx.command, "-t"], check=True, capture_output=True)

    nginx.transaction(nginx.options(NEW), on_step=restart).run()
    assert nginx.judged() == NEW.fingerprint
    assert steps.count("replace") >= 3
