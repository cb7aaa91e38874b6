# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variable that a playbook asks its user for is on the page, and none that no playbook knows."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/variables.md").read_text(encoding="utf-8")
PLAYBOOKS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(REPOSITORY.glob("playbooks/**/*.yml")))


def asked() -> set[str]:
    """Names that have a default where they are read, and are set nowhere in the playbooks."""
    read = set(re.findall(r"\b(certops_\w+) (?:\| default\(|is (?:not )?defined)", PLAYBOOKS))
    read |= set(re.findall(r"given_text', '(\w+)'", PLAYBOOKS))
    made = set(re.findall(r"^\s+(?:- )?(certops_\w+):", PLAYBOOKS, re.MULTILINE))
    return read - made - set(re.findall(r"register: (\w+)", PLAYBOOKS))


def test_the_page_names_every_variable() -> None:
    assert len(asked()) > 15
    assert {name for name in asked() if f"`{name}`" not in PAGE} == set()


def test_the_page_names_no_other() -> None:
    named = set(re.findall(r"`(certops_\w+)`", PAGE)) - {"certops_account"}
    assert named - asked() == set()
