# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks what tests install: each ``*.in`` of tests/requirements, with all that it brings, as a ``*.txt`` with hashes.

Usage: lock.py check, or lock.py write [--upgrade]

What a file of ``-c`` locks already is installed from there, so that it stands in one lock only. ``check`` needs no
network: each lock begins with a digest of what it was made from.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parents[1] / "requirements"
# The oldest Python of a controller that tests run on; a package for later ones says so in its .in file.
PYTHON = "3.11"
DIGEST = "# Made from sha256 "
OTHER_FILES = re.compile(r"^-[cr] (\S+)$", re.MULTILINE)
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
# Nothing else may stand in a lock: no address, no index, no package without its hashes.
LINE = re.compile(r" *#.*|[a-z0-9][a-z0-9._-]*==[^\s;/@]+(?: ; [^/@]+)? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?|")


def pinned(path: Path) -> set[tuple[str, str]]:
    """Return the packages of a file, each with its version."""
    return {(name.lower(), version) for name, version in PIN.findall(path.read_text())}


def constraints(source: Path) -> list[Path]:
    """Return the locks that an ``.in`` file builds on."""
    return [source.parent / name for name in re.findall(r"^-c (\S+)$", source.read_text(), re.MULTILINE)]


def made_from(path: Path) -> str:
    """Return the digest of an ``.in`` file and of all files that it names."""
    digest = hashlib.sha256(path.read_bytes())
    for name in OTHER_FILES.findall(path.read_text()):
        digest.update(made_from(path.parent / name).encode())
    return digest.hexdigest()


def faults(source: Path) -> list[str]:
    """Return what is wrong with the lock of one ``.in`` file."""
    lock = source.with_suffix(".txt")
    if not lock.exists() or f"{DIGEST}{made_from(source)}\n" not in lock.read_text():
        return [f"{lock.name} is not made from the present {source.name}: run make lock"]
    text = lock.read_text()
    strange = [line for line in text.splitlines() if not LINE.fullmatch(line)]
    found = [f"{lock.name}: {line!r} does not belong in a lock: run make lock" for line in strange]
    elsewhere = [pinned(other) for other in constraints(source) if other.exists()]
    unlocked = pinned(source).difference(pinned(lock), *elsewhere)
    return found + [f"{lock.name}: {name}=={version} is missing: run make lock" for name, version in sorted(unlocked)]


def check(sources: list[Path]) -> list[str]:
    """Return what is wrong with all locks."""
    orphans = {path.with_suffix("") for path in DIRECTORY.glob("*.txt")} - {path.with_suffix("") for path in sources}
    found = [f"{path.name}.txt has no {path.name}.in: remove it" for path in sorted(orphans)]
    return found + [fault for source in sources for fault in faults(source)]


def write(source: Path, options: list[str]) -> None:
    """Make one lock; the versions it has are kept where they still fit, unless ``options`` holds ``--upgrade``."""
    lock = source.with_suffix(".txt")
    elsewhere = sorted({name for other in constraints(source) for name, _version in pinned(other)})
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", PYTHON, "--generate-hashes"]
    command += ["--no-build", "--custom-compile-command", "make lock", "--output-file", lock.name, *options]
    command += [f"--no-emit-package={name}" for name in elsewhere]
    # PyPI's ansible is taken for the collections in it: what it asks for is never installed.
    command += ["--no-deps"] if source.name.startswith("collections-") else []
    subprocess.run([*command, source.name], cwd=DIRECTORY, check=True)
    locked, _, _elsewhere = lock.read_text().partition("\n# The following packages were excluded")
    lock.write_text(f"{DIGEST}{made_from(source)}\n{locked}")


def in_order(sources: list[Path]) -> list[Path]:
    """Return the files with those first that others name."""
    named = {path: {path.parent / name for name in OTHER_FILES.findall(path.read_text())} for path in sources}
    ordered: list[Path] = []
    while len(ordered) < len(sources):
        made = {*ordered, *(path.with_suffix(".txt") for path in ordered)}
        ready = [path for path in sources if path not in ordered and named[path] <= made]
        if not ready:
            raise SystemExit("files of tests/requirements name each other, or one that does not exist")
        ordered += ready
    return ordered


def main(action: str, *options: str) -> int:
    """Check or write every lock, and return the exit code."""
    sources = sorted(DIRECTORY.glob("*.in"))
    if action == "write":
        for source in in_order(sources):
            write(source, list(options))
    found = check(sources)
    print("\n".join(found) or f"{len(sources)} locks are up to date")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
