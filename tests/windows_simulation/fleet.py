# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays scenarios on simulated hosts, many in one run of ansible-playbook, each on an address of its own."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integration.playbook import CALLBACKS, PlaybookRun, TaskResult, run_playbook

from windows_simulation import bundles, state

HERE = Path(__file__).parent
PORT = 8443


@dataclass(frozen=True)
class SimulatedHost:
    """A host of the inventory.

    Attributes:
        scenario: the one it plays, a file in scenarios.
        build: of its Windows.
        role: that it plays it with, where that is not the genuine one.
    """

    name: str
    scenario: str
    build: int = 20348
    role: str = ""


@dataclass
class Played:
    """What a run left."""

    run: PlaybookRun
    directory: Path
    variables: dict[str, Any] = field(repr=False)

    def failed(self, host: str) -> TaskResult | None:
        """The task at which a host ended, if it did: failures that were rescued do not count."""
        line = next((line for line in self.run.stdout.splitlines() if line.startswith(f"{host} ")), "")
        if "failed=0" in line and "unreachable=0" in line:
            return None
        bad = [result for result in self.run.on(host) if result.failed]
        return bad[-1] if bad else TaskResult("none", host, "failed", {"msg": self.run.output[-2000:]})

    def state(self, host: str) -> dict[str, Any]:
        return state.read(self.directory / f"{host}.json")

    def calls(self, host: str) -> list[dict[str, Any]]:
        lines = (self.directory / f"{host}.calls").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def addresses(count: int) -> list[str]:
    """Return addresses of the loopback network that nobody uses, also not another test."""
    while True:
        net = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250) + 1}"
        try:
            socket.create_server((f"{net}.1", PORT)).close()
        except OSError:
            continue
        return [f"{net}.{number}" for number in range(1, count + 1)]


@contextmanager
def http_sys(directory: Path, places: Mapping[str, str]) -> Iterator[None]:
    """Serve TLS for hosts: their addresses by name."""
    listing = directory / "http_sys.txt"
    listing.write_text(
        "\n".join(f"{directory / name}.json\t{address}\t{PORT}" for name, address in places.items()), encoding="utf-8"
    )
    command = [sys.executable, "-m", "windows_simulation.http_sys", str(listing)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.stdin.close()
            process.wait(10)


@contextmanager
def fleet(directory: Path, hosts: Sequence[SimulatedHost], group: str = "windows") -> Iterator[Path]:
    """Make the hosts and yield their inventory."""
    directory.mkdir(parents=True, exist_ok=True)
    places = dict(zip([host.name for host in hosts], addresses(len(hosts)), strict=True))
    listed = {}
    for host in hosts:
        path = directory / f"{host.name}.json"
        state.write(path, state.new_state(build=host.build))
        listed[host.name] = {
            "ansible_host": places[host.name],
            "ansible_connection": "simulated_windows",
            "ansible_shell_type": "powershell",
            "simulated_windows_state": str(path),
            "https_port": PORT,
            "scenarios": [host.scenario],
            **({"role_under_test": host.role} if host.role else {}),
        }
    inventory = directory / "inventory.json"
    inventory.write_text(json.dumps({group: {"hosts": listed}}), encoding="utf-8")
    with http_sys(directory, places):
        yield inventory


def environment() -> dict[str, str]:
    return {
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join([str(CALLBACKS), str(HERE / "callback_plugins")]),
        "ANSIBLE_CALLBACKS_ENABLED": "recorder,preload",
        # As many as a run has hosts: where workers are few, Ansible asks all the time whether one is free.
        "ANSIBLE_FORKS": "12",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "0",
        "PYTHONPATH": os.environ["PYTHONPATH"],
    }


def play(
    directory: Path,
    hosts: Sequence[SimulatedHost],
    *arguments: str,
    env: Mapping[str, str] | None = None,
    variables: dict[str, Any] | None = None,
) -> Played:
    """Play each host's scenario."""
    made = variables or bundles.make()
    given = directory / "bundles.json"
    with fleet(directory, hosts) as inventory:
        given.write_text(json.dumps(made), encoding="utf-8")
        run = run_playbook(
            None,
            {**environment(), **(env or {})},
            playbook=HERE / "play.yml",
            inventory=inventory,
            arguments=["-e", f"@{given}", *arguments],
        )
    return Played(run, directory, made)
