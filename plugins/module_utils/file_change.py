# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every change to a host's file system: atomic, durable, and in one place.

Whatever runs when a file is replaced either sees the old content or the new one, never half of it.
A hook is called before each system call that changes something, so that a test can stop a run there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

Step = Callable[[str, str], object]
Label = Callable[[str, str], None]

# Hidden, and with an ending of its own: no server's include pattern (*.conf, *) matches it.
_TEMPORARY_ENDING = ".certops-tmp"


@dataclass(frozen=True)
class Access:
    """Mode, owner and group of a file or directory; an owner or group of None stays as it is created."""

    mode: int
    uid: int | None = None
    gid: int | None = None


def temporary_path(path: str) -> str:
    """Return where the next content of ``path`` is prepared: a fixed name, so that a later run can clean it up."""
    directory, base = os.path.split(path)
    return os.path.join(directory, f".{base}{_TEMPORARY_ENDING}")


def is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(_TEMPORARY_ENDING)


def explain(error: OSError) -> str:
    """Return one clear sentence, with the remedy, for an error of the operating system."""
    path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else "a file"
    remedy = {
        errno.ENOSPC: f"no space is left to write {path}: free some on its file system",
        errno.EDQUOT: f"the disk quota does not allow to write {path}: raise it or free some space",
        errno.EROFS: f"{path} is on a read-only file system: mount it read-write or choose another root",
        errno.EACCES: f"this user may not change {path}: run the task with become: true",
        errno.EPERM: f"{path} cannot be changed: run the task with become: true, and see with lsattr "
        "whether it is immutable",
        errno.ENOTDIR: f"a part of the path {path} is not a directory: move away what is there",
        errno.EIO: f"the disk failed on {path}: look into the kernel's log",
    }
    if error.errno in remedy:
        return remedy[error.errno]
    return f"{path}: {error.strerror or error}"


class FileChange:
    """Changes files, directories and links, each atomically.

    Args:
        on_step: called before each system call that changes something, with its name and its path.
        label: gives the security context of its second path to its first one (SELinux).
    """

    def __init__(self, on_step: Step | None = None, label: Label | None = None) -> None:
        self._on_step = on_step
        self._label = label
        self._prepared: set[str] = set()

    def make_directory(self, path: str, access: Access) -> None:
        """Make one directory; it appears under its name only with the right mode and owner."""
        temporary = temporary_path(path)
        self.remove_tree(temporary)
        self._step("mkdir", temporary)
        os.mkdir(temporary, 0o700)
        try:
            self._step("chmod", temporary)
            os.chmod(temporary, access.mode)
            self._chown(temporary, access)
            self._relabel(temporary, path)
            self.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):  # the first error is the one to report
                os.rmdir(temporary)
            raise

    def create(self, path: str, content: bytes, access: Access) -> None:
        """Write a new file that nobody looks at yet, and force it to the disk."""
        self._step("open", path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                self._fill(descriptor, path, content, access)
            finally:
                os.close(descriptor)
        except BaseException as error:
            if isinstance(error, OSError) and not isinstance(error.filename, str):
                error.filename = path
            with contextlib.suppress(OSError):  # the first error is the one to report
                os.unlink(path)
            raise

    def _fill(self, descriptor: int, path: str, content: bytes, access: Access) -> None:
        rest = memoryview(content)
        while rest:
            self._step("write", path)
            rest = rest[os.write(descriptor, rest) :]
        self._step("chmod", path)
        os.fchmod(descriptor, access.mode)
        if self._other_owner(os.fstat(descriptor), access):
            self._step("chown", path)
            os.fchown(descriptor, -1 if access.uid is None else access.uid, -1 if access.gid is None else access.gid)
        self._step("fsync", path)
        os.fsync(descriptor)

    def prepare(self, path: str, content: bytes, access: Access) -> None:
        """Write the next content of ``path`` beside it, so that ``write`` needs no more space."""
        self.remove(temporary_path(path))
        self.create(temporary_path(path), content, access)
        self._prepared.add(path)
        self._relabel(temporary_path(path), path)

    def write(self, path: str, content: bytes, access: Access) -> None:
        """Replace the content of ``path``, or make it."""
        if path not in self._prepared:
            self.prepare(path, content, access)
        self._step("replace", path)
        os.replace(temporary_path(path), path)
        self._prepared.discard(path)
        self.sync_directory(os.path.dirname(path))

    def discard_prepared(self) -> None:
        """Remove what was prepared and never written."""
        for path in sorted(self._prepared):
            self.remove(temporary_path(path))
        self._prepared.clear()

    def swap_link(self, path: str, target: str) -> None:
        """Point the symbolic link ``path`` to ``target``, whatever file or link was there."""
        temporary = temporary_path(path)
        self.remove(temporary)
        self._step("symlink", path)
        os.symlink(target, temporary)
        try:
            self._relabel(temporary, path)
            self._step("replace", path)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):  # the first error is the one to report
                os.unlink(temporary)
            raise
        self.sync_directory(os.path.dirname(path))

    def rename(self, source: str, target: str) -> None:
        self._step("rename", target)
        os.rename(source, target)
        self.sync_directory(os.path.dirname(target))

    def remove(self, path: str) -> None:
        """Remove a file or link, if it is there."""
        if not os.path.lexists(path):
            return
        self._step("unlink", path)
        os.unlink(path)
        self.sync_directory(os.path.dirname(path))

    def remove_tree(self, path: str) -> None:
        """Remove a directory, if it is there; it loses its name first, so that half of it is never seen."""
        if not os.path.lexists(path):
            return
        doomed = path if is_temporary(os.path.basename(path)) else temporary_path(path)
        if doomed != path:
            self.remove_tree(doomed)
            self.rename(path, doomed)
        if os.path.islink(doomed) or not os.path.isdir(doomed):
            self.remove(doomed)
            return
        for directory, _directories, names in os.walk(doomed, topdown=False):
            for name in names + [entry for entry in _directories if os.path.islink(os.path.join(directory, entry))]:
                self._step("unlink", os.path.join(directory, name))
                os.unlink(os.path.join(directory, name))
            self._step("rmdir", directory)
            os.rmdir(directory)
        self.sync_directory(os.path.dirname(doomed))

    def sync_directory(self, path: str) -> None:
        self._step("fsync", path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _chown(self, path: str, access: Access) -> None:
        if self._other_owner(os.stat(path), access):
            self._step("chown", path)
            os.chown(path, -1 if access.uid is None else access.uid, -1 if access.gid is None else access.gid)

    @staticmethod
    def _other_owner(status: os.stat_result, access: Access) -> bool:
        return access.uid not in (None, status.st_uid) or access.gid not in (None, status.st_gid)

    def _relabel(self, path: str, final: str) -> None:
        if self._label is not None:
            self._label(path, final)

    def announce(self, step: str) -> None:
        """Tell the hook that a step of the transaction begins."""
        self._step(step, "")

    def _step(self, operation: str, path: str) -> None:
        if self._on_step is not None:
            self._on_step(operation, path)


def mode_of(path: str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)
