# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real test hosts: podman containers with sshd and services, with or without systemd, of Debian packages only."""

from __future__ import annotations

from hosts.errors import HostsError
from hosts.fleet import Fleet
from hosts.spec import Host, HostSpec

__all__ = ["Fleet", "Host", "HostSpec", "HostsError"]
