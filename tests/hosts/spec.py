# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host shall be, and where it is once it exists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from hosts.errors import HostsError

# Short, because both are part of the path of ssh's control socket, which the kernel limits to 107 characters.
NAME = re.compile(r"[a-z][a-z0-9-]{0,22}")
USERS = ("root", "deploy")
FIRST_ADDRESS = 11


@dataclass(frozen=True)
class HostSpec:
    """What one host shall be.

    :param name: host name, lowercase letters, digits and hyphens.
    :param nginx: False removes the nginx packages, for tests of "nginx is not installed".
    :param systemd: False for a host whose first process is a plain init: there is no systemd to ask or to reload with.
    :param start: services to start, for example ``("nginx",)``; none is started by itself.
    :param tmpfs: directories on a small file system of their own, ``{"/etc/ssl/acm": "64k"}``, for full disks.
    :param user: the user that the inventory logs in with: ``root``, or ``deploy`` who may use sudo.
    :param variables: further host variables for the inventory.
    """

    name: str
    nginx: bool = True
    systemd: bool = True
    start: tuple[str, ...] = ()
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    user: str = "root"
    variables: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> HostSpec:
        """Return a spec from JSON or YAML data.

        :raises HostsError: an unknown key or a missing name.
        """
        try:
            return cls(**{**values, "start": tuple(values.get("start", ()))})
        except TypeError as error:
            raise HostsError(f"Not a host specification: {dict(values)}: {error}") from error

    def validate(self) -> None:
        """Raise HostsError when the specification cannot be a host."""
        if not NAME.fullmatch(self.name):
            raise HostsError(f"{self.name!r} is no host name: use up to 23 lowercase letters, digits and hyphens.")
        if self.user not in USERS:
            raise HostsError(f"User {self.user!r} does not exist on the hosts: choose one of {', '.join(USERS)}.")
        if not self.nginx and any(unit.removesuffix(".service") == "nginx" for unit in self.start):
            raise HostsError(f"Host {self.name} shall start nginx and not have it: remove one of the two.")


DEFAULT_SPECS = tuple(HostSpec(name, start=("nginx",)) for name in ("web1", "web2", "db1"))


@dataclass(frozen=True)
class Host:
    """A host that exists: where it is and how to reach it."""

    name: str
    address: str
    container: str
    systemd: bool
    user: str
    variables: Mapping[str, Any]


def network_name(run_id: str) -> str:
    """Return the name of a run's network.

    :raises HostsError: the run id cannot be part of a name.
    """
    if not NAME.fullmatch(run_id):
        raise HostsError(f"{run_id!r} is no run id: use up to 23 lowercase letters, digits and hyphens.")
    return f"acm-{run_id}"


def place(run_id: str, specs: Sequence[HostSpec], network: IPv4Network) -> dict[str, Host]:
    """Return the hosts of a run with their addresses, before any of them exists.

    :raises HostsError: a specification is wrong, or two have the same name.
    """
    hosts: dict[str, Host] = {}
    for number, spec in enumerate(specs, start=FIRST_ADDRESS):
        spec.validate()
        if spec.name in hosts:
            raise HostsError(f"Two hosts are called {spec.name}.")
        container = f"{network_name(run_id)}-{spec.name}"
        address = str(network[number])
        hosts[spec.name] = Host(spec.name, address, container, spec.systemd, spec.user, dict(spec.variables))
    return hosts
