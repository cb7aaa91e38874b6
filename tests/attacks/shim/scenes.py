# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates, the changes that are hurt, and the errors that hurt them."""

from __future__ import annotations

import errno
import grp
import os
from dataclasses import dataclass

from attacks.shim.judge import Bundle
from unit.certificates import Leaf, authority

LEAVES = {name: authority().leaf(age=age) for name, age in (("own", 4), ("first", 3), ("old", 2), ("new", 1))}


def bundle_of(name: str, leaf: Leaf) -> Bundle:
    return Bundle(name, leaf.certificate.encode(), leaf.chain.encode(), leaf.private_key.encode())


BUNDLES = {name: bundle_of(name, leaf) for name, leaf in LEAVES.items()}


def another_group() -> grp.struct_group:
    """Return a group that is not ours and that we may give files to; ours, if there is none."""
    mine = os.getgid()
    candidates = [entry.gr_gid for entry in grp.getgrall()] if os.getuid() == 0 else os.getgroups()
    return grp.getgrgid(next((gid for gid in sorted(candidates) if gid != mine), mine))


@dataclass(frozen=True)
class Scene:
    """A change, and what comes before it.

    Attributes:
        before: bundles installed before, in this order.
        state: of the change.
        bundle: that it installs.
        served: what each site may serve while it is under way.
        ends_with: what all sites serve in the end.
        keeps: bundles of which a version is on the disk in the end.
    """

    name: str
    before: tuple[str, ...]
    state: str
    bundle: str | None
    served: frozenset[str]
    ends_with: str
    keeps: tuple[str, ...]

    @property
    def begins_with(self) -> str:
        """Return what all sites serve before."""
        return self.before[-1] if self.before else "own"


SCENES = {
    scene.name: scene
    for scene in (
        Scene("first install", (), "present", "old", frozenset({"own", "old"}), "old", ("old", "own")),
        Scene("renewal", ("first", "old"), "present", "new", frozenset({"old", "new"}), "new", ("new", "old", "own")),
        Scene("rollback", ("first", "old"), "rolled_back", None, frozenset({"old", "first"}), "first",
              ("first", "old", "own")),
        Scene("absent", ("first", "old"), "absent", None, frozenset({"old", "own"}), "own", ()),
    )
}  # fmt: skip

ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EACCES", "EROFS", "EMFILE")}
