# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with one site that cert_deploy renewed before, managed by systemd, to be hurt from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults import judge, rehearsal
from faults.site import Site
from hosts.fleet import Fleet

OLD = rehearsal.OLD["info"]["fingerprint"]
NEW = rehearsal.NEW["info"]["fingerprint"]
UNITS = {"nginx": "nginx", "apache": "apache2"}
SITES = {"nginx": "/etc/nginx/conf.d", "apache": "/etc/apache2/sites-enabled"}
Say = Callable[..., None]
# Stops at its n-th call until it is let go; never longer than half a minute.
GATE = """
echo >> /tmp/gate/calls
if [ $(wc -l < /tmp/gate/calls) = $1 ]; then
  touch /tmp/gate/reached
  for i in $(seq 300); do [ -e /tmp/gate/open ] && break; sleep 0.1; done
fi
shift
exec "$@"
"""
CHANGED = 2  # the call of the configuration test that finds the change in place
TESTS = {"nginx": ("nginx", "-t"), "apache": ("apachectl", "-t")}
RELOADS = {"nginx": ("nginx", "-s", "reload"), "apache": ("apachectl", "graceful")}
SETTLED = 5.0  # seconds until the last old worker must be gone


@contextmanager
def opened(site: Site, server: str, roots: Path, host: str | None = None) -> Iterator[Shop]:
    """A shop that serves the old certificate; its server is stopped afterwards."""
    with site.host(host) as name:
        shop = Shop(site.fleet, name, server, roots)
        try:
            shop.do("set up", scene="renewal")
            yield shop
        finally:
            shop.sh(f"systemctl stop {shop.unit}")


@dataclass
class Shop:
    """``server`` is nginx or apache; every method works on ``host``."""

    fleet: Fleet
    host: str
    server: str
    roots: Path

    @property
    def unit(self) -> str:
        return UNITS[self.server]

    @property
    def address(self) -> str:
        return self.fleet.hosts[self.host].address

    def run(self, **job: Any) -> dict[str, Any]:
        """Make the run that installs the new certificate; its result."""
        result: dict[str, Any] = self.do("run", **job)
        return result

    def do(self, kind: str, **job: Any) -> Any:
        """Do a job with the server as systemd manages it."""
        given = {"systemd": True, "old": rehearsal.OLD, "new": rehearsal.NEW, **job}
        return rehearsal.do(self.fleet, self.host, kind, self.server, **given)

    def sh(self, script: str) -> str:
        return self.fleet.exec(self.host, ["sh", "-ec", script]).stdout

    def systemctl(self, verb: str) -> None:
        """Start or stop the server as its owner would; the tests do it more often than systemd lets them."""
        self.sh(f"systemctl reset-failed {self.unit} || true; systemctl {verb} {self.unit}")

    def reload_by(self, command: str | None) -> None:
        """Have systemd reload the server by another command, and leave it dead if it dies; as shipped with None."""
        place = f"/run/systemd/system/{self.unit}.service.d"
        # By default systemd gives what is left of a dead server 90 seconds to end before it starts it again.
        lines = f"[Service]\\nExecReload=\\nExecReload={command}\\nRestart=no\\nTimeoutStopSec=5\\n"
        change = f"rm -r {place}" if command is None else f"mkdir -p {place}; printf '{lines}' > {place}/reload.conf"
        self.sh(f"{change}; systemctl daemon-reload")

    def second_site(self, file: str, name: str, certificate: str, key: str) -> None:
        """Write a configuration file with a site of somebody else."""
        pair = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
        text = f"server {{ listen 443 ssl; server_name {name}; {pair} }}"
        if self.server == "apache":
            pair = f"SSLEngine on\nSSLCertificateFile {certificate}\nSSLCertificateKeyFile {key}"
            text = f"<VirtualHost *:443>\nServerName {name}\n{pair}\n</VirtualHost>\n"
        self.fleet.exec(self.host, ["tee", f"{SITES[self.server]}/{file}"], stdin=text)

    def gate(self, call: int, *command: str) -> list[str]:
        """Return a command that stops at its n-th call, and does what ``command`` does otherwise."""
        self.sh("rm -rf /tmp/gate; mkdir /tmp/gate")
        self.fleet.exec(self.host, ["tee", "/opt/faults/gate"], stdin=GATE)
        return ["sh", "/opt/faults/gate", str(call), *command]

    def await_gate(self) -> None:
        self.sh("for i in $(seq 300); do [ -e /tmp/gate/reached ] && exit 0; sleep 0.1; done; exit 1")

    def open_gate(self) -> None:
        self.sh("touch /tmp/gate/open")

    def serves(self, fingerprint: str) -> None:
        """openssl sees a certificate, and curl gets the page.

        Old workers of nginx answer for at least a tenth of a second after it was told to reload: until they are gone
        another certificate may be seen, but always one that verifies.
        """
        end = time.monotonic() + SETTLED
        while (seen := judge.shaken(self.address, self.roots)) != fingerprint:
            assert seen is not None and time.monotonic() < end, f"{seen} is served"
        assert judge.fetched(self.address, self.roots) == "served\n"

    def refused(self, result: dict[str, Any], status: str, step: str, phrase: str) -> None:
        """The run failed as it should, the files are as before and the old certificate is served."""
        assert (result["status"], result["step"]) == (status, step), result["msg"]
        assert phrase in result["msg"], result["msg"]
        assert result["differing"] == ""
        assert result["changed"] is False
        self.serves(OLD)
