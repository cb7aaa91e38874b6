# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One AWS account for each task, so that one run of ansible-playbook has many tasks and each its own count of calls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from standin.client import Standin

REGION = "eu-west-1"

_numbers: Iterator[int] = itertools.count(200_000_000_001)


def new_account() -> str:
    """Return an account no test has used."""
    return str(next(_numbers))


class Tally:
    """A task in an account of its own."""

    def __init__(self, standin: Standin, account: str | None = None) -> None:
        self.standin = standin
        self.account = account or new_account()

    def certificate(self, domain: str = "www.example.com", **details: Any) -> str:
        """Request a certificate in this account; see ``Standin.request``."""
        return self.standin.request(domain, account=self.account, **details)

    def client(self, service: str) -> Any:
        """Return a boto3 client of this account."""
        return self.standin.client(service, account=self.account)

    def task(self, module: str, options: dict[str, Any], **keywords: Any) -> dict[str, Any]:
        """Return a task that runs in this account."""
        env = {**self.standin.env_for(self.account), **keywords.pop("environment", {})}
        return {f"certops.acm.{module}": options, "environment": env, **keywords}

    def calls(self) -> dict[str, int]:
        """Return how often each action was called in this account."""
        counts: dict[str, int] = {}
        for call in self.standin.calls():
            if call["account"] == self.account:
                counts[call["action"]] = counts.get(call["action"], 0) + 1
        return counts


def assert_clear(message: str, *parts: str) -> None:
    """One line, no traceback, and everything that was promised."""
    assert message
    assert "\n" not in message
    assert "Traceback" not in message
    for part in parts:
        assert part in message, f"{part!r} is not in {message!r}"
