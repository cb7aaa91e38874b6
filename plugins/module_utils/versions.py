# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The versions of one certificate on a host: directories that are complete or not there at all.

``<root>/<name>/versions/<fingerprint>/`` holds the files of one bundle; ``<root>/<name>/live`` is a
symbolic link to one of them, and the only thing that says which one is served. A version is never
changed once it has its name: what is damaged is staged anew, beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Mapping

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import PARTS, Ownership
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import (
    Access,
    FileChange,
    is_temporary,
    taken_over,
)
from ansible_collections.certops.acm.plugins.module_utils.held_directory import is_ours, is_private
from ansible_collections.certops.acm.plugins.module_utils.version_check import Version, check_pair, read_version

_NAME = re.compile(r"(?:[0-9a-f]{64}|adopted-[0-9a-f]{16})(?:\.[0-9]+)?")


class VersionStore:
    """The directory of one certificate on a host."""

    def __init__(self, root: str, name: str, files: FileChange) -> None:
        self.root = root
        self.base = os.path.join(root, name)
        self.versions = os.path.join(self.base, "versions")
        self.backups = os.path.join(self.base, "backups")
        self.live = os.path.join(self.base, "live")
        self._files = files
        files.directories.root = root

    def path(self, version: str) -> str:
        return os.path.join(self.versions, version)

    def live_path(self, part: str) -> str:
        return os.path.join(self.live, PARTS[part])

    def adopting(self, adopted: str) -> str:
        """Return the link that the links of one group share while they change together."""
        return os.path.join(self.base, f"adopting-{adopted}")

    def shared_links(self) -> list[str]:
        names = os.listdir(self.base) if os.path.isdir(self.base) else []
        return [os.path.join(self.base, name) for name in sorted(names) if name.startswith("adopting-")]

    def check_layout(self) -> None:
        """Refuse directories that are not as this collection makes them."""
        for path in (self.root, self.base, self.versions, self.backups):
            if os.path.islink(path):
                raise HostError(
                    f"{path} is a symbolic link to {os.path.realpath(path)}: set root to a real directory, "
                    "or move the link away",
                    "preflight",
                )
            if os.path.lexists(path) and not os.path.isdir(path):
                raise HostError(f"{path} is not a directory: move away what is there", "preflight")
        self._files.directories.check_way(self.root)
        self._check_owners()
        for path in (self.live, *self.shared_links()):
            if os.path.lexists(path) and not os.path.islink(path):
                raise HostError(
                    f"{path} is not a symbolic link, so it was not made by cert_deploy: move it away", "preflight"
                )

    def _check_owners(self) -> None:
        """Refuse directories in which somebody else could put other files under our names."""
        for path in (self.root, self.base, self.versions, self.backups):
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(path)
                sticky = path == self.root and is_ours(status.st_uid) and status.st_mode & stat.S_ISVTX
                if not (is_private(status) or sticky):
                    raise HostError(
                        f"{path} belongs to another user than root, or others may write to it, so they could replace "
                        f"keys and have other files changed: see what they put there, then chown root {path} and "
                        f"chmod go-w {path}",
                        "preflight",
                    )

    def is_safe(self) -> bool:
        """Return whether nobody else can have written what is remembered there."""
        paths = [path for path in (self.base, self.versions, self.backups) if os.path.lexists(path)]
        return all(is_private(os.lstat(path)) for path in paths)

    def foreign(self) -> list[str]:
        """Return the versions whose directories belong to another user, as they once did."""
        found = []
        for name in self.names():
            status = os.lstat(self.path(name))
            if stat.S_ISDIR(status.st_mode) and taken_over(status) is not None:
                found.append(name)
        return found

    def take_over(self) -> int:
        """Make the directories of all versions ours; return how many were another user's."""
        foreign = self.foreign()
        for name in foreign:
            self._files.take_over(self.path(name))
        return len(foreign)

    def live_name(self) -> str | None:
        """Return the name of the live version; None when there is no live link yet."""
        try:
            target = os.readlink(self.live)
        except FileNotFoundError:
            return None
        parent, name = os.path.split(target)
        if parent != "versions" or not _NAME.fullmatch(name):
            raise HostError(
                f"{self.live} points to {target}, which is no version of cert_deploy: move the link away", "preflight"
            )
        return name

    def names(self) -> list[str]:
        if not os.path.isdir(self.versions):
            return []
        return sorted(name for name in os.listdir(self.versions) if _NAME.fullmatch(name))

    def free_name(self, stem: str) -> str:
        """Return a name for a new version: a damaged one keeps its directory until it is no longer live."""
        taken, number, name = set(self.names()), 1, stem
        while name in taken:
            number += 1
            name = f"{stem}.{number}"
        return name

    def read(self, name: str, ownership: Ownership | None = None) -> Version:
        """Return a version and whether it could be served; with ``ownership`` its modes are checked, too."""
        return read_version(self._files.directories, self.path(name), ownership)

    def stage(self, name: str, contents: Mapping[str, bytes], ownership: Ownership, *, check: bool = True) -> None:
        """Make a version directory; it gets its name only when it is complete, checked and on the disk."""
        draft = os.path.join(self.versions, f".{name}.staging.certops-tmp")
        if check:
            check_pair(contents, "the bundle", draft)
        self._files.remove_tree(draft)
        try:
            self._files.make_directory(draft, ownership.of_directory)
            for file, content in contents.items():
                self._files.create(os.path.join(draft, file), content, ownership.of(file))
            self._files.sync_directory(draft)
            self._files.rename(draft, self.path(name))
        except BaseException:
            self._files.remove_tree(draft)
            raise

    def make_directories(self) -> None:
        """Make what is missing of ``<root>/<name>`` and its fixed directories."""
        for path, mode in ((self.base, 0o755), (self.versions, 0o755), (self.backups, 0o700)):
            if not os.path.isdir(path):
                self._files.make_directory(path, Access(mode))

    def force(self, *others: str) -> None:
        """Force to the disk what a killed run may have renamed last, here and in other directories.

        The next change builds on it: a power cut must not take it away under what leads to it then.
        """
        own = (self.base, self.versions, self.backups)
        for directory in dict.fromkeys((*own, *others)):
            if os.path.isdir(directory):
                self._files.force_directory(directory)

    def sweep(self) -> None:
        """Remove what a killed run left half made."""
        for directory in (self.base, self.versions, self.backups):
            if os.path.isdir(directory):
                for name in sorted(os.listdir(directory)):
                    if is_temporary(name):
                        self._files.remove_tree(os.path.join(directory, name))
