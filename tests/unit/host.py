# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host in a temporary directory: a real TLS server, and transactions on it."""

from __future__ import annotations

import grp
import os
import pwd
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from unit.certificates import Leaf

from ansible_collections.certops.acm.plugins.module_utils import bundle
from ansible_collections.certops.acm.plugins.module_utils.deploy_report import Report
from ansible_collections.certops.acm.plugins.module_utils.deploy_request import read_desired
from ansible_collections.certops.acm.plugins.module_utils.handshake import Listener, look
from ansible_collections.certops.acm.plugins.module_utils.server import Server
from ansible_collections.certops.acm.plugins.module_utils.transaction import Settings, Transaction

SERVER = str(Path(__file__).with_name("tls_server.py"))
FILES = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")


Self = TypeVar("Self", bound="Host")


class Host:
    """A server whose configuration lies in ``etc``, and the directory ``acm`` for our certificates."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.etc = directory / "etc"
        self.etc.mkdir()
        self.root = directory / "acm"
        self.live = self.root / "www" / "live"
        self.config = self.etc / "server.conf"
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.errors = directory / "server.log"
        self._loaded: dict[tuple[str, str], str] = {}

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # The server.

    def own_pair(self, leaf: Leaf, linger: int = 0) -> None:
        """Configure the server with files of its own, as a host that was never managed."""
        (self.etc / "own.pem").write_text(leaf.fullchain)
        (self.etc / "own.key").write_text(leaf.private_key)
        self.config.write_text(self.lines(self.etc / "own.pem", self.etc / "own.key", linger))

    @staticmethod
    def lines(certificate: Path | str, key: Path | str, linger: int = 0) -> str:
        return f"certificate {certificate}\nkey {key}\nlinger {linger}\n"

    def start(self) -> None:
        """Start the server from what is on the disk; fails if it does not come up."""
        command = [sys.executable, SERVER, "serve", str(self.config), str(self.port)]
        with self.errors.open("a") as errors:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        Path(f"{self.config}.pid").write_text(str(self._process.pid))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def served(self) -> str | None:
        return look(Listener("127.0.0.1", self.port, "www.example.com")).fingerprint

    def comes_up(self) -> None:
        """Start a server as a reboot would, let it read everything, and forget it."""
        subprocess.run([sys.executable, SERVER, "test", str(self.config)], check=True, capture_output=True, text=True)

    # The change.

    def options(self, leaf: Leaf | None = None, **changes: Any) -> dict[str, Any]:
        """Return the options of cert_deploy as the module gets them from its action."""
        user = pwd.getpwuid(os.getuid())
        options: dict[str, Any] = {
            "name": "www",
            "root": str(self.root),
            "state": "present",
            "owner": user.pw_name,
            "group": _group_name(user.pw_gid),
            "key_mode": "0600",
            "server_names": [],
            "config_files": [],
            "links": [],
            "formats": [],
            "pkcs12": None,
            "config_test": [sys.executable, SERVER, "test", str(self.config)],
            "unit": None,
            "reload_command": [sys.executable, SERVER, "reload", str(self.config)],
            "listeners": listener_options([self.port]),
            "handshake_timeout": 3.0,
            "keep_versions": 3,
            "force": False,
            "lock_timeout": 1.0,
        }
        if leaf is not None:
            options.update(
                certificate=leaf.certificate,
                chain=leaf.chain,
                private_key=leaf.private_key,
                certificate_info=asdict(bundle.leaf_info(leaf.certificate)),
            )
        return {**options, **changes}

    def managed(self, **changes: Any) -> dict[str, Any]:
        """Return the option config_files that makes the server use the live version."""
        content = self.lines("{live}/fullchain.pem", "{live}/privkey.pem")
        return {"config_files": [{"path": str(self.config), "content": content, "mode": "0644"}], **changes}

    def transaction(
        self,
        options: dict[str, Any],
        on_step: Callable[[str, str], object] | None = None,
        *,
        check_mode: bool = False,
        **settings: Any,
    ) -> Transaction:
        desired = read_desired(options, check_mode=check_mode)
        server = Server(tuple(options["config_test"]), options["unit"], tuple(options["reload_command"]))
        chosen = Settings(options["handshake_timeout"], options["lock_timeout"], on_step=on_step, **settings)
        return Transaction(options["root"], options["name"], desired, server, chosen)

    def deploy(self, leaf: Leaf, **changes: Any) -> Report:
        return self.transaction(self.options(leaf, **changes)).run()

    # What is on the disk.

    def pair(self, certificate: Path | None = None, key: Path | None = None) -> str:
        """Return the fingerprint of a pair on the disk; fails unless a server could load it."""
        certificate = certificate or self.live / "fullchain.pem"
        key = key or certificate.with_name("privkey.pem")
        # The same bytes load again and again: a thousand kills look at two or three pairs.
        texts = (certificate.read_text(), key.read_text())
        if texts not in self._loaded:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
            self._loaded[texts] = bundle.leaf_info(texts[0].split("-----END CERTIFICATE-----")[0] + _END).fingerprint
        return self._loaded[texts]

    def snapshot(self) -> dict[str, str]:
        """Return everything below ``etc`` and ``acm`` but the lock: kind, mode, and content or target."""
        found = {}
        for top in (self.etc, self.root):
            for path in sorted(top.rglob("*")):
                if path.name in (".lock", "server.conf.pid"):
                    continue
                content = os.readlink(path) if path.is_symlink() else "" if path.is_dir() else path.read_text()
                found[str(path)] = f"{path.lstat().st_mode:o} {content}"
        return found


_END = "-----END CERTIFICATE-----\n"


def _group_name(gid: int) -> str:

    return grp.getgrgid(gid).gr_name


def listener_options(ports: Sequence[int]) -> list[dict[str, Any]]:
    return [{"address": "127.0.0.1", "port": port, "server_name": None, "starttls": None} for port in ports]
