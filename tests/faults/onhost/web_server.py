# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two web servers as Debian installs them: started and stopped for real, and judged by openssl.

This runs inside a test host, with its Python and the standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.certops.acm.plugins.module_utils.server import run_command

NAME = "shop.example.com"
OWN = Path("/etc/ssl/own")
ROOTS = Path("/etc/ssl/faults-roots.pem")
PAGE = Path("/var/www/faults/index.html")


@dataclass(frozen=True)
class WebServer:
    """How to configure, start and stop one kind of server.

    Attributes:
        site: configuration file of the site, read at each start.
        snippet: a file that the site may include.
        start_command: starts the daemon from what is on the disk, and fails if that cannot be served.
    """

    unit: str
    site: Path
    snippet: Path
    pid_file: Path
    start_command: tuple[str, ...]
    config_test: tuple[str, ...]
    reload_command: tuple[str, ...]
    site_template: str
    pair_template: str
    include_template: str

    @property
    def places(self) -> tuple[Path, ...]:
        """Directories whose content belongs to a scene."""
        return (self.site.parent, self.snippet.parent, OWN)

    def pair(self, certificate: Path | str, key: Path | str) -> str:
        return self.pair_template.format(certificate=certificate, key=key)

    def site_with(self, tls: str, name: str = NAME) -> str:
        return self.site_template.replace("TLS", tls).replace("NAME", name).replace("ROOT", str(PAGE.parent))

    def site_with_pair(self, certificate: Path | str, key: Path | str) -> str:
        return self.site_with(self.pair(certificate, key))

    def site_with_snippet(self) -> str:
        return self.site_with(self.include_template.format(path=self.snippet))

    def install(self) -> None:
        """Bring the package to where every scene begins: no site, nothing running."""
        for unit in (NGINX.unit, APACHE.unit):
            subprocess.run(["systemctl", "stop", unit], check=True)
            subprocess.run(["systemctl", "reset-failed", unit], check=False, capture_output=True)
        for server in (NGINX, APACHE):
            server.stop()
        for place in self.places:
            empty(place)
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text("served\n")
        modules = Path("/etc/apache2/mods-enabled")
        for module in ("ssl.load", "ssl.conf", "socache_shmcb.load"):
            if not (modules / module).exists():
                (modules / module).symlink_to(f"../mods-available/{module}")

    def start(self) -> None:
        """Start the daemon from what is on the disk, as a boot would."""
        code, output = run_command(self.start_command)
        assert code == 0, f"{self.unit} does not start: {output}"

    def stop(self) -> None:
        """Stop the daemon, if it runs, and wait until it is gone."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < deadline, f"{self.unit} does not stop"
            time.sleep(0.003)
        self.pid_file.unlink(missing_ok=True)

    def pid(self) -> int | None:
        """Return the process that was started as daemon, if it lives."""
        try:
            pid = int(self.pid_file.read_text())
            alive = self.unit in Path(f"/proc/{pid}/comm").read_text()
        except (OSError, ValueError):
            return None
        return pid if alive else None


NGINX = WebServer(
    unit="nginx",
    site=Path("/etc/nginx/conf.d/shop.conf"),
    snippet=Path("/etc/nginx/tls/shop.conf"),
    pid_file=Path("/run/nginx.pid"),
    start_command=("nginx",),
    config_test=("nginx", "-t"),
    reload_command=("nginx", "-s", "reload"),
    site_template="server {\n listen 443 ssl;\n server_name NAME;\n root ROOT;\n TLS\n}\n",
    pair_template="ssl_certificate {certificate}; ssl_certificate_key {key};",
    include_template="include {path};",
)
APACHE = WebServer(
    unit="apache2",
    site=Path("/etc/apache2/sites-enabled/shop.conf"),
    snippet=Path("/etc/apache2/tls/shop.conf"),
    pid_file=Path("/run/apache2/apache2.pid"),
    start_command=("apachectl", "start"),
    config_test=("apachectl", "-t"),
    reload_command=("apachectl", "graceful"),
    site_template="<VirtualHost *:443>\nServerName NAME\nDocumentRoot ROOT\nSSLEngine on\nTLS\n</VirtualHost>\n",
    pair_template="SSLCertificateFile {certificate}\nSSLCertificateKeyFile {key}",
    include_template="Include {path}",
)
SERVERS = {"nginx": NGINX, "apache": APACHE}


def judged(address: str = "127.0.0.1", port: int = 443, name: str = NAME) -> str | None:
    """Return the fingerprint that openssl sees, if chain and name verify and the key fits; else None."""
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-servername", name, "-verify_hostname", name]
    command += ["-verify_return_error", "-CAfile", str(ROOTS), "-no-CApath", "-no-CAstore"]
    shaken = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=10)
    if shaken.returncode:
        return None
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    leaf = shaken.stdout[shaken.stdout.index(begin) : shaken.stdout.index(end) + len(end)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf + "\n")).hexdigest()


def empty(directory: Path) -> None:
    """Make a directory without anything in it; a mount point stays."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def snapshot(places: Sequence[Path]) -> dict[str, str]:
    """Return everything below some directories but the lock: mode, and content or target."""
    found = {}
    for place in places:
        for path in sorted(place.rglob("*")):
            if path.name != ".lock":
                content = os.readlink(path) if path.is_symlink() else "" if path.is_dir() else path.read_text()
                found[str(path)] = f"{path.lstat().st_mode:o} {content}"
    return found
