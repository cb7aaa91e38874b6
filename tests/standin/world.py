# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All state that is not moto's: one object for the process, because moto makes its backends itself."""

from __future__ import annotations

import threading

from .ca import Authority, Issuer
from .calls import CallLog
from .cloudformation import Stacks
from .events import EventBus
from .faults import Faults
from .options import Options


class World:
    def __init__(self) -> None:
        self.authority = Authority()
        self.lock = threading.RLock()
        """Held by every ACM rule, whether it was called through AWS's API or through control."""
        self.clear()

    def clear(self) -> None:
        """A new beginning with the same root certificate."""
        self.options = Options()
        self.events = EventBus(self.options)
        self.calls = CallLog()
        self.faults = Faults()
        self.private_authorities: dict[str, Issuer] = {}
        self.external_ids: dict[str, str] = {}
        self.stacks: Stacks = {}


WORLD = World()
