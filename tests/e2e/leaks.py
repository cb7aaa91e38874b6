# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for secrets: in texts, in files that come and go, and in what processes are started with."""

from __future__ import annotations

import base64
import ctypes
import os
import re
import select
import stat
import struct
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from standin.client import Standin

PIECE = 15  # bytes, of which base64 makes 20 characters
INTERVAL = 0.05
LARGEST = 4 << 20
MOST_OPEN = 200

# From sys/inotify.h.
CLOSED, MOVED_TO, CREATED, OVERFLOWED, IS_FOLDER = 0x8, 0x80, 0x100, 0x4000, 0x40000000
ONLY_FOLDERS, NO_LINKS = 0x1000000, 0x2000000
EVENT = struct.Struct("iIII")


def needles(aws: Standin, arn: str) -> list[bytes]:
    """Pieces of each secret: of the key's DER, of its base64 body, the passphrase.

    Each is long enough to be nobody else's, and every full line of PEM holds a whole one.
    """
    found: list[bytes] = []
    for leaf in aws.certificate(arn, key=True)["leaves"]:
        key = serialization.load_pem_private_key(leaf["key"].encode(), None)
        # It holds the public key, too, and the certificate shows that to everybody.
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        raw = base64.b64decode("".join(leaf["key"].splitlines()[1:-1]))
        # The first bytes of every key of a kind are alike: leave them out.
        pieces = [raw[at : at + PIECE] for at in range(2 * PIECE, len(raw) - PIECE, PIECE)]
        private = [piece for piece in pieces if piece not in public]
        found += [*private, *map(base64.b64encode, private)]
    secrets = aws.client("secretsmanager")
    for secret in secrets.list_secrets()["SecretList"]:
        for version in secrets.list_secret_version_ids(SecretId=secret["ARN"], IncludeDeprecated=True)["Versions"]:
            value = secrets.get_secret_value(SecretId=secret["ARN"], VersionId=version["VersionId"])
            found.append(value["SecretString"].encode())
    assert len(found) > 6
    return found


def plain(text: bytes) -> bytes:
    """Text as it would be on a page: without line ends, also those that JSON and Python write out."""
    return re.sub(rb"(\\\\n|\\n|\s)+", b"", text)


def holds(text: bytes, secrets: Iterable[bytes]) -> bool:
    joined = plain(text)
    return any(secret in (joined if is_text(secret) else text) for secret in secrets)


def is_text(secret: bytes) -> bool:
    """Not a piece of DER, which may have a byte that is a line end in a text."""
    return re.fullmatch(rb"[!-~]+", secret) is not None


def tree(folder: Path) -> list[Path]:
    """A folder and all below it."""
    return [Path(name) for name, _folders, _files in os.walk(folder)]


class Seen:
    """What was there, however shortly.

    Attributes:
        started: arguments and environments of all processes of this machine.
        files: content of each file that appeared or was written, with the paths and modes it was seen with.
    """

    def __init__(self) -> None:
        self.started: set[bytes] = set()
        self.files: dict[bytes, set[tuple[str, int]]] = {}

    def processes(self, secrets: Iterable[bytes]) -> list[bytes]:
        """What was started with one of the secrets."""
        return [line for line in self.started if holds(line, secrets)]

    def places(self, secrets: Iterable[bytes]) -> set[tuple[str, int]]:
        """Paths and modes of files that held one of the secrets."""
        return {place for content, places in self.files.items() if holds(content, secrets) for place in places}


class Watcher:
    """Sees each file that appears in the folders, or in a folder that appears there; uses inotify, so no root.

    A file is opened at once and read when it was written, so one that is removed meanwhile is read, too.
    """

    def __init__(self, folders: Iterable[Path], seen: Seen) -> None:
        self._seen = seen
        self._library = ctypes.CDLL(None, use_errno=True)
        self._inotify = self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "no inotify: see fs.inotify.max_user_instances")
        self._folders: dict[int, Path] = {}
        self._open: dict[Path, tuple[int, int]] = {}
        for folder in folders:
            self._watch(folder)

    def look(self, until: threading.Event) -> None:
        """Take in what happens."""
        hurry()
        last = False
        while not last:
            last = until.is_set()  # then what happened before that is still to be read
            select.select([self._inotify], [], [], INTERVAL)
            for path, mask in self._events():
                if mask & IS_FOLDER:
                    self._follow(path)
                elif not mask & CLOSED:
                    self._appeared(path)
                if not mask & (IS_FOLDER | CREATED):
                    self._written(path)
        for path in list(self._open):
            self._written(path)

    def close(self) -> None:
        os.close(self._inotify)

    def _events(self) -> Iterator[tuple[Path, int]]:
        told, at = b"", 0
        with suppress(BlockingIOError):  # nothing happened
            told = os.read(self._inotify, 1 << 16)
        while at < len(told):
            number, mask, _cookie, length = EVENT.unpack_from(told, at)
            name = told[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0")
            at += EVENT.size + length
            assert not mask & OVERFLOWED, "more happened than could be looked at"
            if name:
                yield self._folders[number] / os.fsdecode(name), mask

    def _watch(self, folder: Path) -> None:
        mask = CREATED | CLOSED | MOVED_TO | ONLY_FOLDERS | NO_LINKS
        number = self._library.inotify_add_watch(self._inotify, os.fsencode(folder), mask)
        if number < 0:
            raise OSError(ctypes.get_errno(), "cannot watch", str(folder))
        self._folders[number] = folder

    def _follow(self, folder: Path) -> None:
        """Watch a new folder, and take what was made in it before that."""
        with suppress(FileNotFoundError, NotADirectoryError):
            self._watch(folder)
            for entry in os.scandir(folder):
                (self._follow if entry.is_dir(follow_symlinks=False) else self._appeared)(Path(entry.path))

    def _appeared(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # gone again, a link or a socket
            return
        if path in self._open or len(self._open) > MOST_OPEN:
            self._written(path if path in self._open else next(iter(self._open)))
        self._open[path] = descriptor, os.fstat(descriptor).st_mode

    def _written(self, path: Path) -> None:
        if path not in self._open:
            self._appeared(path)
        descriptor, first = self._open.pop(path, (-1, 0))
        if stat.S_ISREG(first):
            content = os.pread(descriptor, LARGEST, 0)
            modes = {first, os.fstat(descriptor).st_mode}
            self._seen.files.setdefault(content, set()).update((str(path), stat.S_IMODE(mode)) for mode in modes)
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def watched(folders: Iterable[Path]) -> Iterator[Seen]:
    """See the files that come and go in the folders and those that appear there, and all processes."""
    seen = Seen()
    watcher = Watcher(folders, seen)
    stop = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        watching = [pool.submit(watcher.look, stop)]
        # Each by itself: the environment of a process that is just being started can be read when it was.
        watching += [pool.submit(sample, name, seen.started, stop) for name in ("cmdline", "environ")]
        try:
            yield seen
        finally:
            stop.set()
            for thread in watching:
                thread.result()
            watcher.close()


def sample(name: str, started: set[bytes], until: threading.Event) -> None:
    """Collect one of the files of all processes, also of those that live a moment."""
    hurry()
    while not until.wait(INTERVAL):
        for process in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError), open(f"/proc/{process}/{name}", "rb", buffering=0) as file:
                started.add(file.readall())


def hurry() -> None:
    """Let this thread go first where it may: on a busy machine it would come too late."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -15)
