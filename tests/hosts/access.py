# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the hosts of a run are reached: key, ssh configuration and Ansible inventory."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts.errors import HostsError
from hosts.spec import Host

READY_SECONDS = 60


@dataclass(frozen=True)
class Access:
    """The files of one run that say how to log in."""

    directory: Path

    @property
    def key(self) -> Path:
        """Private key that both users of every host accept."""
        return self.directory / "id_ed25519"

    @property
    def authorized_keys(self) -> Path:
        """Public key, as the hosts see it."""
        return self.directory / "authorized_keys"

    @property
    def config(self) -> Path:
        """Configuration for ``ssh -F``: host names, key, known hosts."""
        return self.directory / "ssh_config"

    @property
    def inventory(self) -> Path:
        """Ansible inventory, as JSON, which is YAML."""
        return self.directory / "inventory.yml"

    def make_key(self) -> None:
        """Make the key pair of the run."""
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "certops-acm-test", "-f", str(self.key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        shutil.copyfile(f"{self.key}.pub", self.authorized_keys)
        self.authorized_keys.chmod(0o644)
        self.directory.joinpath("cp").mkdir(mode=0o700)

    def write(self, hosts: Sequence[Host], public_keys: Mapping[str, str]) -> None:
        """Write known hosts, ssh configuration and inventory.

        :param public_keys: the hosts' own public keys by host name, ``ssh-ed25519 AAAA...``.
        """
        known_hosts = self.directory / "known_hosts"
        known = [f"{host.name},{host.address} {public_keys[host.name]}" for host in hosts]
        known_hosts.write_text("\n".join(known) + "\n", encoding="utf-8")
        lines = [f"Host {host.name}\n    HostName {host.address}\n    User {host.user}" for host in hosts]
        lines.append(
            f"Host *\n    IdentityFile {self.key}\n    IdentitiesOnly yes\n    UserKnownHostsFile {known_hosts}\n"
            "    StrictHostKeyChecking yes\n    ConnectTimeout 10\n    ServerAliveInterval 5\n    ServerAliveCountMax 2"
        )
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.inventory.write_text(json.dumps(self.inventory_of(hosts), indent=2) + "\n", encoding="utf-8")

    def inventory_of(self, hosts: Iterable[Host]) -> dict[str, Any]:
        """Return an Ansible inventory as data."""
        return {"all": {"hosts": {host.name: self.variables(host) for host in hosts}}}

    def variables(self, host: Host) -> dict[str, Any]:
        """Return what Ansible needs to reach a host, and the specification's own variables."""
        return {
            "ansible_host": host.address,
            "ansible_user": host.user,
            "ansible_become": host.user != "root",
            "ansible_connection": "ssh",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"-F {self.config}",
            "ansible_ssh_pipelining": True,
            "ansible_control_path_dir": str(self.directory / "cp"),
            "ansible_control_path": f"%(directory)s/%%r-{host.name}",
            "ansible_python_interpreter": "/usr/bin/python3",
            **host.variables,
        }

    def close(self) -> None:
        """End the shared connections that Ansible left open in the background."""
        for control in self.directory.glob("cp/*"):
            command = ["ssh", "-o", f"ControlPath={control}", "-O", "exit", "any"]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def wait_for_ssh(host: Host) -> None:
    """Wait until sshd greets; no session is begun by that.

    :raises HostsError: it does not within READY_SECONDS.
    """
    deadline, problem = time.monotonic() + READY_SECONDS, "no answer"
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host.address, 22), timeout=2) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError as error:
            problem = str(error)
        time.sleep(0.05)
    raise HostsError(f"sshd on {host.name} ({host.address}) is not ready after {READY_SECONDS} s: {problem}")
