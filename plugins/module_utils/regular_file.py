# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what somebody else may have put there: a regular file of bounded size, or a clear error, and never a wait."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.held_directory import Walk, naming

PEM_LIMIT = 1 << 20
NOTES_LIMIT = 64 << 10  # what a version says of itself
MEMORY_LIMIT = 4 << 20  # journal and record, whose length grows with the number of links and files
FILE_LIMIT = 4 << 20  # configuration files and what links replace
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Unreadable(HostError):
    """What is at a path is no file that may be read."""


@dataclass(frozen=True)
class Content:
    """What a file held, and whose it was: both of the same file, whatever its name leads to now."""

    data: bytes = field(repr=False)
    status: os.stat_result


def read_regular(name: str, limit: int, *, at: int | None = None, shown: str = "", follow: bool = False) -> Content:
    """Read a regular file.

    Args:
        limit: bytes that it may have at most.
        at: descriptor of the directory that holds it.
        shown: its path, for people.
        follow: whether it may be a symbolic link; only where nobody else can make one.

    Raises:
        Unreadable: it is something else, or too large.
        OSError: it is not there, or cannot be read.
    """
    shown = shown or name
    # Merely to open a device may do something; what counts is the second look, at what is open.
    _must_be_regular(os.stat(name, dir_fd=at, follow_symlinks=follow), shown)
    try:
        descriptor = os.open(name, _OPEN if follow else _OPEN | os.O_NOFOLLOW, dir_fd=at)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EAGAIN):
            raise Unreadable(f"{shown} is being changed or kept open by somebody: run again", "preflight") from None
        raise
    try:
        status = os.fstat(descriptor)
        _must_be_regular(status, shown)
        return Content(_read(descriptor, limit, status.st_size, shown), status)
    finally:
        os.close(descriptor)


def _must_be_regular(status: os.stat_result, shown: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise Unreadable(
            f"{shown} is {kind} where a regular file belongs: move it away or choose another path", "preflight"
        )


def _read(descriptor: int, limit: int, size: int, shown: str) -> bytes:
    parts: list[bytes] = []
    rest = limit + 1
    while size <= limit and rest:
        part = os.read(descriptor, min(rest, 1 << 16))
        if not part:
            return b"".join(parts)
        parts.append(part)
        rest -= len(part)
    raise Unreadable(
        f"{shown} is larger than {_amount(limit)}, the most that is read there: move it away or put back the right one",
        "preflight",
    )


def _amount(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"


def read_linked(path: str, limit: int) -> Content | None:
    """Read the file that a symbolic link leads to; None if it leads to no regular file.

    A link that somebody else than root could have put there is followed only to a file of the link's own owner: it
    must not show what its owner may not read.
    """
    try:
        with naming(path), Walk() as walk:
            parent, name = os.path.split(path)
            walk.enter(parent.split("/")[1:] if parent != "/" else [])
            while stat.S_ISLNK(os.stat(name, dir_fd=walk.descriptor, follow_symlinks=False).st_mode):
                *names, name = walk.through(name, trusting=True) or ["."]
                walk.enter(names, trusting=True)
            if not stat.S_ISREG(os.stat(name, dir_fd=walk.descriptor, follow_symlinks=False).st_mode):
                return None
            found = read_regular(name, limit, at=walk.descriptor, shown=path)
            if walk.owners - {found.status.st_uid}:
                raise Unreadable(
                    f"{path} is a symbolic link that others than root could have made, and it leads to a file of "
                    "another user, which is therefore not read: remove the link or replace it by a file",
                    "preflight",
                )
            return found
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextlib.contextmanager
def in_memory(content: bytes, path: str) -> Iterator[str]:
    """Yield a path under which a library can load ``content`` while nobody can change it.

    Where the system cannot do that (it is no Linux) it is ``path`` itself.
    """
    descriptor = os.memfd_create("certops") if hasattr(os, "memfd_create") else -1
    try:
        shown = f"/proc/self/fd/{descriptor}"
        if descriptor >= 0 and os.path.exists(shown):
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            yield shown
        else:
            yield path
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def parse_json(content: bytes) -> Any:
    """Return what JSON text holds; ValueError for whatever is wrong with it, however deep it is nested."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deep") from None
