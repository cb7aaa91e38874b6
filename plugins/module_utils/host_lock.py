# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change of certificates at a time on a host: a lock that dies with the process that holds it."""

from __future__ import annotations

import fcntl
import os
import stat
import time

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.held_directory import is_ours, naming

_PAUSE = 0.1
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class HostLock:
    """Holds ``path`` locked inside a ``with`` block.

    Args:
        path: of the lock file; it stays there afterwards.
        timeout: seconds to wait for another run.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._descriptor = -1

    def __enter__(self) -> HostLock:
        with naming(self._path):
            # Not inherited by children: a server started by a reload must not keep the lock.
            self._descriptor = os.open(self._path, _OPEN, 0o600)
            try:
                self._take()
            except BaseException:
                os.close(self._descriptor)
                raise
        return self

    def _take(self) -> None:
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not is_ours(status.st_uid):
            raise HostError(f"{self._path} is no lock file of cert_deploy: move away what is there", "lock")
        self._wait()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)

    def _wait(self) -> None:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise HostError(self._complaint(), "lock") from None
            time.sleep(_PAUSE)

    def _complaint(self) -> str:
        holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
        who = f"process {holder}" if holder.isdigit() else "another process"
        return (
            f"another run of cert_deploy ({who}) is changing certificates on this host and did not finish within "
            f"{self._timeout:g} s: wait for it, or raise lock_timeout"
        )
