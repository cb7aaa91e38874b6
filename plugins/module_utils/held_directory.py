# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories entered one name at a time and held open, so that nobody can redirect root by swapping a name.

A name that only root (or the user who runs this) can change may be a symbolic link, as /etc/ssl is on some systems.
Where another user can change names, no link is followed to a directory: what is opened is that user's own directory
at worst, and everything is then done relative to its descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError

_PATH_ONLY = getattr(os, "O_PATH", None)  # Linux, and newer FreeBSD
_STEP = (os.O_RDONLY if _PATH_ONLY is None else _PATH_ONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HOLD = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_MOST_LINKS = 40


@dataclass(frozen=True)
class Held:
    """An open directory.

    Attributes:
        private: only root and the running user can change what a name in it leads to.
    """

    descriptor: int
    path: str
    private: bool


def is_ours(uid: int) -> bool:
    """Return whether a file's owner is root or the user who runs this."""
    return uid in (0, os.geteuid())


def is_private(status: os.stat_result) -> bool:
    """Return whether nobody else can make, remove or rename anything in a directory."""
    return is_ours(status.st_uid) and not status.st_mode & _OTHERS_WRITE


def _keeps(parent: os.stat_result, owner: int) -> bool:
    """Return whether nobody else can replace what an owner has in a directory."""
    sticky = bool(parent.st_mode & stat.S_ISVTX) and is_ours(owner)
    return is_private(parent) or (is_ours(parent.st_uid) and sticky)


class Walk:
    """The way along a path from the top; owns ``descriptor``, the directory it has come to.

    Attributes:
        stable: nobody else can change where the way so far leads.
        owners: of the links on the way that somebody else could have put there.
    """

    def __init__(self) -> None:
        self.stable = True
        self.owners: set[int] = set()
        self._links = 0
        self.descriptor = os.open("/", _STEP)
        self._path = "/"

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self.descriptor)

    def enter(self, names: list[str], *, trusting: bool = False) -> None:
        """Go into each directory, through links where nobody else could have put them.

        Args:
            trusting: also through the others, whose owners are then noted.
        """
        names = list(names)
        while names:
            name = names.pop(0)
            status = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                names = self.through(name, trusting=trusting) + names
            else:
                self._go(name)

    def through(self, name: str, *, trusting: bool) -> list[str]:
        """Read a link; return the names that it leads along from where this way then is."""
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._path)
        status, target = _link_at(name, self.descriptor)
        if not (self.stable and _keeps(os.fstat(self.descriptor), status.st_uid)):
            if not trusting:
                raise HostError(
                    f"{os.path.join(self._path, name)} is a symbolic link that {_user(status.st_uid)} or somebody else "
                    "than root could change, so it may lead anywhere: name the path without it",
                    "preflight",
                )
            self.owners.add(status.st_uid)
        if target.startswith("/"):
            self._move(os.open("/", _STEP), "/", stable=True)
        return _names(target)

    def _go(self, name: str) -> None:
        child = os.open(name, _STEP, dir_fd=self.descriptor)
        # Whoever may change the top of all can do anything; in some containers it belongs to nobody.
        safe = self._path == "/" or name == ".." or _keeps(os.fstat(self.descriptor), os.fstat(child).st_uid)
        stable = self.stable and safe
        self._move(child, os.path.join(self._path, name), stable=stable)

    def _move(self, descriptor: int, path: str, *, stable: bool) -> None:
        os.close(self.descriptor)
        self.descriptor, self._path, self.stable = descriptor, path, stable

    def hold(self, path: str) -> Held:
        """Return the directory this way has come to, open for itself."""
        descriptor = os.open(".", _HOLD, dir_fd=self.descriptor)
        return Held(descriptor, path, self.stable and is_private(os.fstat(descriptor)))


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _link_at(name: str, directory: int) -> tuple[os.stat_result, str]:
    """Return owner and target of one and the same link."""
    if _PATH_ONLY is None:
        return os.stat(name, dir_fd=directory, follow_symlinks=False), os.readlink(name, dir_fd=directory)
    descriptor = os.open(name, _PATH_ONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        return os.fstat(descriptor), os.readlink("", dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _user(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user {uid}"


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Have an error of the operating system name the whole path it is about."""
    try:
        yield
    except OSError as error:
        if not (isinstance(error.filename, str) and error.filename.startswith("/")):
            error.filename, error.filename2 = path, None
        raise


class Directories:
    """Opens directories by path; those outside of ``root`` stay open while they are held.

    Attributes:
        root: below it nothing is a link: every directory there is made by us.
    """

    def __init__(self) -> None:
        self.root: str | None = None
        self._kept: dict[str, Held] | None = None

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Open each directory once inside a ``with`` block: whoever swaps it then redirects nobody."""
        self._kept = {}
        try:
            yield
        finally:
            kept, self._kept = self._kept, None
            for held in kept.values():
                os.close(held.descriptor)

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[Held]:
        """Yield the directory ``path``; OSError or HostError if there is none or it may lead anywhere."""
        below = self._below_root(path)
        kept = None if below else self._kept
        held = None if kept is None else kept.get(path)
        if held is None:
            with naming(path):
                held = self._open_below(path, below) if below else _open(path)
            if kept is not None:
                kept[path] = held
        try:
            yield held
        finally:
            if kept is None:
                os.close(held.descriptor)

    def _below_root(self, path: str) -> list[str]:
        if self.root is None or not path.startswith(self.root.rstrip("/") + "/"):
            return []
        return _names(path[len(self.root) :])

    def _open_below(self, path: str, names: list[str]) -> Held:
        with self.open(str(self.root)) as root:
            descriptor, private = os.dup(root.descriptor), root.private
        for name in names:
            try:
                child = os.open(name, _HOLD, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = child
            private = private and is_private(os.fstat(child))
        return Held(descriptor, path, private)

    def check_way(self, path: str) -> None:
        """Raise HostError if another user could put something else in the place of the directory ``path``."""
        names = _names(path)
        with naming(path), Walk() as walk:
            for number, name in enumerate(names):
                try:
                    walk.enter([name])
                    stable = walk.stable
                except FileNotFoundError:  # it will be ours
                    stable = walk.stable and _keeps(os.fstat(walk.descriptor), os.geteuid())
                    names = names[: number + 1]
                if not stable:
                    parent = "/" + "/".join(names[:number])
                    raise HostError(
                        f"others than root may write to {parent}, so they could put another directory in the place of "
                        f"{path}: choose another root, or give {parent} to root with the mode 0755",
                        "preflight",
                    )
                if number + 1 == len(names):
                    return


def _open(path: str) -> Held:
    with Walk() as walk:
        walk.enter(_names(path))
        return walk.hold(path)
