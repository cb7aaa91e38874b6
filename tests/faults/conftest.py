# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One laboratory for all faults, the hosts that are free in it, and the page that tells what was tried."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from faults import rehearsal, table
from faults.pages import Page
from faults.site import LASTING_HOST, Site
from hosts.fleet import HostSpec
from lab import Lab
from unit.certificates import authority

RUN = f"faults-{os.getpid()}"
# Certificates lie on a small file system: to fill it up, and because every run forces every file to the disk.
SMALL = {"/etc/ssl/acm": "512k"}
NAMES = tuple(f"web{number:02}" for number in range(1, 11))
SPECS = tuple(HostSpec(name, start=("nginx",), tmpfs={} if name == LASTING_HOST else SMALL) for name in NAMES)
AT_ONCE = 3
ROWS = pytest.StashKey[list[table.Row]]()
PAGE = Page(table.PAGE, "FAULTS_PAGE", "faults")
Job = tuple[str, str, str]


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with Lab(RUN, SPECS) as lab:
        made = Site(lab)
        for name in NAMES:
            if name != LASTING_HOST:
                made.free.put(name)
        yield made


# Used by itself, so that the jobs are under way while other tests wait for something.
@pytest.fixture(scope="session", autouse=True)
def rehearsed(site: Site, request: pytest.FixtureRequest) -> Iterator[dict[Job, Future[Any]]]:
    """What comes of every job (kind, server, scene) that the chosen tests ask for; several at once."""
    # The longest first, so that the last core is not waited for.
    jobs = {_parameters(item)["job"] for item in request.session.items if "job" in _parameters(item)}
    ordered = sorted(jobs, key=lambda job: (job[0] != "crash", job[1], job[2]))

    def work(job: Job) -> Any:
        kind, server, scene = job
        with site.host() as host:
            return rehearsal.do(site.fleet, host, kind, server, scene=scene, old=rehearsal.OLD, new=rehearsal.NEW)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {job: pool.submit(work, job) for job in ordered}
        yield futures
        for future in futures.values():
            future.cancel()


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else dict(callspec.params)


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root that clients trust."""
    path = tmp_path_factory.mktemp("faults") / "roots.pem"
    path.write_text(authority().root)
    return path


# The page. Rows stand in the order of the tests.


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Add a row to the page: ``tell(part, fault, server, times, outcome)``."""
    rows = request.config.stash.setdefault(ROWS, [])
    return lambda *row: rows.append(table.Row(*map(str, row)))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    rows: list[table.Row] = session.config.stash.get(ROWS, [])
    PAGE.hold(session, exitstatus, table.page(rows))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    PAGE.complain(terminalreporter, config)
