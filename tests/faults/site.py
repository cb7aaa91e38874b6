# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the laboratory, of which every test takes one for as long as it needs it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from faults import rehearsal
from hosts.fleet import Fleet
from lab import Lab

# The others have their certificates in memory, which ends with the host.
LASTING_HOST = "web10"


@dataclass
class Site:
    """``free`` are the hosts that nobody works on, ``installed`` those with the driver on them."""

    lab: Lab
    free: queue.Queue[str] = field(default_factory=queue.Queue)
    installed: set[str] = field(default_factory=set)

    @property
    def fleet(self) -> Fleet:
        return self.lab.fleet

    @contextmanager
    def host(self, wanted: str | None = None) -> Iterator[str]:
        """A host of one's own, with the host's half of the collection on it."""
        name = wanted or self.free.get()
        try:
            if name not in self.installed:
                rehearsal.install(self.fleet, name)
                self.installed.add(name)
            yield name
        finally:
            if wanted is None:
                self.free.put(name)
