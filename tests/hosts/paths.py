# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the test hosts keep their files: nothing is ever written into the repository."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The two places: a cache that survives a reboot and a runtime directory that need not."""

    cache: Path
    runtime: Path

    @classmethod
    def default(cls) -> Paths:
        """Follow XDG_CACHE_HOME; the runtime directory is short because ssh control sockets live in it."""
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        cache = Path(base) / "certops-acm" / "hosts"
        short = hashlib.sha256(str(cache).encode()).hexdigest()[:8]
        return cls(cache=cache, runtime=Path("/run/certops-acm") / short)

    @property
    def storage(self) -> Path:
        """Podman's own storage, apart from the user's."""
        return self.cache / "podman"

    @property
    def runs(self) -> Path:
        """One directory per run."""
        return self.runtime / "runs"

    def run(self, run_id: str) -> Path:
        """State of one run: registry, keys, ssh configuration, inventory."""
        return self.runs / run_id

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock against other processes of this package."""
        self.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.cache / f"{name}.lock").open("w", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
