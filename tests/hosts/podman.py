# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Podman with a storage, a configuration and a network directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hosts.errors import HostsError
from hosts.machine import Machine, require_programs, require_root
from hosts.paths import Paths

LABEL = "certops.acm.hosts"
RUN_LABEL = "certops.acm.run"
PROGRAMS = ("podman", "conmon", "netavark", "iptables", "ssh", "ssh-keygen")
SOFT_NOFILE, HARD_NOFILE, HARD_NPROC = 1024, 4096, 4096


def containers_conf(machine: Machine, paths: Paths, runtime: str) -> str:
    """Return podman's configuration for this machine.

    Without systemd podman can use neither its cgroup manager nor the journal; without CAP_SYS_RESOURCE it
    may not raise limits, and its built-in defaults would.

    :param runtime: the OCI runtime, ``runc`` or ``crun``.
    """
    containers: dict[str, object] = {}
    engine: dict[str, object] = {
        "runtime": runtime,
        "static_dir": str(paths.storage / "libpod"),
        "volume_path": str(paths.storage / "volumes"),
        "tmp_dir": str(paths.runtime / "libpod"),
    }
    if not machine.cap_sys_resource:
        nofile, nproc = _below(machine.nofile_hard, HARD_NOFILE), _below(machine.nproc_hard, HARD_NPROC)
        containers["default_ulimits"] = [f"nofile={min(SOFT_NOFILE, nofile)}:{nofile}", f"nproc={nproc}:{nproc}"]
    if not machine.systemd:
        engine |= {"cgroup_manager": "cgroupfs", "events_logger": "file"}
        containers["log_driver"] = "k8s-file"
    network = {"network_backend": "netavark", "network_config_dir": str(paths.storage / "networks")}
    return _toml({"containers": containers, "engine": engine, "network": network})


def choose_runtime(machine: Machine) -> str:
    """Return the OCI runtime that works here: crun refuses cgroup v1 and hybrid mode, runc does not.

    :raises HostsError: the runtime needed is not installed.
    """
    wanted = ("crun", "runc") if machine.cgroup_v2 else ("runc",)
    for name in wanted:
        if shutil.which(name):
            return name
    require_programs(wanted[-1:])
    raise AssertionError("unreachable")


@dataclass
class Podman:
    """Runs podman commands; all that it creates carries LABEL."""

    paths: Paths
    _environment: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    _runtime: str = field(default="", init=False, repr=False)
    _ids: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def prepare(self) -> None:
        """Check the machine and write the configuration; cheap, called before the first command.

        :raises HostsError: not root, or something is not installed.
        """
        require_root()
        require_programs(PROGRAMS)
        machine = Machine.detect()
        for folder in (self.paths.storage, self.paths.storage / "networks", self.paths.runs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        conf = self.paths.runtime / "containers.conf"
        storage = self.paths.runtime / "storage.conf"
        self._runtime = choose_runtime(machine)
        _write_changed(conf, containers_conf(machine, self.paths, self._runtime))
        places = {"graphroot": str(self.paths.storage), "runroot": str(self.paths.runtime / "storage")}
        _write_changed(storage, _toml({"storage": {"driver": "overlay", **places}}))
        self._environment = {"CONTAINERS_CONF": str(conf), "CONTAINERS_STORAGE_CONF": str(storage)}

    def run(
        self, *arguments: str, check: bool = True, stdin: str | None = None, timeout: float = 180
    ) -> subprocess.CompletedProcess[str]:
        """Run one podman command in a session of its own, so that Ctrl-C cannot stop it half-way.

        :raises HostsError: the command failed (with ``check``) or timed out.
        """
        if not self._environment:
            self.prepare()
        done = self._run(["podman", *arguments], stdin, timeout)
        if check and done.returncode != 0:
            reason = (done.stderr or done.stdout).strip()[-2000:]
            raise HostsError(f"podman {' '.join(arguments[:2])} failed: {reason}")
        return done

    def exec(
        self, container: str, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 180
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a container that runs.

        By the OCI runtime itself, which is what ``podman exec`` does in the end, in a quarter of the time.
        """
        if container not in self._ids:
            self._ids[container] = self.run("inspect", "--format", "{{.Id}}", container).stdout.strip()
        return self._run([self._runtime, "exec", self._ids[container], *argv], stdin, timeout)

    def _run(self, command: list[str], stdin: str | None, timeout: float) -> subprocess.CompletedProcess[str]:
        process = subprocess.Popen(
            command,
            env=os.environ | self._environment,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, error = process.communicate(stdin, timeout=timeout)
        except KeyboardInterrupt:
            process.communicate()
            raise
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise HostsError(f"{' '.join(command[:2])} did not finish within {timeout:.0f} s.") from None
        return subprocess.CompletedProcess(command, process.returncode, output, error)

    def containers(self, run_id: str | None) -> list[str]:
        """Return the ids of the containers of one run, or of all runs."""
        return self.run("ps", "--all", "--quiet", "--filter", f"label={_label(run_id)}").stdout.split()

    def networks(self, run_id: str | None) -> list[str]:
        """Return the names of the networks of one run, or of all runs."""
        return self.run("network", "ls", "--quiet", "--filter", f"label={_label(run_id)}").stdout.split()

    def subnets(self) -> list[str]:
        """Return the subnets of all networks of this storage."""
        names = self.run("network", "ls", "--quiet").stdout.split()
        inspected = json.loads(self.run("network", "inspect", *names).stdout) if names else []
        return [subnet["subnet"] for network in inspected for subnet in network.get("subnets") or []]

    def remove(self, containers: Sequence[str], networks: Sequence[str]) -> None:
        """Remove containers at once, without waiting for their services, then networks."""
        if containers:
            self.run("rm", "--force", "--ignore", "--time", "0", *containers)
        for name in networks:
            self.run("network", "rm", "--force", name)


def labels(run_id: str) -> list[str]:
    """Return the options that mark something as ours and as part of one run."""
    return ["--label", f"{LABEL}=1", "--label", f"{RUN_LABEL}={run_id}"]


def _label(run_id: str | None) -> str:
    return f"{LABEL}=1" if run_id is None else f"{RUN_LABEL}={run_id}"


def _below(hard: int, wanted: int) -> int:
    return wanted if hard < 0 else min(hard, wanted)


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    lines: list[str] = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _write_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
