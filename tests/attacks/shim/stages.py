# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of a test module: each is made when it is first asked for, and one process with the shim runs for all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from attacks.shim.calls import compiled
from attacks.shim.runner import Runner
from attacks.shim.scenes import SCENES
from attacks.shim.sites import Sites
from attacks.shim.stage import Stage


class Stages:
    """Scenes by name, on hosts in memory where there is room: each run forces every file to the disk."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._made: dict[str, Stage] = {}

    def __enter__(self) -> Stages:
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.directory = Path(self._open.enter_context(tempfile.TemporaryDirectory(dir=memory))).resolve()
        self.library = compiled(self.directory)
        self.runner = self._open.enter_context(Runner(self.library))
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def __getitem__(self, name: str) -> Stage:
        if name not in self._made:
            place = self.directory / name.replace(" ", "-")
            self._made[name] = Stage(place, self.runner, self._serve, SCENES[name])
        self._made[name].reset()
        return self._made[name]

    def _serve(self, configurations: list[Path]) -> Sites:
        directory = Path(tempfile.mkdtemp(dir=self.directory))  # away from what the shim counts
        return self._open.enter_context(Sites(directory, configurations))
