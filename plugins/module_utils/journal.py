# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run must remember on the disk: the journal of a change under way, and the record of what is managed.

The journal is written before anything that a server reads is touched. It holds how everything was
(a goal to go back to), so that going back needs no knowledge of how far the run came.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import Access, FileChange
from ansible_collections.certops.acm.plugins.module_utils.regular_file import (
    FILE_LIMIT,
    MEMORY_LIMIT,
    Unreadable,
    parse_json,
    read_linked,
)

ABSENT, FILE, LINK = "absent", "file", "link"


@dataclass(frozen=True)
class Entry:
    """What is at a path: nothing, a file or a symbolic link; ``digest`` names the content in the backups."""

    kind: str
    digest: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    target: str | None = None

    def same(self, other: Entry) -> bool:
        """Return whether nothing is to be done to get from one to the other; None means any owner."""
        if self.kind != other.kind:
            return False
        if self.kind == LINK:
            return self.target == other.target
        owners = ((self.uid, other.uid), (self.gid, other.gid))
        return (self.digest, self.mode) == (other.digest, other.mode) and all(
            one is None or two is None or one == two for one, two in owners
        )

    @property
    def access(self) -> Access:
        return Access(0o600 if self.mode is None else self.mode, self.uid, self.gid)


@dataclass(frozen=True)
class LinkGoal:
    """A link at a path of the user's choice; ``adopted`` is the version made of what was there before."""

    path: str
    part: str
    entry: Entry
    adopted: str | None = None


@dataclass(frozen=True)
class Record:
    """What is managed for one certificate.

    Attributes:
        history: names of versions, oldest first; the last one is live.
        left: the version that a rollback turned away from, until the next change.
        files: what was at the path of each configuration file before the first change.
        links: the same for each link.
    """

    history: tuple[str, ...] = ()
    left: str | None = None
    files: Mapping[str, Entry] = field(default_factory=dict)
    links: Mapping[str, LinkGoal] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """A whole state: which version is live, and what is at each path that belongs to it."""

    live: str | None
    files: tuple[tuple[str, Entry], ...] = ()
    links: tuple[LinkGoal, ...] = ()
    record: Record | None = None


