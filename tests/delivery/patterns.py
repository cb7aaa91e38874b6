# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event patterns, as far as our templates use them: exact values and ``$or``.

Any other operator is refused: one that is not understood must never count as a match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PatternError(Exception):
    """The pattern is none of EventBridge's, or uses what is not known here."""


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Tell whether an event, or a part of one, fits."""
    if not pattern:
        raise PatternError("an empty pattern")
    if not isinstance(event, Mapping):
        return False
    return all(_field_matches(name, wanted, event) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if name == "$or":
        if not isinstance(wanted, list) or len(wanted) < 2:
            raise PatternError("$or needs two alternatives at least")
        return any(matches(alternative, event) for alternative in wanted)
    if isinstance(wanted, Mapping):
        return name in event and matches(wanted, event[name])
    if not isinstance(wanted, list) or not wanted:
        raise PatternError(f"{name}: values are given as a list")
    if any(isinstance(value, (Mapping, list)) for value in wanted):
        raise PatternError(f"{name}: this operator is not known here")
    if name not in event:
        return False
    actual = event[name] if isinstance(event[name], list) else [event[name]]
    # JSON's true is not 1, as it is in Python.
    return any(type(value) is type(one) and value == one for value in wanted for one in actual)
