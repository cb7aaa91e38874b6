# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Primitives of the operating system, broken on purpose: what they do to a run must be noticed.

They stand in for mistakes that a change to the product could make: the same calls, in the wrong way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def in_place() -> None:
    """A file is replaced by emptying it and writing the new content into it."""
    rename = os.rename

    def overwrite(source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        status = os.stat(source, dir_fd=src_dir_fd, follow_symlinks=False)
        try:
            there = os.stat(target, dir_fd=dst_dir_fd, follow_symlinks=False)
        except FileNotFoundError:
            there = None
        if there is None or (status.st_mode & 0o170000, there.st_mode & 0o170000) != (0o100000, 0o100000):
            rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
            return
        old = os.open(source, os.O_RDONLY, dir_fd=src_dir_fd)
        new = os.open(target, os.O_WRONLY | os.O_TRUNC, dir_fd=dst_dir_fd)
        os.write(new, os.read(old, 1 << 20))
        os.fsync(new)
        os.close(old)
        os.close(new)
        os.unlink(source, dir_fd=src_dir_fd)

    _replace_renames(overwrite)


def remove_first() -> None:
    """What is to be replaced is removed first."""
    rename = os.rename

    def clumsy(source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        try:
            os.unlink(target, dir_fd=dst_dir_fd)
        except (FileNotFoundError, IsADirectoryError):
            pass
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    _replace_renames(clumsy)


def never_sync() -> None:
    """Nothing is forced to the disk."""
    _put("fsync", lambda descriptor: None)


def never_sync_directories() -> None:
    """Contents are forced to the disk, and no names."""
    fsync = os.fsync

    def files_only(descriptor: Any) -> None:
        if os.fstat(descriptor).st_mode & 0o170000 == 0o100000:
            fsync(descriptor)

    _put("fsync", files_only)


def open_to_all() -> None:
    """A file is made with the mode of a file that everybody may read."""
    opened = os.open

    def careless(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        return opened(path, flags, 0o644 if flags & os.O_CREAT else mode, dir_fd=dir_fd)

    _put("open", careless)


def untidy() -> None:
    """What is not needed any more stays."""
    unlink = os.unlink

    def forgetful(path: Any, *, dir_fd: int | None = None) -> None:
        if not os.path.basename(os.fsdecode(path)).startswith("journal"):
            unlink(path, dir_fd=dir_fd)

    _put("unlink", forgetful)
    _put("remove", forgetful)


def _replace_renames(instead: Callable[..., None]) -> None:
    _put("rename", instead)
    _put("replace", instead)


def _put(name: str, instead: Callable[..., Any]) -> None:
    setattr(os, name, instead)


SABOTAGE: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (in_place, remove_first, never_sync, never_sync_directories, open_to_all, untidy)
}
