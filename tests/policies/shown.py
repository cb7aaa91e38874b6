# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies as the pages show them: below a mark that says which, written from the templates and ``on_pages.yml``.

A mark is ``<!-- policy: controller/CertificatesPolicy KeepPassphrases -->``: the example stack, the resource, and the
statements to show (all if none is named); or a name of ``on_pages.yml``.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .documents import document

_WIDTH = 116
_MARKED = re.compile(r"(<!-- policy: ([^\n]+?) -->\n\n?```json\n).*?(```)", re.DOTALL)


def rewritten(page: str) -> str:
    """The page with every marked policy as it is now."""

    def write(match: re.Match[str]) -> str:
        name, *sids = re.findall(r"\S+ trust$|\S+", match.group(2))
        return f"{match.group(1)}{text(document(name, tuple(sids)))}\n{match.group(3)}"

    return _MARKED.sub(write, page)


def text(value: Any, depth: int = 0, before: int = 0) -> str:
    """JSON as a person writes it: what is short enough on one line; policies and statements never."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or (depth > 2 and 2 * depth + before + len(line) <= _WIDTH):
        return line
    inner, pad = "  " * (depth + 1), "  " * depth
    if isinstance(value, list):
        items = [text(item, depth + 1) for item in value]
    else:
        items = [f'"{key}": {text(item, depth + 1, len(key) + 4)}' for key, item in value.items()]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n" + ",\n".join(inner + item for item in items) + f"\n{pad}{closed}"
