# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that somebody else wrote: events, tags, names, records. It is data, never a template."""

from __future__ import annotations

import re
from typing import Any

# Where Jinja begins to read. ansible-core before 2.19 evaluates such text wherever a template names it.
_MARKS = re.compile(r"\{[{%#]")
_UNSHOWN = re.compile(r"[^\w .,:;@/+=()\[\]!?&'*~-]", re.ASCII)


def has_template_marks(text: str) -> bool:
    """Tell whether Jinja would find something to evaluate in a text."""
    return _MARKS.search(text) is not None


def shown(value: Any, length: int = 60) -> str:
    """Return text for a message: printable, at most ``length`` characters, and nothing that Jinja would evaluate."""
    text = value if isinstance(value, str) else ascii(value)
    return _UNSHOWN.sub("?", text[:length])
