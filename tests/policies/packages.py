# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What evaluates policies: pinned packages of npm below ``.cache``, and a process of Node.js."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "policies"
_PINS = ("package.json", "package-lock.json")


def installed() -> Path:
    """The directory of ``node_modules``; it is filled when it is not what the lock file says."""
    CACHE.mkdir(parents=True, exist_ok=True)
    pins = "".join((HERE / name).read_text(encoding="utf-8") for name in _PINS)
    stamp = CACHE / "installed"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != pins:
            stamp.unlink(missing_ok=True)
            for name in _PINS:
                shutil.copy(HERE / name, CACHE)
            _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            stamp.write_text(pins, encoding="utf-8")
    return CACHE / "node_modules"


def evaluate(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """IAM's answer to each request, in one process."""
    installed()
    answers: list[dict[str, Any]] = json.loads(_run(["node", str(HERE / "simulate.mjs")], json.dumps(requests)))
    return answers


def _run(command: Sequence[str], given: str = "") -> str:
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"there is no {command[0]}: install Node.js 18 or later with npm")
    done = subprocess.run(command, cwd=CACHE, input=given, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr or done.stdout}")
    return done.stdout
