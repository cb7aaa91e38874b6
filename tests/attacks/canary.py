# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Template text that leaves a file when somebody evaluates it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Canary:
    """Makes template text, each for one field, and says which of it ran.

    Two ways lead from a template to a command: a lookup, and Python's own objects. Texts take one first and the
    other second by turns, as the first that fails hides the second.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fields: list[str] = []

    def text(self, field: str) -> str:
        """Return template text for a field, short enough for the key of a tag (127 characters)."""
        if field not in self._fields:
            self._fields.append(field)
        number = self._fields.index(field)
        command = f"'touch {self._directory}/{number}'"
        lookup = "{{ lookup('pipe', " + command + ") }}"
        return lookup if number % 2 else "{{ cycler.__init__.__globals__.os.popen(" + command + ").read() }}"

    def both(self, field: str) -> str:
        """Return longer text that tries both ways, and a statement."""
        first, second = self.text(f"{field} (1)"), self.text(f"{field} (2)")
        return f"{first}{second}{{% if {second[2:-2]} %}}{{% endif %}}"

    def fill(self, value: Any, field: str) -> Any:
        """Return a value with every text in it, keys included, replaced or joined by template text."""
        if isinstance(value, dict):
            filled = {key: self.fill(entry, f"{field}.{key}") for key, entry in value.items()}
            return {**filled, self.text(f"a key of {field}"): self.both(f"under a key of {field}")}
        if isinstance(value, list):
            return [*(self.fill(entry, f"{field}[]") for entry in value), self.both(f"{field}[]")]
        return self.both(field)

    def ran(self) -> list[str]:
        """Return the fields whose text was evaluated."""
        return [self._fields[int(path.name)] for path in sorted(self._directory.iterdir())]


@contextmanager
def canary() -> Iterator[Canary]:
    """Yield a canary with a directory of a short name: keys of tags are short."""
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as directory:
        yield Canary(Path(directory))
