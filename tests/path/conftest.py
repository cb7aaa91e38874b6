# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One site for all that is done to the path, and the page that tells it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faults.pages import Page
from hosts.fleet import HostSpec
from lab import Lab
from path import table

from awx import Awx, Playbook

pytest.register_assert_rewrite("path.site")  # its assertions tell what differs, as those of tests do

from path.site import HOSTS, NAME, Site, deployed  # noqa: E402

PAGE = Page(table.PAGE, "PATH_PAGE", "path", table.lasting)
ROWS = pytest.StashKey[list[table.Row]]()
SECONDS = pytest.StashKey[dict[str, float]]()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """shop.example.com, deployed to all hosts by a job of AWX."""
    with Lab(f"path-{os.getpid()}", [HostSpec(name, start=("nginx",)) for name in HOSTS]) as lab:
        assert lab.playbook("certops.acm.setup_aws").returncode == 0
        arn = lab.aws.request(NAME)
        with Awx(Playbook(lambda: lab.full_environment, lab.ansible_playbook)) as awx:
            job = deployed(awx, arn)
        assert job.status == "successful", job.output
        assert job.record["artifacts"]["certops_report"]["statuses"] == {"verified": len(HOSTS)}
        yield Site(lab, arn)


@pytest.fixture
def awx(site: Site) -> Iterator[Awx]:
    """AWX, whose jobs play the playbooks."""
    with Awx(Playbook(lambda: site.lab.full_environment, site.lab.ansible_playbook)) as made:
        yield made


# The page. Rows stand in the order of the tests.


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Add a row to the page: ``tell(part, fault, door, how, outcome)``."""
    rows = request.config.stash.setdefault(ROWS, [])
    return lambda *row: rows.append(table.Row(*row))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Keep and print the seconds of a door."""
    seconds = request.config.stash.setdefault(SECONDS, {})

    def keep(door: str, taken: float) -> None:
        seconds[door] = taken
        print(f"{door}: {taken:.1f} s from the renewal to the last handshake")

    return keep


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    rows: list[table.Row] = session.config.stash.get(ROWS, [])
    seconds: dict[str, float] = session.config.stash.get(SECONDS, {})
    PAGE.hold(session, exitstatus, table.page(rows, seconds))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for door, seconds in config.stash.get(SECONDS, {}).items():
        terminalreporter.write_line(f"{door}: {seconds:.1f} s from the renewal to the last handshake")
    PAGE.complain(terminalreporter, config)
