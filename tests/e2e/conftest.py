# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One laboratory for all end-to-end tests of a process: real hosts, and the stand-in emptied before each test.

Tests marked with ``hosts("bare")`` have hosts of MORE beside those that all have.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from e2e.site import NAME, WEB, served
from hosts.fleet import HostSpec
from lab import Lab

SPECS = tuple(HostSpec(name, start=("nginx",)) for name in ("web1", "web2", "db1"))
MORE = {
    "bare": HostSpec("bare", nginx=False),
    "full": HostSpec("full", start=("nginx",), tmpfs={"/etc/ssl/acm": "256k"}),
    "mail": HostSpec("mail"),
}
TAGS = {"db1": {"Role": "db"}, "bare": {"Role": "bare"}, "full": {"Role": "full"}, "mail": {"Role": "mail"}}


@pytest.fixture(scope="session")
def fleet(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The laboratory, once for each process that runs tests."""
    asked = {name for item in request.session.items for mark in item.iter_markers("hosts") for name in mark.args}
    with Lab(f"e2e-{os.getpid()}", (*SPECS, *(MORE[name] for name in sorted(asked))), TAGS) as made:
        yield made


@pytest.fixture
def lab(fleet: Lab) -> Lab:
    """The laboratory with an empty account, an inventory table, and hosts that never saw a certificate."""
    fleet.fresh()
    return fleet


@pytest.fixture
def arn(lab: Lab) -> str:
    """An issued, exportable certificate for shop.example.com."""
    return lab.aws.request("shop.example.com")


@pytest.fixture(scope="module")
def site(fleet: Lab) -> Lab:
    """shop.example.com, deployed to web1 and web2 for the tests of an earlier file or now; its ARN is ``fleet.arn``."""
    if not is_whole(fleet):
        fleet.fresh()
        arn = fleet.aws.request(NAME)
        run = fleet.deploy(arn, "shop", certificate_options={"server_names": [NAME]})
        assert run.returncode == 0, run.output
        fleet.arn = arn
    return fleet


def is_whole(fleet: Lab) -> bool:
    """Whether the files before left the site as a file may expect it: all serve what ACM holds."""
    return bool(fleet.arn) and served(fleet) == dict.fromkeys(fleet.names.keys() & WEB, fleet.fingerprint(fleet.arn))


@pytest.fixture(autouse=True)
def no_faults_left(fleet: Lab) -> Iterator[None]:
    yield
    fleet.aws.clear_faults()
