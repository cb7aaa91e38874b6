# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/path.md: what was done to the path of a renewal and what came of it, as the tests themselves say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "path.md"
INTRODUCTION = """\
# From the renewal to the hosts: seconds and faults

ACM renews, EventBridge delivers by the shipped template, `renew.yml` runs, hosts serve the new certificate. Each row
is a test in `tests/path`, and this page is written by those tests: `PATH_PAGE=write .venv/bin/nox -s path` writes it,
and the same session without it fails when a row differs. Hosts are real ones with sshd and nginx, ansible-rulebook is
the real one, and the judge is `openssl s_client` with chain and name verified. ACM, EventBridge and AWX are stand-ins
([what has been tested](tested.md)); EventBridge's pauses are not waited for.

What holds for every row: an event was either taken or lay in the dead-letter queue, where the alarm tells. Where there
are hosts (in the first part only in its last row): whenever they were looked at, each served a certificate that
verified, the old one or the new one; and a serial was exported once for each run that installed it.
"""
MEASURED = """\
## Seconds from the renewal to the last handshake

Four hosts, with waves of 1, 1 and 2 hosts. Measured on 2 cores that run the stand-ins and the hosts as well, when this
page was written; the tests fail above 300 seconds. AWS takes what it takes to send the event on top of it.

| Door | Seconds |
|---|---|
"""
PARTS = ("The door does not take the event", "Too late, too often, in the wrong order", "Killed")
DOORS = ("awx_webhook", "awx_launch", "sqs")


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        part: heading below which it stands.
        how: how it was tried.
    """

    part: str
    fault: str
    door: str
    how: str
    outcome: str


def page(rows: Iterable[Row], seconds: Mapping[str, float]) -> str:
    """Return the whole page."""
    given = list(rows)
    lines = [INTRODUCTION, MEASURED + "".join(f"| `{door}` | {seconds.get(door, 0):.1f} |\n" for door in DOORS)]
    for part in PARTS:
        lines += [f"## {part}\n", "| Fault | Door | How it was tried | Outcome |", "|---|---|---|---|"]
        lines += [f"| {row.fault} | {row.door} | {row.how} | {row.outcome} |" for row in given if row.part == part]
        lines.append("")
    return "\n".join(lines)


def lasting(text: str) -> str:
    """The page without what is measured anew each time."""
    return re.sub(r"\| \d+\.\d \|", "| |", text)
