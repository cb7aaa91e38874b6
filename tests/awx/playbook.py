# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job that plays a playbook, with the variables as AWX hands them over."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .jobs import Job, Outcome
from .launch import parse_variables

CALLBACKS = Path(__file__).resolve().parent / "callbacks"
COLLECTION = "certops.acm"


class Playbook:
    """A job command: ``Awx(command=Playbook(lambda: lab.full_environment, lab.ansible_playbook))``.

    A template's ``playbooks/renew.yml`` is played as ``certops.acm.renew``.
    """

    def __init__(self, environment: Callable[[], Mapping[str, str]], ansible_playbook: str) -> None:
        """``environment`` is asked at each job: host inventories and AWS are in it."""
        self._environment = environment
        self._ansible_playbook = ansible_playbook

    def __call__(self, job: Job) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="awx-job-") as directory:
            folder = Path(directory)
            variables, artifacts, output = folder / "extravars", folder / "artifacts.json", folder / "stdout"
            variables.write_text(extra_variables(job), encoding="utf-8")
            command = [self._ansible_playbook, f"{COLLECTION}.{Path(job.record['playbook']).stem}"]
            command += ["-e", f"@{variables}", *(["--limit", job.record["limit"]] if job.record["limit"] else [])]
            with output.open("wb") as printed:
                job.process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=self._surroundings(job, artifacts),
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                returncode = job.process.wait()
            job.output = output.read_text(encoding="utf-8")
            handed = json.loads(artifacts.read_text(encoding="utf-8")) if artifacts.exists() else {}
            return Outcome(returncode == 0, handed)

    def _surroundings(self, job: Job, artifacts: Path) -> dict[str, str]:
        given = dict(self._environment())
        plugins = os.pathsep.join(filter(None, [str(CALLBACKS), given.get("ANSIBLE_CALLBACK_PLUGINS", "")]))
        enabled = ",".join(filter(None, ["artifacts", given.get("ANSIBLE_CALLBACKS_ENABLED", "")]))
        return {
            **given,
            **job.environment,
            "ANSIBLE_CALLBACK_PLUGINS": plugins,
            "ANSIBLE_CALLBACKS_ENABLED": enabled,
            "AWX_ARTIFACTS": str(artifacts),
            "JOB_ID": str(job.id),
        }


class _Unsafe(yaml.SafeDumper):
    def represent_data(self, data: Any) -> yaml.Node:
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", str(data))
        return super().represent_data(data)


def extra_variables(job: Job) -> str:
    """The file of extra variables: only what the template itself sets may hold Jinja that is evaluated."""
    own = parse_variables(job.template["extra_vars"] or "{}")
    trusted = {name: value for name, value in job.variables.items() if name in own and own[name] == value}
    others = {name: value for name, value in job.variables.items() if name not in trusted}
    return "".join([yaml.dump(trusted, Dumper=yaml.SafeDumper) if trusted else "", unsafe_variables(others)])


def unsafe_variables(variables: Mapping[str, Any]) -> str:
    """Variables with each text marked as one that is no template, as AWX writes them."""
    return yaml.dump(dict(variables), Dumper=_Unsafe, default_flow_style=False) if variables else ""
