# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of test hosts: made for one run, removed completely afterwards, also after a crash."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from types import TracebackType
from typing import Any

from hosts import rootfs, subnet
from hosts.access import READY_SECONDS, Access, wait_for_ssh
from hosts.errors import HostsError
from hosts.machine import require_inotify
from hosts.paths import Paths
from hosts.podman import Podman, labels
from hosts.removal import remove_run
from hosts.spec import DEFAULT_SPECS, Host, HostSpec, network_name, place

PARALLEL = 4
SESSION = "Starting session: "
# Where sshd writes, as customize.sh says: a directory of this machine, so that a host that is killed loses nothing.
SSHD_LOG = "/var/log/sshd/sshd.log"


@dataclass
class Fleet:
    """The hosts of one run. ``with Fleet("run", specs) as fleet`` makes and removes them.

    :param run_id: names everything of this run; lowercase letters, digits and hyphens.
    :param specs: the hosts; web1, web2 and db1 with nginx when not given.
    """

    run_id: str
    specs: Sequence[HostSpec] = DEFAULT_SPECS
    paths: Paths = field(default_factory=Paths.default)
    hosts: dict[str, Host] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        network_name(self.run_id)
        self._podman = Podman(self.paths)
        self._access = Access(self.directory)

    @classmethod
    def attach(cls, run_id: str, paths: Paths | None = None) -> Fleet:
        """Return the fleet of a run that another process brought up.

        :raises HostsError: there is no such run.
        """
        fleet = cls(run_id, (), paths or Paths.default())
        registry = fleet.directory / "run.json"
        if not registry.exists():
            raise HostsError(f"There is no run {run_id}: start it with python -m hosts up --run {run_id}")
        hosts = json.loads(registry.read_text(encoding="utf-8"))["hosts"]
        fleet.hosts = {host["name"]: Host(**host) for host in hosts}
        return fleet

    @property
    def directory(self) -> Path:
        """State of the run."""
        return self.paths.run(self.run_id)

    @property
    def ssh_key(self) -> Path:
        """Private key that root and deploy of every host accept."""
        return self._access.key

    @property
    def ssh_config(self) -> Path:
        """Configuration for ``ssh -F``: host names, key, known hosts."""
        return self._access.config

    @property
    def inventory_file(self) -> Path:
        """Ansible inventory of the run."""
        return self._access.inventory

    def __enter__(self) -> Fleet:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def up(self) -> Fleet:
        """Make all hosts and wait until each has systemd running and sshd listening.

        :raises HostsError: with the reason; whatever was made is removed first.
        """
        place(self.run_id, self.specs, IPv4Network(subnet.POOL))
        require_inotify(len(self.specs))
        self._podman.prepare()
        image = rootfs.ensure_image(self._podman)
        try:
            self.directory.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            raise HostsError(
                f"Run {self.run_id} exists already: remove it with python -m hosts down --run {self.run_id}"
            ) from None
        try:
            self._create(image)
            keys = self._each(self._finish)
            self._access.write(list(self.hosts.values()), dict(zip(self.hosts, keys)))
        except BaseException:
            self.down()
            raise
        return self

    def down(self) -> None:
        """Remove everything of this run; harmless when there is nothing left."""
        remove_run(self._podman, self.run_id)
        self.hosts = {}

    def exec(
        self, host: str, argv: Sequence[str], *, check: bool = True, stdin: str | None = None, timeout: float = 180
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as root, past ssh, so that it is not counted as a session.

        :raises HostsError: it failed, with ``check``, or it did not end within ``timeout`` seconds.
        """
        done = self._podman.exec(self._host(host).container, argv, stdin=stdin, timeout=timeout)
        if check and done.returncode != 0:
            output = (done.stderr or done.stdout).strip()
            raise HostsError(f"{argv[0]} exited with {done.returncode} on {host}: {output[-2000:]}")
        return done

    def sessions(self, host: str) -> int:
        """Return how many ssh sessions (commands, file transfers) the host has begun: its round trips.

        Also of a host that is down, and over restarts.
        """
        log = self._log_directory(self._host(host)) / "sshd.log"
        return sum(line.startswith(SESSION) for line in log.read_text(encoding="utf-8").splitlines())

    def kill(self, host: str) -> None:
        """Stop a host at once, as a power failure does: it no longer answers."""
        self._podman.run("kill", "--signal", "KILL", self._host(host).container)

    def start(self, host: str) -> None:
        """Start a killed host again, with its address and files, and wait until it is ready."""
        self._podman.run("start", self._host(host).container)
        self._wait(host)

    def inventory(self) -> dict[str, Any]:
        """Return an Ansible inventory as data."""
        return self._access.inventory_of(self.hosts.values())

    def _host(self, name: str) -> Host:
        if name not in self.hosts:
            raise HostsError(f"Run {self.run_id} has no host {name}: it has {', '.join(self.hosts) or 'none'}.")
        return self.hosts[name]

    def _log_directory(self, host: Host) -> Path:
        return self.directory / "sshd" / host.name

    def _each(self, work: Callable[[HostSpec], str]) -> list[str]:
        with ThreadPoolExecutor(PARALLEL) as pool:
            return list(pool.map(work, self.specs))

    def _create(self, image: str) -> None:
        self._access.make_key()
        with self.paths.lock("subnet"):
            taken = [IPv4Network(text) for text in self._podman.subnets()]
            network = subnet.free_subnet([*taken, *subnet.routes()])
            self.hosts = place(self.run_id, self.specs, network)
            self._register()
            # Not --internal: netavark then gives the bridge no address, and this machine could not reach the hosts.
            options = ["--disable-dns", "--subnet", str(network), *labels(self.run_id)]
            self._podman.run("network", "create", *options, network_name(self.run_id))
        self._each(lambda spec: self._run_container(spec, image))

    def _register(self) -> None:
        text = json.dumps({"run": self.run_id, "hosts": [asdict(host) for host in self.hosts.values()]}, indent=2)
        partial = self.directory / "run.json.partial"
        partial.write_text(text + "\n", encoding="utf-8")
        os.replace(partial, self.directory / "run.json")

    def _run_container(self, spec: HostSpec, image: str) -> str:
        host = self.hosts[spec.name]
        log = self._log_directory(host)
        log.mkdir(parents=True)
        volumes = (f"{self._access.authorized_keys}:/etc/ssh/acm_authorized_keys:ro", f"{log}:/var/log/sshd")
        options = ["--detach", "--name", host.container, "--hostname", host.name]
        options += ["--systemd=always"] if spec.systemd else ["--systemd=false", "--init"]
        options += ["--network", network_name(self.run_id), "--ip", host.address]
        options += [f"--volume={volume}" for volume in volumes]
        # The same hardware address after a restart: the machine's neighbour table would keep the old one for a minute.
        options += ["--mac-address", "02:ac:" + IPv4Address(host.address).packed.hex(":"), *labels(self.run_id)]
        for path, size in spec.tmpfs.items():
            options += ["--tmpfs", f"{path}:rw,size={size},mode=0755"]
        return self._podman.run("run", *options, image, *([] if spec.systemd else _plain_init(spec))).stdout.strip()

    def _finish(self, spec: HostSpec) -> str:
        """Wait until the host is up, apply the specification; return the host's public ssh key."""
        self._wait(spec.name)
        commands = ["set -e"]
        if not spec.nginx:
            packages = "$(dpkg-query -W -f '${Package}\\n' 'nginx*' 'libnginx-mod-*')"
            commands.append(f"dpkg --purge {packages} >/dev/null 2>&1")
        if spec.start and spec.systemd:
            commands.append(f"systemctl --quiet enable --now {' '.join(spec.start)}")
        commands.append("cat /etc/ssh/ssh_host_ed25519_key.pub")
        key = self.exec(spec.name, ["sh", "-c", "\n".join(commands)]).stdout
        return " ".join(key.split()[:2])

    def _wait(self, name: str) -> None:
        if self._host(name).systemd:
            self._wait_for_systemd(name)
        wait_for_ssh(self._host(name))

    def _wait_for_systemd(self, name: str) -> None:
        deadline, state = time.monotonic() + READY_SECONDS, ""
        while time.monotonic() < deadline:
            state = self.exec(name, ["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
            if state == "running":
                return
            if state == "degraded":
                failed = self.exec(name, ["systemctl", "--failed", "--plain", "--no-legend"], check=False).stdout
                raise HostsError(f"Host {name} started with failed units:\n{failed.strip()}")
            time.sleep(0.1)
        raise HostsError(f"systemd on host {name} is not ready after {READY_SECONDS} s: {state or 'no answer'}")


def _plain_init(spec: HostSpec) -> list[str]:
    """Return what the first process of a host without systemd starts: its services, and sshd when they run."""
    services = [f"service {name} start" for name in spec.start]
    return ["sh", "-c", " && ".join([*services, "mkdir -p /run/sshd", f"exec /usr/sbin/sshd -D -E {SSHD_LOG}"])]
