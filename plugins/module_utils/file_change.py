# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every change to a host's file system: atomic, durable, and in one place.

Whatever runs when a file is replaced either sees the old content or the new one, never half of it. Every path is taken
apart into a directory, held open, and a name in it: no call follows a link that somebody else could have made.
A hook is called before each system call that changes something, so that a test can stop a run there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ansible_collections.certops.acm.plugins.module_utils.held_directory import (
    Directories,
    Held,
    is_ours,
    is_private,
    naming,
)
from ansible_collections.certops.acm.plugins.module_utils.regular_file import Content, Unreadable, read_regular
from ansible_collections.certops.acm.plugins.module_utils.tree_removal import TreeRemoval

Step = Callable[[str, str], object]
Label = Callable[[str, str], None]

# Hidden, and with an ending of its own: no server's include pattern (*.conf, *) matches it.
_TEMPORARY_ENDING = ".certops-tmp"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


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
        errno.EISDIR: f"{path} is a directory: move it away",
        errno.EBUSY: f"{path} is in use, perhaps mounted: unmount it",
        errno.ELOOP: f"{path} leads through a symbolic link that must not be there: remove it or name the real path",
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

    Attributes:
        directories: opens the directory of each path.
    """

    def __init__(self, on_step: Step | None = None, label: Label | None = None) -> None:
        self.directories = Directories()
        self._on_step = on_step
        self._label = label
        self._prepared: set[str] = set()

    # Looking.

    def status(self, path: str) -> os.stat_result | None:
        """Return what is at a path, not following a link; None if nothing is."""
        with contextlib.suppress(FileNotFoundError), self._at(path) as (directory, name):
            return os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
        return None

    def link_target(self, path: str) -> str | None:
        """Return where the symbolic link ``path`` points to; None if it is none."""
        with contextlib.suppress(FileNotFoundError), self._at(path) as (directory, name):
            status = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
            return os.readlink(name, dir_fd=directory.descriptor) if stat.S_ISLNK(status.st_mode) else None
        return None

    def read(self, path: str, limit: int) -> Content:
        """Return the content of a regular file of bounded size; never of what a link leads to."""
        with self._at(path) as (directory, name):
            found = read_regular(name, limit, at=directory.descriptor, shown=path)
            if found.status.st_nlink > 1 and not directory.private:
                raise Unreadable(
                    f"{path} has another name besides, and others than root may write to its directory, so it may be "
                    "anybody's file: replace it by a copy",
                    "preflight",
                )
            return found

    # Changing.

    def make_directory(self, path: str, access: Access) -> None:
        """Make one directory; it appears under its name only with the right mode and owner."""
        temporary = temporary_path(path)
        self.remove_tree(temporary)
        with self._at(temporary) as (directory, name):
            self._step("mkdir", temporary)
            _make_private_directory(name, directory.descriptor)
            try:
                with self.directories.open(temporary) as made:
                    self._give(made.descriptor, temporary, access)
                self._relabel(directory, temporary, path)
                self.rename(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):  # the first error is the one to report
                    os.rmdir(name, dir_fd=directory.descriptor)
                raise

    def take_over(self, path: str) -> None:
        """Take a directory away from another user, who still can go through it, as can its group."""
        with self.directories.open(path) as directory, naming(path):
            access = taken_over(os.fstat(directory.descriptor))
            if access is None:
                return
            # Mode first: its owner, who may be a server, must be able to go through at any moment.
            self._step("chmod", path)
            os.fchmod(directory.descriptor, access.mode)
            self._step("chown", path)
            os.fchown(directory.descriptor, os.geteuid(), -1)
            if stat.S_IMODE(os.fstat(directory.descriptor).st_mode) != access.mode:
                os.fchmod(directory.descriptor, access.mode)  # it was still another's

    def create(self, path: str, content: bytes, access: Access) -> None:
        """Write a new file that nobody looks at yet, and force it to the disk."""
        with self._at(path) as (directory, name):
            self._step("open", path)
            descriptor = os.open(name, _CREATE, 0o600, dir_fd=directory.descriptor)
            try:
                try:
                    self._fill(descriptor, path, content, access)
                finally:
                    os.close(descriptor)
            except BaseException:
                with contextlib.suppress(OSError):  # the first error is the one to report
                    os.unlink(name, dir_fd=directory.descriptor)
                raise

    def _fill(self, descriptor: int, path: str, content: bytes, access: Access) -> None:
        rest = memoryview(content)
        while rest:
            self._step("write", path)
            rest = rest[os.write(descriptor, rest) :]
        self._give(descriptor, path, access)
        self._step("fsync", path)
        os.fsync(descriptor)

    def _give(self, descriptor: int, path: str, access: Access) -> None:
        """Owner and group first: not for a moment may what the mode allows be allowed to another group."""
        if self._other_owner(os.fstat(descriptor), access):
            self._step("chown", path)
            os.fchown(descriptor, -1 if access.uid is None else access.uid, -1 if access.gid is None else access.gid)
        self._step("chmod", path)
        os.fchmod(descriptor, access.mode)

    def prepare(self, path: str, content: bytes, access: Access) -> None:
        """Write the next content of ``path`` beside it, so that ``write`` needs no more space."""
        self.remove_tree(temporary_path(path))  # whatever it is: somebody else may write there, too
        self.create(temporary_path(path), content, access)
        self._prepared.add(path)
        with self._at(path) as (directory, _name):
            self._relabel(directory, temporary_path(path), path)

    def write(self, path: str, content: bytes, access: Access) -> None:
        """Replace the content of ``path``, or make it."""
        if path not in self._prepared:
            self.prepare(path, content, access)
        self._replace(temporary_path(path), path)
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
        self.remove_tree(temporary)
        with self._at(temporary) as (directory, name):
            self._step("symlink", path)
            os.symlink(target, name, dir_fd=directory.descriptor)
            try:
                self._relabel(directory, temporary, path)
                self._replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError):  # the first error is the one to report
                    os.unlink(name, dir_fd=directory.descriptor)
                raise
        self.sync_directory(os.path.dirname(path))

    def rename(self, source: str, target: str) -> None:
        self._replace(source, target, "rename")
        self.sync_directory(os.path.dirname(target))

    def _replace(self, source: str, target: str, step: str = "replace") -> None:
        with self._at(source) as (old, name), self._at(target) as (new, new_name):
            self._step(step, target)
            os.replace(name, new_name, src_dir_fd=old.descriptor, dst_dir_fd=new.descriptor)

    def remove(self, path: str) -> None:
        """Remove a file or link, if it is there."""
        if self.status(path) is None:
            return
        with self._at(path) as (directory, name):
            self._step("unlink", path)
            os.unlink(name, dir_fd=directory.descriptor)
        self.sync_directory(os.path.dirname(path))

    def remove_tree(self, path: str) -> None:
        """Remove a directory, if it is there; it loses its name first, so that half of it is never seen."""
        status = self.status(path)
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            self.remove(path)
            return
        doomed = path if is_temporary(os.path.basename(path)) else temporary_path(path)
        if doomed != path:
            self.remove_tree(doomed)
            self.rename(path, doomed)
        with self._at(doomed) as (directory, name):
            removal = TreeRemoval(self._step, lambda number: f".{number}{_TEMPORARY_ENDING}")
            removal.remove(directory.descriptor, name, doomed)
        self.sync_directory(os.path.dirname(doomed))

    def sync_directory(self, path: str) -> None:
        """Force to the disk what was changed in a directory just now."""
        self._step("fsync", path)
        self.force_directory(path)

    def force_directory(self, path: str) -> None:
        """Force to the disk what an earlier run changed in a directory; no step of this one, which changes nothing."""
        with self.directories.open(path) as directory, naming(path):
            os.fsync(directory.descriptor)

    @contextlib.contextmanager
    def _at(self, path: str) -> Iterator[tuple[Held, str]]:
        """Yield the directory of a path, and its name there; an error of the operating system names the path."""
        parent, name = os.path.split(path)
        with self.directories.open(parent) as directory, naming(path):
            yield directory, name

    @staticmethod
    def _other_owner(status: os.stat_result, access: Access) -> bool:
        return access.uid not in (None, status.st_uid) or access.gid not in (None, status.st_gid)

    def _relabel(self, directory: Held, path: str, final: str) -> None:
        if self._label is None:
            return
        # Where others may write, a path could lead elsewhere by now: then it goes through what is held open.
        held = f"/proc/self/fd/{directory.descriptor}/{os.path.basename(path)}"
        self._label(path if directory.private else held, final)

    def announce(self, step: str) -> None:
        """Tell the hook that a step of the transaction begins."""
        self._step(step, "")

    def _step(self, operation: str, path: str) -> None:
        if self._on_step is not None:
            self._on_step(operation, path)


def taken_over(status: os.stat_result) -> Access | None:
    """Return what a directory of another user becomes when it is taken over; None if it need not be.

    Its owner could go through it as its owner, and can as anybody afterwards.
    """
    if is_private(status):
        return None
    theirs = 0 if is_ours(status.st_uid) else 0o011
    mode = 0o700 | (stat.S_IMODE(status.st_mode) & 0o055) | theirs
    return Access(mode, os.geteuid(), status.st_gid)


def _make_private_directory(name: str, parent: int) -> None:
    former = os.umask(0o077)  # one that takes our own rights away would keep us out of it
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    finally:
        os.umask(former)
