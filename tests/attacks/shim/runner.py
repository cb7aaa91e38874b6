# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of cert_deploy in children of a process that has the shim in it; see driver.py."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from attacks.shim.calls import Call, Order, calls_in

_LOG_DESCRIPTOR = 400


@dataclass(frozen=True)
class Answer:
    """How a run ended.

    Attributes:
        killed: the signal that ended it, if one did.
        result: what the module printed, if it came to that.
        calls: what the shim logged.
    """

    killed: int | None
    result: Mapping[str, Any]
    calls: tuple[Call, ...]

    @property
    def status(self) -> str:
        """Return verified, rolled_back, failed, ... as the module says."""
        return str(self.result.get("status"))


class Runner:
    """The process, inside a ``with`` block.

    Args:
        tracer: a command that runs a command and looks at what it does, such as strace.
    """

    def __init__(self, library: Path, tracer: tuple[str, ...] = ()) -> None:
        self._library = library
        self._tracer = tracer
        self._directory = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Runner:
        preload = ("env", f"LD_PRELOAD={self._library}")
        command = [*self._tracer, *preload, sys.executable, "-m", "attacks.shim.driver"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        assert self._read() == "ready", "it did not start: stderr says why"
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process is not None
        self._process.communicate(timeout=30)  # it ends where its input does
        self._directory.cleanup()

    def run(self, arguments: Mapping[str, Any], order: Order | None = None, sabotage: str | None = None) -> Answer:
        """Run the module; without an order the shim is off."""
        assert self._process is not None and self._process.stdin is not None
        log, errors = (Path(self._directory.name) / name for name in ("log", "errors"))
        job = {
            "arguments": arguments,
            "shim": None if order is None else order.environment(_LOG_DESCRIPTOR),
            "sabotage": sabotage,
            "log": str(log),
            "errors": str(errors),
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._read())
        calls = () if order is None else tuple(calls_in(log.read_text()))
        if answer["signal"] is not None:
            return Answer(answer["signal"], {}, calls)
        assert answer["code"] in (0, 1) and answer["printed"], f"the module ended with {answer}: {errors.read_text()}"
        return Answer(None, cast(dict[str, Any], json.loads(answer["printed"])), calls)

    def _read(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        return self._process.stdout.readline().strip()
