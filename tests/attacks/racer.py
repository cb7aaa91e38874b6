# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another user of the host: one who exchanges two names without a pause, and one who tries to read something."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import struct
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

NOBODY = 65534
_EXCHANGE = 2
_LIBRARY = ctypes.CDLL(None, use_errno=True)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


def become(uid: int, gid: int, groups: list[int] | None = None) -> None:
    os.setgroups(groups or [])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def as_user(work: Callable[[], object], uid: int = NOBODY, gid: int = NOBODY, groups: list[int] | None = None) -> bool:
    """Return whether a user may do something; what fails with another error than a refusal fails the test."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            become(uid, gid, groups)
            work()
            code = 0
        except PermissionError:
            code = 1
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1), code
    return code == 0


def exchange(one: Path, other: Path) -> None:
    """Exchange two names in one call."""
    if _LIBRARY.renameat2(-1, bytes(one), -1, bytes(other), _EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2", str(one))


class Racer:
    """Exchanges two names in a directory for as long as a ``with`` block lasts, as a user without rights.

    It holds the directory open, so that it goes on when that is renamed.

    Attributes:
        swaps: how often it succeeded.
    """

    def __init__(self, directory: Path, one: str, other: str, uid: int = NOBODY) -> None:
        self._directory, self._names, self._uid = directory, (one.encode(), other.encode()), uid
        self._count = mmap.mmap(-1, 16)
        self._child = 0

    @property
    def swaps(self) -> int:
        return int(struct.unpack_from("Q", self._count)[0])

    def __enter__(self) -> Racer:
        self._child = os.fork()
        if self._child == 0:
            try:
                self._race()
            finally:
                os._exit(0)
        while not self._count[8]:
            os.sched_yield()
        return self

    def __exit__(self, *exception: object) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)

    def _race(self) -> None:
        signal.alarm(30)  # should the test be killed
        become(self._uid, self._uid)
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        self._count[8] = 1
        swaps, refused = 0, 0
        while refused < 1000:
            if _LIBRARY.renameat2(descriptor, self._names[0], descriptor, self._names[1], _EXCHANGE) == 0:
                swaps += 1
                struct.pack_into("Q", self._count, 0, swaps)
            else:
                refused += 1
