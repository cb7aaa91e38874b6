# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test hosts themselves: what they offer, and that nothing of them is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from hosts import Fleet, HostsError, HostSpec, subnet
from hosts.podman import Podman

TESTS = Path(__file__).resolve().parents[1]
RUN = f"test-{os.getpid()}"
SPECS = (
    HostSpec("web1", start=("nginx",)),
    HostSpec("bare1", nginx=False, tmpfs={"/etc/ssl/acm": "64k"}, user="deploy", variables={"color": "blue"}),
    HostSpec("plain1", systemd=False, start=("nginx",)),
)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RUN, SPECS) as fleet:
        yield fleet


def ansible(fleet: Fleet, *arguments: str) -> str:
    program = Path(sys.executable).with_name("ansible")
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(fleet.directory / "ansible")}
    command = [str(program), "--inventory", str(fleet.inventory_file), *arguments]
    done = subprocess.run(command, cwd=fleet.directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ansible_reaches_every_host(fleet: Fleet) -> None:
    assert ansible(fleet, "all", "-m", "ansible.builtin.ping").count("pong") == len(SPECS)


@pytest.mark.parametrize("host", [spec.name for spec in SPECS])
def test_a_pipelined_module_is_one_session(fleet: Fleet, host: str) -> None:
    before = fleet.sessions(host)
    ansible(fleet, host, "-m", "ansible.builtin.ping")
    assert fleet.sessions(host) - before == 1


def test_looking_at_a_host_is_no_session(fleet: Fleet) -> None:
    before = fleet.sessions("web1")
    fleet.exec("web1", ["true"])
    assert fleet.sessions("web1") == before


def test_deploy_becomes_root(fleet: Fleet) -> None:
    assert "uid=0(root)" in ansible(fleet, "bare1", "-a", "id")
    assert "(deploy)" in ansible(fleet, "bare1", "-a", "id", "-e", "ansible_become=false")


def test_variables_reach_the_inventory(fleet: Fleet) -> None:
    assert "blue" in ansible(fleet, "bare1", "-m", "ansible.builtin.debug", "-a", "var=color")


def test_systemd_runs_unless_it_shall_not(fleet: Fleet) -> None:
    for host in ("web1", "bare1"):
        assert fleet.exec(host, ["systemctl", "is-system-running"]).stdout == "running\n"
    assert fleet.exec("plain1", ["test", "-e", "/run/systemd/system"], check=False).returncode == 1


@pytest.mark.parametrize("host", ["web1", "plain1"])
def test_nginx_serves_where_it_was_started(fleet: Fleet, host: str) -> None:
    with urllib.request.urlopen(f"http://{fleet.hosts[host].address}/", timeout=5) as answer:
        assert answer.headers["Server"].startswith("nginx")


def test_nginx_is_missing_where_it_was_removed(fleet: Fleet) -> None:
    assert fleet.exec("bare1", ["sh", "-c", "command -v nginx"], check=False).returncode != 0
    with pytest.raises(HostsError, match="systemctl exited with"):
        fleet.exec("bare1", ["systemctl", "start", "nginx"])


def test_a_small_file_system_fills_up(fleet: Fleet) -> None:
    done = fleet.exec("bare1", ["dd", "if=/dev/zero", "of=/etc/ssl/acm/full", "bs=1k", "count=65"], check=False)
    fleet.exec("bare1", ["rm", "/etc/ssl/acm/full"])
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("host", ["web1", "plain1"])
def test_a_killed_host_comes_back_with_its_files(fleet: Fleet, host: str) -> None:
    fleet.exec(host, ["tee", "/root/kept"], stdin="yes")
    before = fleet.sessions(host)
    fleet.kill(host)
    with pytest.raises(HostsError):
        fleet.exec(host, ["true"])
    fleet.start(host)
    assert fleet.exec(host, ["cat", "/root/kept"]).stdout == "yes"
    assert ansible(fleet, host, "-m", "ansible.builtin.ping").count("pong") == 1
    assert fleet.sessions(host) - before == 1


def test_another_process_finds_the_run(fleet: Fleet) -> None:
    assert Fleet.attach(RUN).hosts == fleet.hosts
    assert command("exec", "--run", RUN, "web1", "hostname").stdout == "web1\n"
    assert RUN in command("list").stdout


def test_a_run_is_not_made_twice(fleet: Fleet) -> None:
    with pytest.raises(HostsError, match=f"remove it with python -m hosts down --run {RUN}"):
        Fleet(RUN, SPECS).up()
    assert fleet.exec("web1", ["true"]).returncode == 0


def test_down_leaves_nothing_and_touches_no_other_run(fleet: Fleet) -> None:
    with Fleet(f"{RUN}-other", [HostSpec("web1")]) as other:
        address = other.hosts["web1"].address
        assert address not in {host.address for host in fleet.hosts.values()}
    assert left_of(other) == []
    assert not any(IPv4Address(address) in route for route in subnet.routes())
    assert fleet.exec("web1", ["true"]).returncode == 0


@pytest.mark.parametrize("moment", ["container", "inventory"])
def test_a_killed_process_leaves_nothing_that_down_does_not_remove(moment: str) -> None:
    run = f"{RUN}-crash"
    process = start(run, moment)
    process.kill()
    process.wait()
    assert left_of(Fleet(run))
    assert command("down", "--run", run).returncode == 0
    assert left_of(Fleet(run)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_process_leaves_nothing(number: signal.Signals) -> None:
    run = f"{RUN}-ctrl-c"
    process = start(run, "container")
    process.send_signal(number)
    assert process.wait(60) == 130
    assert left_of(Fleet(run)) == []


def test_down_of_nothing_is_harmless() -> None:
    assert command("down", "--run", f"{RUN}-never").returncode == 0


@pytest.mark.parametrize("run", ["../other", "", "Two Words"])
def test_down_refuses_what_is_no_run(run: str) -> None:
    done = command("down", "--run", run)
    assert (done.returncode, "is no run id" in done.stderr) == (1, True)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the package's command line to its end."""
    line = [sys.executable, "-m", "hosts", *arguments]
    return subprocess.run(
        line, env=os.environ | {"PYTHONPATH": str(TESTS)}, capture_output=True, text=True, check=False
    )


def start(run: str, moment: str) -> subprocess.Popen[bytes]:
    """Start making hosts; return in the middle of it (``container``) or when they are ready (``inventory``)."""
    fleet, podman = Fleet(run), Podman(Fleet(run).paths)
    script = "import sys, time; from hosts.__main__ import main; code = main(); code or time.sleep(60); sys.exit(code)"
    line = [sys.executable, "-c", script, "up", "--run", run]
    process = subprocess.Popen(line, env=os.environ | {"PYTHONPATH": str(TESTS)}, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if fleet.inventory_file.exists() or (moment == "container" and podman.containers(run)):
            return process
        assert process.poll() is None
        time.sleep(0.05)
    raise AssertionError("nothing was made")


def left_of(fleet: Fleet) -> list[str]:
    """Return what exists of a run: containers, networks, state."""
    podman = Podman(fleet.paths)
    state = [str(fleet.directory)] if fleet.directory.exists() else []
    return [*podman.containers(fleet.run_id), *podman.networks(fleet.run_id), *state]