@dataclass(frozen=True)
class Journal:
    """A change under way: how to go back, and whether the server may have read what is new."""

    before: Goal
    reloaded: bool = False
    pid: int = 0


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def observe(files: FileChange, path: str, *, follow: bool = False) -> tuple[Entry, bytes | None]:
    """Return what is at a path, and its content; mode, owner and content are those of one and the same file.

    Args:
        follow: of a link, return the content of what it leads to.
    """
    try:
        target = files.link_target(path)
        if target is not None:
            linked = read_linked(path, FILE_LIMIT) if follow else None
            content = None if linked is None else linked.data
            return Entry(LINK, target=target, digest=None if content is None else digest_of(content)), content
        found = files.read(path, FILE_LIMIT)
    except FileNotFoundError:
        return Entry(ABSENT), None
    except NotADirectoryError:
        raise HostError(f"a part of the path {path} is not a directory: correct the path", "preflight") from None
    status = found.status
    entry = Entry(FILE, digest_of(found.data), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return entry, found.data


class Memory:
    """Reads and writes journal, record and backups of one certificate."""

    def __init__(self, base: str, files: FileChange) -> None:
        self.journal_path = os.path.join(base, "journal.json")
        self.record_path = os.path.join(base, "record.json")
        self._backups = os.path.join(base, "backups")
        self._files = files

    def read_journal(self) -> Journal | None:
        data = self._load(self.journal_path)
        if data is None:
            return None
        return self._parsed(self.journal_path, lambda: _journal(data))

    def write_journal(self, journal: Journal) -> None:
        self._store(self.journal_path, asdict(journal))

    def remove_journal(self) -> None:
        self._files.remove(self.journal_path)

    def read_record(self) -> Record:
        data = self._load(self.record_path)
        return Record() if data is None else self._parsed(self.record_path, lambda: _record(data))

    def prepare_record(self, record: Record) -> None:
        """Take the space the record needs."""
        self._files.prepare(self.record_path, _bytes(asdict(record)), Access(0o600))

    def write_record(self, record: Record | None) -> None:
        if record is None:
            self._files.remove(self.record_path)
        elif self._load(self.record_path) != parse_json(_bytes(asdict(record))):
            self._store(self.record_path, asdict(record))

    def back_up(self, content: bytes) -> None:
        """Keep a content under its digest."""
        digest = digest_of(content)
        with contextlib.suppress(Unreadable):  # it is not there, or of no use
            self.restore(digest)
            return
        self._files.write(os.path.join(self._backups, digest), content, Access(0o600))

    def restore(self, digest: str) -> bytes:
        """Return a content that was kept; it is checked, because it may be put back years later."""
        path = os.path.join(self._backups, digest)
        try:
            content = self._files.read(path, FILE_LIMIT).data
        except OSError as error:
            raise Unreadable(f"the backup {path} cannot be read: {error.strerror}", "roll back") from None
        if digest_of(content) != digest:
            raise Unreadable(f"the backup {path} is damaged: put the file back by hand, then remove it", "roll back")
        return content

    def unneeded_backups(self, keep: set[str]) -> list[str]:
        names = sorted(os.listdir(self._backups)) if os.path.isdir(self._backups) else []
        return [name for name in names if name not in keep]

    def forget_backups(self, keep: set[str]) -> None:
        for name in self.unneeded_backups(keep):
            self._files.remove_tree(os.path.join(self._backups, name))

    def _store(self, path: str, data: dict[str, Any]) -> None:
        self._files.write(path, _bytes(data), Access(0o600))

    def _load(self, path: str) -> Any:
        try:
            return parse_json(self._files.read(path, MEMORY_LIMIT).data)
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            return None
        except ValueError:
            raise HostError(_unreadable(path), "repair") from None

    @staticmethod
    def _parsed(path: str, parse: Any) -> Any:
        try:
            return parse()
        except (KeyError, TypeError, AttributeError, ValueError):
            raise HostError(_unreadable(path), "repair") from None


def _unreadable(path: str) -> str:
    return (
        f"{path} is damaged, so nobody knows what the last run changed: check that the server's files are good, "
        "then remove it"
    )


def _bytes(data: dict[str, Any]) -> bytes:
    made = json.dumps(data, indent=1, sort_keys=True).encode() + b"\n"
    if len(made) > MEMORY_LIMIT:
        raise HostError("too many files and links are managed for one certificate: use several names", "stage")
    return made


def _journal(data: dict[str, Any]) -> Journal:
    return Journal(_goal(data["before"]), bool(data["reloaded"]), int(data["pid"]))


def _goal(data: dict[str, Any]) -> Goal:
    return Goal(
        live=data["live"],
        files=tuple((path, Entry(**entry)) for path, entry in data["files"]),
        links=tuple(_link(item) for item in data["links"]),
        record=None if data["record"] is None else _record(data["record"]),
    )


def _record(data: dict[str, Any]) -> Record:
    return Record(
        history=tuple(data["history"]),
        left=data["left"],
        files={path: Entry(**entry) for path, entry in data["files"].items()},
        links={path: _link(item) for path, item in data["links"].items()},
    )


def _link(data: dict[str, Any]) -> LinkGoal:
    return replace(LinkGoal(**data), entry=Entry(**data["entry"]))


def affected_paths(goal: Goal) -> list[str]:
    return [path for path, _entry in goal.files] + [link.path for link in goal.links]


def kept_digests(record: Record) -> set[str]:
    """Return the backups that a record still needs."""
    entries = [*record.files.values(), *(link.entry for link in record.links.values())]
    return {entry.digest for entry in entries if entry.digest is not None}
