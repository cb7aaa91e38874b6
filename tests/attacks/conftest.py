# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account with a certificate, and hosts that are this machine: Ansible's connection ``local``, a directory each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks.canary import Canary, canary
from attacks.site import Site

from standin.client import Standin


@pytest.fixture(scope="session")
def standin_process() -> Iterator[Standin]:
    """The stand-in for AWS, once for all tests of a process."""
    with Standin() as started:
        yield started


@pytest.fixture
def site(standin_process: Standin, tmp_path: Path) -> Site:
    """An empty account with an inventory table, a certificate, and one instance that is tagged Role=web."""
    standin_process.reset()
    return Site(standin_process, tmp_path)


@pytest.fixture
def trap() -> Iterator[Canary]:
    """Template text; the test fails at its end when any of it was evaluated."""
    with canary() as made:
        yield made
        assert made.ran() == [], "text that somebody else wrote was evaluated"
