# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the collection importable, as Ansible imports it, wherever the repository lies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible.plugins.loader import init_plugin_loader

if TYPE_CHECKING:
    from unit.host import Host

REPOSITORY = Path(__file__).resolve().parents[2]


def collections_path() -> str:
    """Return a directory that holds ``ansible_collections/certops/acm``, and that is this repository."""
    places = [Path(place) for place in os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep) if place]
    places += REPOSITORY.parents[2:3]
    for place in places:
        if (place / "ansible_collections" / "certops" / "acm").resolve() == REPOSITORY:
            return str(place)
    made = Path(tempfile.mkdtemp(prefix="certops-acm-"))
    (made / "ansible_collections" / "certops").mkdir(parents=True)
    (made / "ansible_collections" / "certops" / "acm").symlink_to(REPOSITORY)
    return str(made)


# For the processes that tests start; ansible's own loader reads it at its first import.
os.environ["ANSIBLE_COLLECTIONS_PATH"] = collections_path()
init_plugin_loader([os.environ["ANSIBLE_COLLECTIONS_PATH"]])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    from unit.host import Host  # not before Ansible's loader knows where the collection is

    with Host(tmp_path) as made:
        yield made


@pytest.fixture
def fresh(host: Host) -> Host:
    """A host whose server was never managed and serves OLD."""
    from unit.scenes import OLD

    host.own_pair(OLD)
    host.start()
    return host


@pytest.fixture
def managed(host: Host) -> Host:
    """A host whose server serves OLD from the live version."""
    from unit.scenes import OLD, OLDEST

    host.own_pair(OLDEST)
    host.start()
    host.deploy(OLD, **host.managed())
    return host
