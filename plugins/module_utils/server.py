# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server that serves the certificate: is it there, is its configuration good, reload it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.certops.acm.plugins.module_utils import apache_pairs
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError

TIMEOUT = 60.0
_OUTPUT_LIMIT = 1500
# Of what a command prints, the last of it is read; one that never stops printing is stopped itself.
_READ_LIMIT = 4 << 20
_PRINT_LIMIT = 64 << 20
_PAUSE = 0.1
# Logins without root's PATH do not see where servers live.
_PATH = ":".join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin"])


class Outcome(NamedTuple):
    """How a command ended; ``code`` is None when it had to be stopped."""

    code: int | None
    output: str


def run_command(argv: tuple[str, ...], timeout: float = TIMEOUT) -> Outcome:
    """Run a command without a shell and return its exit code and what it printed.

    Raises:
        HostError: the program is not installed.
    """
    program = shutil.which(argv[0], path=_PATH)
    if program is None:
        raise HostError(missing(argv[0]), "preflight")
    environment = {**os.environ, "LC_ALL": "C", "PATH": _PATH}
    # Into a file and not a pipe: a daemon started by a reload would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            code = _wait(process, output.fileno(), time.monotonic() + timeout)
        finally:
            if process.returncode is None:  # also when the run is told to stop
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(max(os.fstat(output.fileno()).st_size - _READ_LIMIT, 0))
        text = output.read(_READ_LIMIT).decode("utf-8", "replace").strip()
    return Outcome(code, text)


def _wait(process: subprocess.Popen[bytes], output: int, deadline: float) -> int | None:
    """Return the exit code; None if the process has to be stopped."""
    while True:
        try:
            return process.wait(min(max(deadline - time.monotonic(), 0), _PAUSE))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline or os.fstat(output).st_size > _PRINT_LIMIT:
                return None


def _short(output: str) -> str:
    return output if len(output) <= _OUTPUT_LIMIT else "..." + output[-_OUTPUT_LIMIT:]


def missing(program: str) -> str:
    return f"{os.path.basename(program)} is not installed on this host (no program {program}): install it first"


def systemd_runs() -> bool:
    return os.path.isdir("/run/systemd/system")


@dataclass(frozen=True)
class Server:
    """How to test and reload a server.

    Attributes:
        config_test: command that exits with 0 if the configuration is good; empty for none.
        unit: systemd unit, reloaded by systemctl where systemd runs.
        reload_command: reloads where systemd does not run or no unit is given; empty for none.
        run: runs a command.
        systemd: says whether systemd runs.
    """

    config_test: tuple[str, ...] = ()
    unit: str | None = None
    reload_command: tuple[str, ...] = ()
    run: Callable[[tuple[str, ...]], Outcome] = run_command
    systemd: Callable[[], bool] = systemd_runs

    @property
    def name(self) -> str:
        if self.unit:
            return self.unit
        return os.path.basename((self.reload_command or self.config_test or ("the server",))[0])

    @property
    def can_reload(self) -> bool:
        return self._by_systemd or bool(self.reload_command)

    @property
    def _by_systemd(self) -> bool:
        return self.unit is not None and self.systemd()

    def problem(self) -> str | None:
        """Return why the server cannot be changed now: not installed, or not running."""
        programs = [argv[0] for argv in (self.config_test, () if self._by_systemd else self.reload_command) if argv]
        for program in programs:
            if shutil.which(program, path=_PATH) is None:
                return missing(program)
        if not self._by_systemd or self.is_active():
            return None
        loaded = self.run(("systemctl", "show", "--property=LoadState", "--value", self.name)).output
        if loaded == "not-found":
            return f"{self.name} is not installed on this host (systemd knows no unit {self.name}): install it first"
        return f"{self.name} is not running on this host: start it (systemctl start {self.name}), then run again"

    def is_active(self) -> bool:
        """Return whether the unit is active; without systemd nobody knows, which counts as active."""
        return not self._by_systemd or self.run(("systemctl", "is-active", "--quiet", self.name)).code == 0

    def test(self) -> str | None:
        """Run the configuration test; return what is wrong if the configuration is bad, else None."""
        if not self.config_test:
            return None
        code, output = self.run(self.config_test)
        if code == 0:
            return self._mismatched_pair()
        return _short(output) or ("it did not end in time" if code is None else f"exit code {code} and no output")

    def _mismatched_pair(self) -> str | None:
        if not apache_pairs.is_apache(self.config_test):
            return None
        return apache_pairs.mismatched(self.run(apache_pairs.list_command(self.config_test)).output)

    def reload(self) -> None:
        """Reload the server, if there is a way to."""
        if not self.can_reload:
            return
        argv = ("systemctl", "reload", self.name) if self._by_systemd else self.reload_command
        code, output = self.run(argv)
        if code != 0:
            reason = "did not end in time" if code is None else f"failed with exit code {code}"
            raise HostError(f"{' '.join(argv)} {reason}: {_short(output) or 'it printed nothing'}", "reload")

    def revive(self) -> None:
        """Reload the server, or start it if the failed change killed it (a dead server cannot be reloaded)."""
        if self._by_systemd and not self.is_active():
            start = ("systemctl", "start", self.name)
            code, output = self.run(start)
            if code is None:  # systemd first waits for what the dead server left, up to 90 s
                code, output = self.run(start)
            if code != 0:
                reason = _short(output) or "it did not start in time"
                raise HostError(f"{self.name} died and cannot be started again: {reason}", "reload")
            return
        self.reload()
