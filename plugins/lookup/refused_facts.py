# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: refused_facts
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Fails when the facts of a host are called like variables of this collection
description:
  - Ansible makes each fact that a host returns a variable, and it wins over the defaults of a role. The root user of a
    host could so choose which certificate is exported for it, or which file of the controller it is sent as a template.
  - The roles of the collection ask this lookup before they do anything.
options:
  _terms:
    description: Nothing.
notes:
  - Facts that M(ansible.builtin.set_fact) sets count with C(cacheable=true) only.
"""

EXAMPLES = r"""
- name: Do something with variables that no host can have set
  ansible.builtin.debug:
    msg: "{{ certificate_arn }}"
  when: query('certops.acm.refused_facts') == []
"""

RETURN = r"""
_list:
  description: An empty list.
  type: list
  elements: str
"""

import re
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.certops.acm.plugins.module_utils.text import shown

_OURS = re.compile(r"_*(?:ansible_)?_*(?:certops|certificate|(?:file|nginx|apache|iis)_certificate|export|target)_.*")


class LookupModule(LookupBase):
    """A lookup, as it sees the facts apart from all other variables."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        found = sorted(shown(name) for name in (variables or {}).get("ansible_facts") or {} if _OURS.fullmatch(name))
        if found:
            raise AnsibleError(
                f"the host returned facts that are called like variables of this collection ({', '.join(found[:5])}): "
                "no role uses them, so nothing was done; find out who controls the host, and clear its cached facts"
            )
        return []
