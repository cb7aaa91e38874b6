# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ACM stand-in for all integration tests; each test that asks for it finds it empty."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from integration.contract import BARE, Judge

from delivery import HUB, Delivery
from delivery.door import Door
from standin.client import Standin

ORIGIN = "https://awx.example.com"
ENDPOINTS = {
    "awx_webhook": {"Endpoint": f"{ORIGIN}/api/v2/job_templates/7/gitlab/"},
    "awx_launch": {"Endpoint": f"{ORIGIN}/api/v2/job_templates/7/launch/"},
}


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


@pytest.fixture
def door() -> Iterator[Door]:
    """A web server that stands for AWX."""
    with Door() as opened:
        yield opened


@pytest.fixture
def deliver(standin: Standin, door: Door) -> Callable[..., Delivery]:
    """A delivery to the door, with more of the hub's parameters or options of the delivery."""

    def make(kind: str = "awx_webhook", *, template: Path = HUB, **more: Any) -> Delivery:
        options = {name: more.pop(name) for name in ("clock", "timeout") if name in more}
        parameters = {"Door": kind, "Secret": "a-secret", **ENDPOINTS.get(kind, {}), **more}
        return Delivery(template, parameters, standin, reroute={ORIGIN: door.url}, **options)

    return make


@pytest.fixture
def acm(standin: Standin) -> Any:
    return standin.client("acm", config=BARE)


@pytest.fixture
def secrets(standin: Standin) -> Any:
    return standin.client("secretsmanager", config=BARE)


@pytest.fixture
def judge(standin: Standin, tmp_path: Path) -> Judge:
    return Judge(tmp_path, standin.root_pem())
