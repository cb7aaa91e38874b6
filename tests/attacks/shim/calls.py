# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shim that stands between a process and the C library: how it is made, told what to do, and what it logs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
WARNINGS = ("-Wall", "-Wextra", "-Wno-format-truncation")


def compiled(directory: Path) -> Path:
    """Compile the shim into a directory."""
    library = directory / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", *WARNINGS, "-o", library, SOURCE, "-ldl"], check=True)
    return library


@dataclass(frozen=True)
class Order:
    """What the shim is told; see shim.c.

    Attributes:
        number: of the call that is hurt, from 1.
    """

    roots: tuple[Path, ...]
    mode: str = "count"
    number: int = 0
    error: int = 0
    reads: bool = False

    def hurting(self, mode: str, number: int, error: int = 0) -> Order:
        return replace(self, mode=mode, number=number, error=error)

    def environment(self, log: int) -> Mapping[str, str]:
        """Return the variables that tell the shim; ``log`` is the descriptor it writes to."""
        roots = ":".join(os.path.realpath(root) for root in self.roots)
        reads = {"SHIM_READS": "1"} if self.reads else {}
        given = {"SHIM_MODE": self.mode, "SHIM_NUMBER": self.number, "SHIM_ERRNO": self.error}
        return {
            **{name: str(value) for name, value in given.items()},
            "SHIM_ROOTS": roots,
            "SHIM_LOG": str(log),
        } | reads


@dataclass(frozen=True)
class Call:
    """A call that changes something, as the shim saw it.

    Attributes:
        status: done, refused (by the shim) or killed.
        result, error: what the call returned, and errno; -1 where it was not made.
        kind: file, directory, link or none: of what it is about.
        inode: of that.
        existed: whether it was there before.
        directory, other_directory: inodes of the directories that hold the paths, where the call names a path.
        other: the second path of rename and link.
    """

    number: int
    operation: str
    status: str
    result: int
    error: int
    kind: str
    inode: int
    existed: bool
    directory: int
    path: str
    other_directory: int
    other: str

    @property
    def done(self) -> bool:
        """Tell whether it changed something."""
        return self.status != "refused" and self.result >= 0

    def __str__(self) -> str:
        return f"call {self.number}: {self.operation} {self.path}" + (f" -> {self.other}" if self.other else "")


def calls_in(log: str) -> list[Call]:
    """Read a log of the shim."""
    return [_call(line.split("\t")) for line in log.splitlines()]


def _call(fields: list[str]) -> Call:
    number, operation, status, result, error, kind, inode, existed, directory, path, other_directory, other = fields
    return Call(
        int(number),
        operation,
        status,
        int(result),
        int(error),
        kind,
        int(inode),
        existed == "1",
        int(directory),
        path,
        int(other_directory),
        other,
    )
