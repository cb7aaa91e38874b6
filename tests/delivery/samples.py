# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented events, one file each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "events"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


def sample(name: str, **fields: Any) -> dict[str, Any]:
    """An event, with some of its fields replaced."""
    event: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {**event, **fields}
