# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: wave_items
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Chooses the items of a plan that belong to a wave
description:
  - Leaves out every certificate that a host of an earlier wave could not take, and every certificate
    that is not ready because it was not exported.
  - A certificate that no host has proven yet, as those before could not be reached, goes to one host.
positional: _input
options:
  _input:
    description: The plan, as P(certops.acm.deployment_plan#filter) returns it.
    type: dict
    required: true
  wave:
    description: Number of the wave, from 1.
    type: int
    required: true
  attempts:
    description: What happened so far, as P(certops.acm.deployment_attempt#filter) returns it.
    type: list
    elements: dict
    default: []
  ready:
    description: ARNs of the certificates that were exported.
    type: list
    elements: str
    default: []
  batch:
    description: Names of the hosts that are about to work side by side; all of the wave when it is not given.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Name the hosts of the first wave
  ansible.builtin.debug:
    msg: "{{ plan | certops.acm.wave_items(wave=1, ready=exported) | map(attribute='host') }}"
"""

RETURN = r"""
_value:
  description: Items, one for each host and certificate.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.report import wave_items as choose


def wave_items(
    plan: dict[str, Any],
    *,
    wave: int,
    attempts: list[dict[str, Any]] | None = None,
    ready: list[str] | None = None,
    batch: list[str] | None = None,
) -> list[dict[str, Any]]:
    return choose(plan, wave, attempts or [], ready or [], batch=batch)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"wave_items": wave_items}
