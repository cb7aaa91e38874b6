# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the hosts are set up on different machines: no host is made here."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from hosts import HostsError, HostSpec
from hosts.access import Access
from hosts.machine import Machine
from hosts.paths import Paths
from hosts.podman import containers_conf
from hosts.spec import place
from hosts.subnet import free_subnet

PATHS = Paths(Path("/cache"), Path("/runtime"))
WORKSTATION = Machine(cgroup_v2=True, systemd=True, cap_sys_resource=True, nofile_hard=524288, nproc_hard=-1)
BUILD_MACHINE = Machine(cgroup_v2=False, systemd=False, cap_sys_resource=False, nofile_hard=20000, nproc_hard=96000)


@pytest.mark.parametrize(
    ("machine", "expected", "unexpected"),
    [
        (WORKSTATION, ['runtime = "crun"'], ["cgroup_manager", "events_logger", "default_ulimits"]),
        (BUILD_MACHINE, ['cgroup_manager = "cgroupfs"', 'events_logger = "file"', "nofile=1024:4096"], []),
        (replace(BUILD_MACHINE, nofile_hard=512, nproc_hard=-1), ["nofile=512:512", "nproc=4096:4096"], []),
        (replace(BUILD_MACHINE, cap_sys_resource=True), ["cgroupfs"], ["default_ulimits"]),
    ],
)
def test_podman_is_configured_for_the_machine(machine: Machine, expected: list[str], unexpected: list[str]) -> None:
    text = containers_conf(machine, PATHS, "crun")
    assert [part for part in expected if part not in text] == []
    assert [part for part in unexpected if part in text] == []


def test_podman_keeps_its_files_apart() -> None:
    text = containers_conf(WORKSTATION, PATHS, "crun")
    assert 'network_config_dir = "/cache/podman/networks"' in text
    assert 'static_dir = "/cache/podman/libpod"' in text


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], "10.231.0.0/24"),
        (["10.231.0.0/24", "10.231.2.0/24"], "10.231.1.0/24"),
        (["10.231.0.128/25"], "10.231.1.0/24"),
        (["192.168.0.0/16", "10.231.0.0/23"], "10.231.2.0/24"),
    ],
)
def test_the_first_free_subnet_is_taken(taken: list[str], expected: str) -> None:
    assert str(free_subnet([IPv4Network(text) for text in taken])) == expected


def test_a_used_up_pool_names_the_remedy() -> None:
    with pytest.raises(HostsError, match="hosts down --all"):
        free_subnet([IPv4Network("10.0.0.0/8")])


def test_the_pool_can_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTOPS_ACM_HOSTS_POOL", "172.30.0.0/16")
    assert str(free_subnet([])) == "172.30.0.0/24"


def test_addresses_are_known_before_anything_is_made() -> None:
    hosts = place("run", [HostSpec("web1"), HostSpec("web2")], IPv4Network("10.231.4.0/24"))
    assert [(host.address, host.container) for host in hosts.values()] == [
        ("10.231.4.11", "acm-run-web1"),
        ("10.231.4.12", "acm-run-web2"),
    ]


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([HostSpec("Web 1")], "is no host name"),
        ([HostSpec("w" * 24)], "is no host name"),
        ([HostSpec("web1"), HostSpec("web1")], "Two hosts are called web1"),
        ([HostSpec("web1", user="admin")], "User 'admin' does not exist"),
        ([HostSpec("web1", nginx=False, start=("nginx.service",))], "shall start nginx and not have it"),
    ],
)
def test_a_wrong_specification_is_refused(specs: list[HostSpec], message: str) -> None:
    with pytest.raises(HostsError, match=message):
        place("run", specs, IPv4Network("10.231.4.0/24"))


def test_the_control_socket_is_not_too_long() -> None:
    directory = Paths.default().run("r" * 23)
    host = place("r" * 23, [HostSpec("h" * 23, user="deploy")], IPv4Network("10.231.4.0/24"))["h" * 23]
    variables = Access(directory).variables(host)
    path = variables["ansible_control_path"] % {"directory": variables["ansible_control_path_dir"]}
    with_suffix = path.replace("%r", host.user) + "." + "x" * 16
    assert len(with_suffix) <= 107


def test_a_specification_comes_from_json() -> None:
    assert HostSpec.from_mapping({"name": "web1", "start": ["nginx"]}) == HostSpec("web1", start=("nginx",))
    with pytest.raises(HostsError, match="Not a host specification"):
        HostSpec.from_mapping({"name": "web1", "image": "debian"})
