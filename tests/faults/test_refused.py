# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operating system refuses: the run goes back or changed nothing, and the old certificate is served."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from faults import table

SCENES = ("first install", "renewal", "adoption", "rollback", "failed renewal")
FAULTS = {
    "once": "each system call fails once, in turn with ENOSPC, EACCES and EIO",
    "stop": "told to stop (SIGTERM) at each step",
    "lasting": "from each system call on, all fail with EIO",
    "full disk": "a really full disk, with ever more pages left",
}
JOBS = [
    *(("once", "nginx", scene) for scene in SCENES),
    ("once", "apache", "renewal"),
    ("stop", "nginx", "renewal"),
    ("stop", "apache", "first install"),
    ("lasting", "nginx", "renewal"),
    ("full disk", "nginx", "renewal"),
    ("full disk", "apache", "failed renewal"),
]
# What may come of it; going back can only fail where a second thing goes wrong.
FINE = {"nothing changed", "rolled back", "done", "done with a warning"}


@pytest.mark.parametrize("job", JOBS, ids="-".join)
def test_refused(rehearsed: dict[Any, Future[Any]], job: tuple[str, str, str], tell: Callable[..., None]) -> None:
    kind, server, scene = job
    outcomes = rehearsed[job].result()
    if kind != "lasting" and scene != "failed renewal":
        assert set(outcomes) <= FINE
    assert sum(outcomes.values()) > (3 if kind == "full disk" else 20)
    what = f"{scene}; {FAULTS[kind]}"
    tell("Refused by the operating system", what, server, sum(outcomes.values()), table.told(outcomes))
