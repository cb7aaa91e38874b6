# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of the documentation that tests write, and are held to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

STALE = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Page:
    """A page that one nox session writes when ``variable`` is ``write`` in its environment.

    Attributes:
        lasting: what of the text has to be the same each time; what is measured is not.
    """

    path: Path
    variable: str
    session: str
    lasting: Callable[[str], str] = str

    def hold(self, session: pytest.Session, exitstatus: int, text: str) -> None:
        """After a complete run that went well, write the page or hold the committed one to it."""
        chosen = session.config.option.keyword or session.config.option.markexpr or session.config.option.collectonly
        partial = chosen or any("::" in argument or argument.endswith(".py") for argument in session.config.args)
        if exitstatus or partial or session.config.option.maxfail == 1:
            return
        if os.environ.get(self.variable) == "write":
            self.path.write_text(text, encoding="utf-8")
        elif not self.path.exists() or self.lasting(self.path.read_text(encoding="utf-8")) != self.lasting(text):
            session.config.stash[STALE] = True
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def complain(self, reporter: Any, config: pytest.Config) -> None:
        """Say that the page differs, if it does."""
        if config.stash.get(STALE, False):
            command = f"{self.variable}=write .venv/bin/nox -s {self.session}"
            reporter.write_line(f"{self.path.name} does not tell what was tried: {command} writes it", red=True)
