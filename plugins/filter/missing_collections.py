# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: missing_collections
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Tells which collections are not installed
description:
  - A role that needs collections which this one does not depend on says so before it begins.
positional: _input
options:
  _input:
    description: Names of collections.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Check that what IIS needs is there
  ansible.builtin.assert:
    that: (['ansible.windows', 'microsoft.iis'] | certops.acm.missing_collections) == []
"""

RETURN = r"""
_value:
  description: Those that are not installed.
  type: list
  elements: str
"""

import importlib.util
from typing import Any


def missing_collections(names: list[str]) -> list[str]:
    return [name for name in names if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(f"ansible_collections.{name}") is not None
    except ImportError:
        return False


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"missing_collections": missing_collections}
