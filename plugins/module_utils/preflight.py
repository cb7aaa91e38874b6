# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold before a change: nothing is touched when the host cannot take it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import Access, FileChange
from ansible_collections.certops.acm.plugins.module_utils.install_plan import Plan
from ansible_collections.certops.acm.plugins.module_utils.journal import affected_paths
from ansible_collections.certops.acm.plugins.module_utils.server import Server


def make_root(root: str, files: FileChange) -> None:
    """Make the directory of all certificates, if its parent is there."""
    parent = os.path.dirname(root)
    if os.path.isdir(root):
        return
    if not os.path.isdir(parent):
        raise HostError(f"the directory {parent} does not exist: make it, or choose another root", "preflight")
    files.make_directory(root, Access(0o755))


def complaints(plan: Plan, server: Server) -> Iterator[str]:
    """Yield what stands against the plan, as far as it shows without running the configuration test."""
    # What goes for good needs no running server: there is nothing to reload then.
    problem = server.problem() if plan.goal.live is not None or server.is_active() else None
    if problem is not None:
        yield problem
    for path in affected_paths(plan.goal):
        directory = os.path.dirname(path)
        if not os.path.isdir(directory):
            yield f"the directory {directory} does not exist, so {path} cannot be written: make it or correct the path"


def check_before(plan: Plan, server: Server, base: str, *, damaged: bool) -> None:
    """Raise HostError unless the host can take the plan and the configuration is good as it is.

    Args:
        base: directory of the certificate.
        damaged: the live version is damaged, which is what the plan repairs.
    """
    for complaint in complaints(plan, server):
        raise HostError(complaint, "preflight")
    if damaged:
        return  # the test would read what is damaged, and fail or wait for ever
    output = server.test()
    if output is None:
        return
    # A test that fails over files that this very change makes or replaces is no reason not to make it.
    concerned = [base + "/", *affected_paths(plan.goal)] if plan.changes_files else []
    if not any(path in output for path in concerned):
        raise HostError(
            f"the configuration of {server.name} is already broken before this change, so nothing was changed; "
            f"repair it first: {output}",
            "preflight",
        )
