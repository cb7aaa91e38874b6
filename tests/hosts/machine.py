# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this machine is: privileges, cgroups, limits and installed programs."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hosts.errors import HostsError

APT_PACKAGES = Path(__file__).with_name("apt-packages.txt")
CAP_SYS_RESOURCE = 24
NETAVARK_DIRS = ("/usr/lib/podman", "/usr/libexec/podman", "/usr/local/libexec/podman")
HOSTS_WITHOUT_TUNING = 30
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")


@dataclass(frozen=True)
class Machine:
    """The properties of the machine that decide how podman is configured."""

    cgroup_v2: bool
    systemd: bool
    cap_sys_resource: bool
    nofile_hard: int
    nproc_hard: int

    @classmethod
    def detect(cls) -> Machine:
        """Read the properties from the running kernel."""
        return cls(
            cgroup_v2=Path("/sys/fs/cgroup/cgroup.controllers").exists(),
            systemd=Path("/run/systemd/system").is_dir(),
            cap_sys_resource=_has_capability(CAP_SYS_RESOURCE),
            nofile_hard=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
            nproc_hard=resource.getrlimit(resource.RLIMIT_NPROC)[1],
        )


def require_root() -> None:
    """Raise HostsError unless this process is root.

    :raises HostsError: rootless podman has no bridge with fixed addresses reachable from the machine.
    """
    if os.geteuid() != 0:
        raise HostsError("Real test hosts need root: run this again as root, for example with sudo.")


def require_programs(programs: Sequence[str]) -> None:
    """Raise HostsError when a program is missing, naming the packages to install.

    :param programs: names looked up on PATH; ``netavark`` is looked up where podman keeps it.
    :raises HostsError: with the command that installs everything.
    """
    missing = [name for name in programs if not _installed(name)]
    if missing:
        packages = " ".join(APT_PACKAGES.read_text(encoding="utf-8").split())
        raise HostsError(
            f"Not installed on this machine: {', '.join(missing)}. Real test hosts need (Debian, Ubuntu): "
            f"apt-get install --no-install-recommends {packages}"
        )


def require_inotify(hosts: int) -> None:
    """Raise HostsError when the kernel's inotify limit is too low for the number of hosts."""
    limit = int(INOTIFY_INSTANCES.read_text(encoding="ascii")) if INOTIFY_INSTANCES.exists() else 1024
    if hosts > HOSTS_WITHOUT_TUNING and limit < 1024:
        raise HostsError(f"{hosts} hosts need more inotify instances: sysctl fs.inotify.max_user_instances=1024")


def _installed(name: str) -> bool:
    if name == "netavark":
        return any((Path(folder) / name).exists() for folder in NETAVARK_DIRS)
    return shutil.which(name) is not None


def _has_capability(number: int) -> bool:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False
