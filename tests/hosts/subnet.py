# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One free subnet per run."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from hosts.errors import HostsError

POOL = "10.231.0.0/16"
PREFIX = 24


def free_subnet(taken: Iterable[IPv4Network]) -> IPv4Network:
    """Return the first subnet of the pool that overlaps nothing taken.

    :param taken: subnets of other runs and routes of the machine.
    :raises HostsError: the pool is used up; CERTOPS_ACM_HOSTS_POOL names another one.
    """
    pool = os.environ.get("CERTOPS_ACM_HOSTS_POOL", POOL)
    used = list(taken)
    for candidate in IPv4Network(pool).subnets(new_prefix=PREFIX):
        if not any(candidate.overlaps(network) for network in used):
            return candidate
    raise HostsError(
        f"No free /{PREFIX} subnet left in {pool}: remove old runs (python -m hosts down --all) "
        "or set CERTOPS_ACM_HOSTS_POOL to another network."
    )


def routes() -> Iterator[IPv4Network]:
    """Yield the networks that the machine has routes to, without the default route."""
    table = Path("/proc/net/route")
    for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []:
        destination, mask = (_address(line.split()[column]) for column in (1, 7))
        if int(mask):
            yield IPv4Network(f"{destination}/{mask}", strict=False)


def _address(field: str) -> IPv4Address:
    return IPv4Address(struct.pack("=I", int(field, 16)))
