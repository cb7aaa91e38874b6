# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing runs: by label, which survives everything, and by the registry written before anything is made."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from hosts.access import Access
from hosts.errors import HostsError
from hosts.podman import RUN_LABEL, Podman
from hosts.spec import network_name

CREATION_SECONDS = 60


def remove_run(podman: Podman, run_id: str) -> None:
    """Remove containers and network of one run by label and by registry, then its state.

    :raises HostsError: no run can have this id, or something is still there afterwards.
    """
    network_name(run_id)
    podman.prepare()
    _wait_for_creations(run_id)
    directory = podman.paths.run(run_id)
    registry = directory / "run.json"
    registered = json.loads(registry.read_text(encoding="utf-8"))["hosts"] if registry.exists() else []
    Access(directory).close()
    names = [host["container"] for host in registered]
    podman.remove([*podman.containers(run_id), *names], podman.networks(run_id))
    left = [*podman.containers(run_id), *podman.networks(run_id)]
    if left:
        raise HostsError(f"Could not remove {', '.join(left)} of run {run_id}: try again.")
    shutil.rmtree(directory, ignore_errors=True)


def remove_all(podman: Podman) -> None:
    """Remove everything of every run, by label, whether its state still exists or not."""
    podman.prepare()
    for directory in podman.paths.runs.iterdir():
        remove_run(podman, directory.name)
    podman.remove(podman.containers(None), podman.networks(None))
    left = [*podman.containers(None), *podman.networks(None)]
    if left:
        raise HostsError(f"Could not remove {', '.join(left)}: try again.")


def _wait_for_creations(run_id: str) -> None:
    """Wait for podman commands that outlived a killed process: they would make a host after we looked."""
    deadline = time.monotonic() + CREATION_SECONDS
    while time.monotonic() < deadline and any(_creates(process, run_id) for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.1)


def _creates(process: Path, run_id: str) -> bool:
    try:
        argv = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    return argv[0] == "podman" and f"{RUN_LABEL}={run_id}" in argv
