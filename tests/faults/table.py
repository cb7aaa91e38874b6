# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/faults.md: every fault that was tried, how often and what came of it, as the tests themselves say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
INTRODUCTION = """\
# What was tried to break a site

Each row is a test in `tests/faults`, on real hosts with systemd, nginx and Apache of Debian 12, and this page is
written by those tests: `FAULTS_PAGE=write .venv/bin/nox -s faults` writes it, and the same session without it fails
when a row differs. The judge is never our own code: `openssl s_client` with chain and name verified, `curl`, and the
server's own start from what is on the disk.

**Old** is the certificate that was served before, **new** the one to be installed. A run that goes back says
`rolled_back`, one that changed nothing says `failed`; both fail the task.
"""
LIMITS = """\
## What is known and not prevented

- A server opens the certificate and the key one after the other. A reload or start that somebody else makes within
  the some 50 millionths of a second between the two, while the one link is swapped, reads halves of two pairs. A
  running nginx keeps what it has (or, where the kinds of the two keys differ, fails handshakes until it reads again),
  an Apache ends, and a server that is being started does not come up; the next start does.
- The same holds for a run that is killed right after the reload if the next one begins while the server still reads.
- Apache's configuration test does not look at keys; ours does, but not where a path holds a variable, or where the
  key is encrypted. If such a pair of *another* site is broken on the disk, any reload ends Apache, ours included.
- A host that loses power is a killed container here: whatever it wrote is on its disk, also without `fsync`.
"""
PARTS = ("Killed", "Refused by the operating system", "Something else is wrong", "Cut off", "Under load", "Many hosts")


@dataclass(frozen=True, order=True)
class Row:
    """One line of the table.

    Attributes:
        part: heading below which it stands.
        times: how often it was tried; a lower bound where it depends on the machine.
    """

    part: str
    fault: str
    server: str
    times: str
    outcome: str


def page(rows: Iterable[Row]) -> str:
    """Return the whole page; rows of two servers with the same outcome stay two rows."""
    given = list(rows)
    lines = [INTRODUCTION]
    for part in PARTS:
        chosen = [row for row in given if row.part == part]
        if chosen:
            lines += [f"## {part}\n", "| Fault | Server | Times | Outcome |", "|---|---|---|---|"]
            lines += [f"| {row.fault} | {row.server} | {row.times} | {row.outcome} |" for row in chosen]
            lines.append("")
    return "\n".join([*lines, LIMITS])


def told(outcomes: Mapping[str, int]) -> str:
    """Say how many runs ended how."""
    words = {
        "nothing changed": "changed nothing, old served",
        "rolled back": "rolled back, old served",
        "going back failed": "could not go back and said so; old or new served, also after a restart",
        "done": "done, new served",
        "done with a warning": "done with a warning, new served",
    }
    return "; ".join(f"{outcomes[name]} {text}" for name, text in words.items() if outcomes.get(name))
