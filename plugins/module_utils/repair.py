# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Undoing what killed runs left, before anything else is done on a host."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import FileChange, explain, is_temporary
from ansible_collections.certops.acm.plugins.module_utils.journal import Memory, affected_paths
from ansible_collections.certops.acm.plugins.module_utils.mover import Mover
from ansible_collections.certops.acm.plugins.module_utils.time_limit import Interrupted
from ansible_collections.certops.acm.plugins.module_utils.versions import VersionStore


@dataclass
class Repair:
    """What was repaired below a root.

    Attributes:
        reloaded: whether a server may have read what was undone.
        done: what was repaired, for people.
        warnings: other certificates that could not be repaired.
    """

    reloaded: bool = False
    done: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def repair_host(root: str, wanted: str, files: FileChange) -> Repair:
    """Undo every change below ``root`` that did not come to its end.

    Raises:
        HostError, OSError: the certificate ``wanted`` cannot be repaired; others only make a warning.
    """
    repair = Repair()
    for directory in (os.path.dirname(root), root):
        files.force_directory(directory)
    for name in sorted(os.listdir(root)):
        path = os.path.join(root, name)
        if is_temporary(name):
            files.remove_tree(path)
        elif os.path.isdir(path) and not os.path.islink(path):
            try:
                _undo(root, name, files, repair)
            except (HostError, OSError) as error:
                if name == wanted or isinstance(error, Interrupted):
                    raise
                reason = explain(error) if isinstance(error, OSError) else error
                repair.warnings.append(f"{name} was left unfinished and cannot be repaired: {reason}")
    return repair


def took_over(number: int, name: str) -> str:
    return f"take {number} version {'directory' if number == 1 else 'directories'} of {name} back from another user"


def _undo(root: str, name: str, files: FileChange, repair: Repair) -> None:
    store = VersionStore(root, name, files)
    if not store.is_safe():  # whatever a journal there says, it is not ours
        if os.path.lexists(os.path.join(store.base, "journal.json")):
            repair.warnings.append(f"{store.base} is left alone, because others than root may write to it")
        return
    taken = store.take_over()
    if taken:
        repair.done.append(took_over(taken, name))
    memory = Memory(store.base, files)
    mover = Mover(store, memory, files)
    store.force()
    store.sweep()
    journal = memory.read_journal()
    if journal is None:
        return
    files.announce("repair")
    store.force(*(os.path.dirname(path) for path in affected_paths(journal.before)))
    mover.clean(journal.before)
    mover.advance(journal.before)
    mover.finish(journal.before)
    memory.remove_journal()
    repair.reloaded = repair.reloaded or journal.reloaded
    repair.done.append(f"repaired what an interrupted run left of {name}")
