# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed before any of its steps leaves a server that starts, and a job that the next run ends.

On a real host, the process of the run kills itself (SIGKILL) before each step and before each system
call that changes something. Then the server, which still runs, is looked at with openssl; it is stopped
and started from what is on the disk, and looked at again; and the next run must end what was begun,
with the same files as a run that nobody hurt.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

SCENES = {
    "first install": "first install: a site with a pair of its own gets ours through a new included file",
    "renewal": "renewal",
    "adoption": "adoption: the files that the site names are replaced by links",
    "rollback": "rollback to the certificate before",
    "failed renewal": "renewal whose reload fails, all the way forth and back",
}
JOBS = [("crash", server, scene) for scene in SCENES for server in ("nginx", "apache")]


@pytest.mark.parametrize("job", JOBS, ids="-".join)
def test_killed_before_each_step(
    rehearsed: dict[Any, Future[Any]], job: tuple[str, str, str], tell: Callable[..., None]
) -> None:
    _kind, server, scene = job
    times = rehearsed[job].result()["times"]
    assert times > 20
    outcome = "old or new served, by the running server and after a restart; the next run ended the job"
    tell("Killed", f"{SCENES[scene]}; killed before each step", server, times, outcome)
