# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: given_text
author: The certops.acm authors (@certops)
version_added: 0.1.0
short_description: Reads a variable as the text it was written as
description:
  - AWX hands every text of a survey over in a file, as C(!unsafe '1.10'). Since ansible-core 2.19 such a text is read
    as YAML, so that C(1.10) becomes the number 1.1, C(yes) a boolean and C(010) the number 8.
  - A variable that is no text any more is looked up in the files of C(--extra-vars) as it was written there.
options:
  _terms:
    description: Names of variables. One that is not defined is an empty text.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say which value the tag has
  ansible.builtin.debug:
    msg: "{{ lookup('certops.acm.given_text', 'target_tag_value') }}"
"""

RETURN = r"""
_raw:
  description: The texts.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

import yaml
from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        return [_text(name, self._templar.template((variables or {}).get(name, ""))) for name in terms]


def _text(name: str, value: Any) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    written = _as_written(name, context.CLIARGS.get("extra_vars") or ())
    if written is not None:
        return written
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise AnsibleError(f"{name} is {value!r}, which is no text: write it in quotes")


def _as_written(name: str, options: tuple[str, ...]) -> str | None:
    """The text in the file that says it last; None where no file does."""
    for option in reversed(options):
        if not option.startswith("@"):
            if name in option:
                return None
            continue
        try:
            # The plainest of YAML's loaders: every scalar is a text, whatever its tag, and nothing is made of it.
            found = yaml.load(Path(option[1:]).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(found, dict) and isinstance(found.get(name), str):
            return str(found[name])
    return None
