# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ACM stand-in for all integration tests; each test that asks for it finds it empty."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from standin.client import Standin


@pytest.fixture(scope="session")
def standin_process() -> Iterator[Standin]:
    """The process itself, bound to 127.0.0.1 on a free port; use ``standin``."""
    with Standin() as started:
        yield started


@pytest.fixture
def standin(standin_process: Standin) -> Standin:
    """The stand-in without certificates, secrets, faults or counts of the test before."""
    standin_process.reset()
    return standin_process
