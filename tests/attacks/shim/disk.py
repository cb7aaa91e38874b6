# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that is below some directories, byte for byte, with modes and owners; and how to put it back."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """What is at a path; ``content`` is a file's content, a link's target, or empty."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: bytes = field(default=b"", repr=False)


Snapshot = Mapping[str, Found]


def snapshot(*roots: Path) -> dict[str, Found]:
    """Return all that is below the directories, and themselves, by path."""
    return dict(entry for root in roots if root.exists() for entry in _walk(str(root)))


def _walk(path: str) -> Iterator[tuple[str, Found]]:
    status = os.lstat(path)
    kind, content = "other", b""
    if stat.S_ISLNK(status.st_mode):
        kind, content = "link", os.fsencode(os.readlink(path))
    elif stat.S_ISDIR(status.st_mode):
        kind = "directory"
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as stream:
            kind, content = "file", stream.read()
    if os.path.basename(path) == ".lock":
        content = b""  # the number of the process that held it last
    yield path, Found(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content)
    if kind == "directory":
        for entry in sorted(os.listdir(path)):
            yield from _walk(os.path.join(path, entry))


def restore(wanted: Snapshot, *roots: Path) -> None:
    """Put everything back to what it was."""
    now = snapshot(*roots)
    for path in sorted(now, reverse=True):  # what is in a directory goes before it
        there = wanted.get(path)
        if there is None or (there.kind, there.content) != (now[path].kind, now[path].content):
            (os.rmdir if now[path].kind == "directory" else os.unlink)(path)
            del now[path]
    for path, found in wanted.items():
        if now.get(path) != found:
            _put(path, found, new=path not in now)


def _put(path: str, found: Found, *, new: bool) -> None:
    if new and found.kind == "link":
        os.symlink(os.fsdecode(found.content), path)
    elif new and found.kind == "directory":
        os.mkdir(path, 0o700)
    elif new:
        with open(path, "xb") as stream:
            stream.write(found.content)
    os.chown(path, found.uid, found.gid, follow_symlinks=False)
    if found.kind != "link":
        os.chmod(path, found.mode)


def difference(one: Snapshot, other: Snapshot) -> list[str]:
    """Say where two snapshots differ; nothing of a content is shown."""
    paths = sorted({*one, *other})
    pairs = [(path, one.get(path), other.get(path)) for path in paths]
    return [f"{path}: {_what(first)} and {_what(second)}" for path, first, second in pairs if first != second]


def _what(found: Found | None) -> str:
    if found is None:
        return "nothing"
    target = f" to {os.fsdecode(found.content)}" if found.kind == "link" else f" of {len(found.content)} bytes"
    return f"{found.kind}{target} {found.mode:04o} {found.uid}:{found.gid}"
