# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs tasks through ansible-playbook, as a user does, and returns what each of them returned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CALLBACKS = Path(__file__).resolve().parent / "callbacks"
TIMEOUT = 300


@dataclass(frozen=True)
class TaskResult:
    """What a callback sees of a task: what Ansible prints, too."""

    task: str
    host: str
    outcome: str
    result: dict[str, Any]

    @property
    def failed(self) -> bool:
        return self.outcome in ("failed", "unreachable")

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def msg(self) -> str:
        return str(self.result.get("msg", ""))

    def __getitem__(self, key: str) -> Any:
        return self.result[key]


@dataclass
class PlaybookRun:
    """A finished run."""

    returncode: int
    stdout: str
    stderr: str
    results: list[TaskResult] = field(default_factory=list)

    def __getitem__(self, task: str | int) -> TaskResult:
        """The result of a task, by its position or by its name; on several hosts the first."""
        if isinstance(task, int):
            return self.results[task]
        for result in self.results:
            if result.task == task:
                return result
        raise KeyError(f"no task {task!r} ran; output:\n{self.stdout}\n{self.stderr}")

    def __len__(self) -> int:
        return len(self.results)

    def on(self, host: str) -> list[TaskResult]:
        """The results of one host, in order."""
        return [result for result in self.results if result.host == host]

    @property
    def output(self) -> str:
        """All a person or a log would see."""
        return self.stdout + self.stderr


def run_playbook(
    tasks: Sequence[Mapping[str, Any]] | None,
    env: Mapping[str, str],
    *,
    plays: Sequence[Mapping[str, Any]] | None = None,
    playbook: str | Path | None = None,
    inventory: str | Path = "localhost,",
    extra_vars: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    keep_going: bool = True,
    cwd: str | Path | None = None,
) -> PlaybookRun:
    """Run tasks on localhost, or plays, or a playbook of the project.

    Args:
        tasks: run on localhost in one play; one without a name is named after its position.
        env: added to an environment without any AWS variable, such as ``standin.env``.
        plays: instead of tasks.
        playbook: instead of tasks: a file, or a playbook by its full name.
        arguments: of ansible-playbook, such as ``--check``, ``--diff`` or ``-vvv``.
        keep_going: a failing task does not end the run; only for ``tasks``.
    """
    with tempfile.TemporaryDirectory(prefix="playbook-") as directory:
        folder = Path(directory)
        record = folder / "results.jsonl"
        record.touch()
        # Else one of the machine would count. Ansible asks a thousand times a second whether a task is done.
        (folder / "ansible.cfg").write_text("[defaults]\ninternal_poll_interval = 0.02\n", encoding="utf-8")
        path: str | Path
        if playbook is not None:
            path = playbook
        else:
            path = folder / "playbook.yml"
            path.write_text(json.dumps(plays or [_play(tasks or (), keep_going)]), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(path), *arguments]
        if extra_vars:
            command += ["-e", json.dumps(extra_vars)]
        finished = subprocess.run(
            command,
            env={**_environment(folder, record), **env},
            cwd=cwd or folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        lines = record.read_text(encoding="utf-8").splitlines()
        results = [TaskResult(**json.loads(line)) for line in lines]
        return PlaybookRun(finished.returncode, finished.stdout, finished.stderr, results)


def _play(tasks: Sequence[Mapping[str, Any]], keep_going: bool) -> dict[str, Any]:
    named = [{"name": f"task {number}", **task} for number, task in enumerate(tasks)]
    if keep_going:
        named = [{"ignore_errors": True, **task} for task in named]
    return {
        "name": "Test",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": named,
    }


def _environment(folder: Path, record: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BOTO"))}
    callbacks = os.pathsep.join(filter(None, [str(CALLBACKS), os.environ.get("ANSIBLE_CALLBACK_PLUGINS", "")]))
    return {
        **kept,
        "HOME": str(folder),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": callbacks,
        "ANSIBLE_CALLBACKS_ENABLED": "recorder",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PLAYBOOK_RECORD": str(record),
    }
