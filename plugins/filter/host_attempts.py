# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_attempts
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Collects what happened on the hosts of a wave
description:
  - Reads the variable C(certops_host_attempts) of hosts as it is. A host speaks of itself only.
positional: _input
options:
  _input:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  hosts:
    description: Names of the hosts of the wave.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say what happened
  ansible.builtin.debug:
    msg: "{{ hostvars | certops.acm.host_attempts(hosts=ansible_play_hosts_all) }}"
"""

RETURN = r"""
_value:
  description: Attempts, as P(certops.acm.deployment_attempt#filter) returns them.
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.certops.acm.plugins.plugin_utils.raw_variables import raw_variable, untrusted


def host_attempts(hostvars: Mapping[str, Mapping[str, Any]], *, hosts: Iterable[str]) -> list[dict[str, Any]]:
    told = {host: raw_variable(hostvars, host, "certops_host_attempts") for host in hosts}
    # A fact that a host returned once may be called so, and be anything: it must not keep others from being recorded.
    lists = {host: attempts for host, attempts in told.items() if isinstance(attempts, list)}
    own = [
        one for host, attempts in lists.items() for one in attempts if isinstance(one, dict) and one.get("host") == host
    ]
    return list(untrusted(own))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"host_attempts": host_attempts}
