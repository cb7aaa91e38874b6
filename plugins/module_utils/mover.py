# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving a host to a goal: one order of steps for going forth, going back and repairing.

At no instant between two steps does a server that starts from the disk find a half: the version is
live before anything names it, configuration is written before anything it needs goes, and links that
replace a pair of files switch all at once, through a link that they share.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import PARTS, Ownership, adopted_contents
from ansible_collections.certops.acm.plugins.module_utils.file_change import FileChange, temporary_path
from ansible_collections.certops.acm.plugins.module_utils.journal import (
    ABSENT,
    FILE,
    LINK,
    Entry,
    Goal,
    LinkGoal,
    Memory,
    Record,
    affected_paths,
    observe,
)
from ansible_collections.certops.acm.plugins.module_utils.versions import VersionStore


class Mover:
    """Moves what is on the disk to a goal; may be stopped anywhere and started again.

    Args:
        contents: by digest, as they were observed; what is not in it is taken from the backups.
    """

    def __init__(
        self, store: VersionStore, memory: Memory, files: FileChange, contents: Mapping[str, bytes] | None = None
    ) -> None:
        self._store = store
        self._memory = memory
        self._files = files
        self._contents = {} if contents is None else contents

    def prepare(self, goal: Goal) -> None:
        """Write the new contents beside the files, so that moving needs no more space."""
        for path, entry in goal.files:
            if entry.kind == FILE and not self._observe(path).same(entry):
                self._files.prepare(path, self._content(entry), entry.access)
        if goal.record is not None:
            self._memory.prepare_record(goal.record)

    def advance(self, goal: Goal) -> None:
        """Everything of the goal but taking the live version away."""
        adopted = [link for link in goal.links if self._leads_to_live(link)]
        released = [link for link in goal.links if not self._leads_to_live(link)]
        # Before the live version moves: a link must never lead to one that its path did not serve.
        self._release([link for link in released if link.entry.kind != ABSENT])
        if goal.live is not None:
            self._point(self._store.live, f"versions/{goal.live}")
        self._adopt(adopted)
        self._put_files(goal.files)
        self._put_back(released)

    def finish(self, goal: Goal) -> None:
        """The rest, once no running server needs the old state any more."""
        if goal.live is None:
            self._files.remove(self._store.live)
        self._memory.write_record(None if goal.record in (None, Record()) else goal.record)

    def clean(self, goal: Goal) -> None:
        """Remove what a killed run prepared beside the paths of a goal."""
        for path in affected_paths(goal):
            with contextlib.suppress(NotADirectoryError):
                self._files.remove_tree(temporary_path(path))

    def back_up(self, before: Goal, goal: Goal) -> None:
        """Keep the contents that the way to a goal replaces."""
        wanted = {**dict(goal.files), **{link.path: link.entry for link in goal.links}}
        entries = [*before.files, *((link.path, link.entry) for link in before.links if not self._leads_to_live(link))]
        for path, entry in entries:
            if entry.digest is not None and not entry.same(wanted[path]):
                self._memory.back_up(self._content(entry))

    def stage_adopted(self, links: Iterable[LinkGoal]) -> None:
        """Make a version of the files that links replace, so that all of them can change at once."""
        groups: dict[str, list[LinkGoal]] = {}
        for link in links:
            if link.adopted is not None and link.entry.digest is not None and not self._leads_to_live(link):
                groups.setdefault(link.adopted, []).append(link)
        for name, group in groups.items():
            if name not in self._store.names():
                contents = adopted_contents({link.part: self._content(link.entry) for link in group})
                self._store.stage(name, contents, Ownership(), check=False)

    def _content(self, entry: Entry) -> bytes:
        digest = str(entry.digest)
        return self._contents[digest] if digest in self._contents else self._memory.restore(digest)

    def _put_files(self, wanted: Iterable[tuple[str, Entry]]) -> None:
        differing = [(path, entry) for path, entry in wanted if not self._observe(path).same(entry)]
        for path, entry in differing:
            if entry.kind == FILE:
                self._files.write(path, self._content(entry), entry.access)
        for path, entry in reversed(differing):  # what includes a file comes after it, and goes before it
            if entry.kind == ABSENT:
                self._files.remove(path)

    def _adopt(self, links: list[LinkGoal]) -> None:
        """Make links lead to the live version; those that replace something all at once."""
        links = [link for link in links if not self._observe(link.path).same(link.entry)]
        for adopted, group in self._groups(links).items():
            shared = self._store.adopting(adopted)
            if self._files.link_target(shared) is None:
                self._point(shared, f"versions/{adopted}")
            if self._files.link_target(shared) != "live":
                self._swap(group, shared)
                self._point(shared, "live")  # the instant of the change
        self._swap(links, self._store.live)
        self._forget_shared()

    def _release(self, links: list[LinkGoal]) -> None:
        """Put back what links replaced; what belongs together all at once."""
        links = [link for link in links if not self._observe(link.path).same(link.entry)]
        for adopted, group in self._groups(links).items():
            shared = self._store.adopting(adopted)
            if self._files.link_target(shared) is None:
                self._point(shared, "live")
            if self._files.link_target(shared) == "live":
                self._swap([link for link in group if self._on_live(link)], shared)
                self._point(shared, f"versions/{adopted}")  # the instant of the change
        self._put_back(links)
        self._forget_shared()

    def _groups(self, links: Iterable[LinkGoal]) -> dict[str, list[LinkGoal]]:
        groups: dict[str, list[LinkGoal]] = {}
        known = self._store.names()
        for link in links:
            if link.adopted is not None and link.adopted in known:
                groups.setdefault(link.adopted, []).append(link)
        return groups

    def _forget_shared(self) -> None:
        for path in self._store.shared_links():
            self._files.remove(path)

    def _put_back(self, links: Iterable[LinkGoal]) -> None:
        for link in links:
            if self._observe(link.path).same(link.entry):
                continue
            if link.entry.kind == FILE:
                self._files.write(link.path, self._content(link.entry), link.entry.access)
            elif link.entry.kind == LINK:
                self._files.swap_link(link.path, str(link.entry.target))
            else:
                self._files.remove(link.path)

    def _swap(self, links: Iterable[LinkGoal], directory: str) -> None:
        for link in links:
            self._point(link.path, os.path.join(directory, PARTS[link.part]))

    def _point(self, path: str, target: str) -> None:
        if self._files.link_target(path) != target:
            self._files.swap_link(path, target)

    def _leads_to_live(self, link: LinkGoal) -> bool:
        return link.entry.kind == LINK and link.entry.target == self._store.live_path(link.part)

    def _on_live(self, link: LinkGoal) -> bool:
        return self._files.link_target(link.path) == self._store.live_path(link.part)

    def _observe(self, path: str) -> Entry:
        return observe(self._files, path)[0]
