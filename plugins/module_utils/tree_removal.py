# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing a directory with all in it, and nothing else, whoever swaps what in it meanwhile.

Each directory is opened without following a link and taken from its owner before it is listed; what lies deeper is
moved up first, so that neither the depth nor the length of a path matters.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.held_directory import is_private

_HOLD = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_DIRECTORY = (errno.ENOTDIR, errno.ELOOP)
_TRIES = 100


class TreeRemoval:
    """Removes one directory.

    Args:
        step: called before each system call that changes something, with its name and its path.
        name_of: makes the name of a directory that was moved up, from its number.
    """

    def __init__(self, step: Callable[[str, str], None], name_of: Callable[[int], str]) -> None:
        self._step = step
        self._name_of = name_of
        self._number = 0

    def remove(self, parent: int, name: str, path: str) -> None:
        """Remove the directory, or whatever has its name, from the directory ``parent``."""
        for _unused in range(_TRIES):
            try:
                top = os.open(name, _HOLD, dir_fd=parent)
            except OSError as error:
                if error.errno not in _NO_DIRECTORY:
                    raise
                if self._unlinked(parent, name, path):
                    return
                continue
            try:
                self._take(top, os.fstat(parent).st_dev, path)
                self._empty_top(top, path)
            finally:
                os.close(top)
            self._step("rmdir", path)
            with _unless((errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)):
                os.rmdir(name, dir_fd=parent)
                return
        raise HostError(f"{path} changes all the time while it is removed: see who writes there", "clean up")

    def _empty_top(self, top: int, path: str) -> None:
        """Empty the directory; those in it become empty one by one, as what they hold is moved into it."""
        for _unused in range(_TRIES):
            waiting = self._clear(top, path, top)
            if not waiting:
                return
            while waiting:
                waiting += self._remove_below(top, waiting.pop(), path)

    def _remove_below(self, top: int, name: str, path: str) -> list[str]:
        """Remove a directory that lies in the top one; return those that were moved up from it."""
        shown = os.path.join(path, name)
        try:
            child = os.open(name, _HOLD, dir_fd=top)
        except OSError as error:
            if error.errno not in _NO_DIRECTORY:
                raise
            self._unlinked(top, name, shown)
            return []
        try:
            self._take(child, os.fstat(top).st_dev, shown)
            moved = self._clear(child, shown, top)
        finally:
            os.close(child)
        self._step("rmdir", shown)
        with _unless((errno.ENOTEMPTY, errno.EEXIST)):  # then it is found again
            os.rmdir(name, dir_fd=top)
        return moved

    def _clear(self, descriptor: int, path: str, top: int) -> list[str]:
        """Remove all that is no directory, move the directories to the top one; return the names they have there."""
        found = []
        with os.scandir(descriptor) as entries:
            names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, directory in names:
            shown = os.path.join(path, name)
            if not directory and self._unlinked(descriptor, name, shown):
                continue
            found.append(name if descriptor == top else self._move_up(descriptor, name, shown, top))
        return found

    def _move_up(self, descriptor: int, name: str, path: str, top: int) -> str:
        while True:
            self._number += 1
            free = self._name_of(self._number)
            with contextlib.suppress(FileNotFoundError):
                os.stat(free, dir_fd=top, follow_symlinks=False)
                continue
            break
        self._step("rename", path)
        os.rename(name, free, src_dir_fd=descriptor, dst_dir_fd=top)
        return free

    def _take(self, descriptor: int, device: int, path: str) -> None:
        """Make a directory ours alone before it is listed; refuse another file system."""
        status = os.fstat(descriptor)
        if status.st_dev != device:
            raise HostError(f"{path} is on another file system, so it is not removed: unmount it", "clean up")
        if is_private(status):
            return
        self._step("chown", path)
        os.fchown(descriptor, os.geteuid(), -1)
        self._step("chmod", path)
        os.fchmod(descriptor, 0o700)

    def _unlinked(self, descriptor: int, name: str, path: str) -> bool:
        """Remove what is no directory; return whether it was none."""
        self._step("unlink", path)
        try:
            os.unlink(name, dir_fd=descriptor)
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.EPERM):
                raise
            if not stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                raise
            return False
        return True


@contextlib.contextmanager
def _unless(codes: tuple[int, ...]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in codes:
            raise
