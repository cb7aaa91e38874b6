# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a log of the shim says about power cuts: is everything on the disk before something else leads to it?

A name is public unless it, or a directory above it, ends as the names do that nobody reads. A step that makes, moves or
removes a public name *publishes*. When the next one is made, the one before must be on the disk (its directory was
forced there), and so must be what it leads to (each content, and each name in a directory). Then any power cut leaves
what a kill between two steps leaves, which the other tests look at.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from attacks.shim.calls import Call

_CONTENT = ("write", "pwrite", "writev", "sendfile", "truncate", "chmod", "chown", "setxattr")
_NAMES = ("open", "mkdir", "mknod", "symlink", "unlink", "rmdir", "rename", "link")
_TEMPORARY = ".certops-tmp"


def is_public(path: str) -> bool:
    hidden = any(part.endswith(_TEMPORARY) or part.startswith("#") for part in path.split("/"))
    return bool(path) and not hidden and os.path.basename(path) != ".lock"


class PowerCuts:
    """Follows a log; ``faults`` are what is in the wrong order, ``published`` how many steps were looked at."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.published = 0
        self._contents: dict[int, str] = {}  # inodes of files whose content is not on the disk, and their paths
        self._entries: dict[int, set[str]] = {}  # inodes of directories, and names in them that are not on the disk

    def follow(self, calls: Iterable[Call]) -> PowerCuts:
        last = "the end"
        for call in calls:
            if call.done:
                self._step(call)
                last = str(call)
        self._check_entries(f"after {last}")
        return self

    def _step(self, call: Call) -> None:
        if call.operation == "fsync":
            self._contents.pop(call.inode, None)
            self._entries.pop(call.inode, None)
        elif call.operation in _CONTENT:
            self._changes_content(call)
        elif call.operation in _NAMES and not (call.operation == "open" and call.existed):
            self._changes_names(call)

    def _changes_content(self, call: Call) -> None:
        if call.kind != "file":
            return  # modes of directories go to the disk with their names
        if is_public(call.path):
            self.faults.append(f"{call}: changes in place what a server may read")
        self._contents[call.inode] = call.path

    def _changes_names(self, call: Call) -> None:
        public = is_public(call.path) or is_public(call.other)
        if public:
            self.published += 1
            self._check_entries(str(call))
        if call.operation in ("rename", "link") and is_public(call.other):
            self._check_contents(call)
        if call.operation == "open":
            self._contents[call.inode] = call.path
            if public:
                self.faults.append(f"{call}: is public before it is filled")
        if call.operation in ("unlink", "rmdir"):
            self._contents.pop(call.inode, None)
            self._entries.pop(call.inode, None)
        self._entries.setdefault(call.directory, set()).add(call.path)
        if call.other:
            self._entries.setdefault(call.other_directory, set()).add(call.other)
        if call.operation in ("rename", "link"):
            self._move(call.path, call.other, call.inode)

    def _check_entries(self, when: str) -> None:
        missing = sorted(path for paths in self._entries.values() for path in paths if is_public(path))
        self.faults.extend(f"{when}: {path} is not on the disk yet" for path in missing)

    def _check_contents(self, call: Call) -> None:
        """What a name leads to: a file itself, or all that is in a directory."""
        if call.inode in self._contents:
            self.faults.append(f"{call}: the content is not on the disk yet")
        if call.kind != "directory":
            return
        inside = call.path + "/"
        files = [path for path in self._contents.values() if path.startswith(inside)]
        names = [path for paths in self._entries.values() for path in paths if path.startswith(inside)]
        self.faults.extend(f"{call}: {path} is not on the disk yet" for path in sorted({*files, *names}))

    def _move(self, source: str, target: str, inode: int) -> None:
        """Follow a file, or what is in a directory, to its new name."""

        def moved(path: str) -> str:
            return target + path[len(source) :] if path.startswith(source + "/") else path

        self._contents = {key: target if key == inode else moved(path) for key, path in self._contents.items()}
        self._entries = {key: {moved(path) for path in paths} for key, paths in self._entries.items()}
