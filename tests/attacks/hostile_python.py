# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose root user answers what he likes: a "Python" that prints one result, whatever module it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def hostile_python(directory: Path, result: dict[str, Any]) -> Path:
    """Make an interpreter that answers ``result``; the module that comes over its standard input is thrown away."""
    directory.mkdir()
    answer, program = directory / "answer.json", directory / "python3"
    answer.write_text(json.dumps(result), encoding="utf-8")
    program.write_text(f"#!/bin/sh\ncat >/dev/null\ncat {answer}\n", encoding="utf-8")
    program.chmod(0o755)
    return program
