# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operating system refuses: one call alone, or every call from one on; or the run is told to stop."""

from __future__ import annotations

import errno
import os
import signal
from collections import Counter
from pathlib import Path
from typing import NoReturn

from faults.onhost.crash import MOST, difference, heal, run_unhurt
from faults.onhost.stage import ROOT, Stage, Step

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack

CALLS = ("mkdir", "chmod", "chown", "open", "write", "fsync", "symlink", "replace", "rename", "unlink", "rmdir")
ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO)


class Trouble:
    """A hook that hurts the n-th call or step, or all from the n-th on."""

    def __init__(self, number: int, kind: str) -> None:
        self._number = number
        self._kind = kind
        self.count = 0

    @property
    def met(self) -> bool:
        return self.count > self._number

    def __call__(self, operation: str, path: str) -> None:
        if operation not in CALLS and self._kind != "stop":
            return
        number, self.count = self.count, self.count + 1
        if number == self._number and self._kind == "stop":
            os.kill(os.getpid(), signal.SIGTERM)
        elif number == self._number and self._kind == "once":
            code = ERRORS[number % len(ERRORS)]
            raise OSError(code, os.strerror(code), path)
        elif number >= self._number and self._kind == "lasting":
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)


def stop(number: int, _frame: object) -> NoReturn:
    """What the module does when it is told to stop."""
    raise HostError(f"the run was stopped by signal {number}", "stopped")


def errors(stage: Stage, kind: str, only: range = range(MOST)) -> dict[str, int]:
    """Hurt every call in turn; count what came of it."""
    signal.signal(signal.SIGTERM, stop)
    # Several hosts share few processors here, and how long an old worker lingers is not the matter.
    stage.options = {**stage.options, "handshake_timeout": 20.0}
    before = stage.snapshot()
    run_unhurt(stage)
    expected = heal(stage, "unhurt")
    outcomes: Counter[str] = Counter()
    dirty = True
    for number in only:
        if dirty:
            stage.reset()
        trouble, when = Trouble(number, kind), f"{kind} at call {number}"
        # What is refused for good, or had failed already, may keep a run from going back.
        outcome = _run(stage, trouble, goes_back="" if kind == "lasting" or stage.fails else when)
        if not trouble.met:
            return dict(outcomes)
        outcomes[outcome] += 1
        dirty = _check(stage, before, outcome, when)
        if dirty:
            left = heal(stage, when)
            assert left == expected, f"{when}, healed: {difference(expected, left)}"
    return dict(outcomes)


def full_disk(stage: Stage) -> dict[str, int]:
    """Leave ever more room on the file system of the certificates, until there is enough."""
    before = stage.snapshot()
    run_unhurt(stage)
    expected = heal(stage, "unhurt")
    outcomes: Counter[str] = Counter()
    for pages in range(MOST):
        stage.reset()
        filler = fill(pages)
        outcome = _run(stage)
        filler.unlink()
        outcomes[outcome] += 1
        _check(stage, before, outcome, f"with {pages} pages left")
        left = heal(stage, f"with {pages} pages left")
        assert left == expected, f"with {pages} pages left, healed: {difference(expected, left)}"
        if outcome == "done" or (stage.fails and outcome == "rolled back"):
            return dict(outcomes)
    raise AssertionError("the disk is always full")


def fill(pages: int) -> Path:
    """Fill the file system of the certificates but for some pages; the file that fills it."""
    filler = ROOT / "filler"
    status = os.statvfs(ROOT)
    assert status.f_blocks * status.f_frsize < 2**21, "the certificates lie on no small file system"
    filler.write_bytes(bytes((status.f_bavail - pages) * status.f_frsize))
    return filler


def _run(stage: Stage, hook: Step | None = None, *, goes_back: str = "") -> str:
    """Return what the run said of itself; ``goes_back`` tells when it is hurt, where it must be able to go back."""
    try:
        report = stage.transaction(stage.options, hook).run()
    except RolledBack as error:
        assert str(error).startswith("everything is as it was before: ")
        return "rolled back"
    except HostError as error:
        if "going back failed, too" not in str(error):
            return "nothing changed"
        assert not goes_back, f"{goes_back}: {error}"
        return "going back failed"
    return "done with a warning" if report.warnings else "done"


def _check(stage: Stage, before: dict[str, str], outcome: str, when: str) -> bool:
    """Hold the host to what the run said; return whether its files changed."""
    after = stage.snapshot()
    if outcome in ("rolled back", "nothing changed"):
        stage.must_settle(stage.first, when)
        # Where something failed before or still fails, what was staged may stay: the next run sweeps it.
        assert stage.fails or "lasting" in when or after == before, f"{when}, {outcome}: {difference(before, after)}"
    elif outcome == "going back failed":
        stage.must_serve(when)
    else:
        stage.must_settle(stage.final, when)
    if after == before:
        return False
    stage.stop()
    stage.start()
    served = stage.must_serve(f"{when}, started again")
    assert served == stage.first or outcome not in ("rolled back", "nothing changed"), f"{when}: {served} on the disk"
    return True
