# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out one job on this host: reads it as JSON, prints what came of it as JSON."""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from faults.onhost.crash import crash, difference
from faults.onhost.errors import errors, full_disk
from faults.onhost.stage import SAVED, Stage

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.handshake import look
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack

Job = Mapping[str, Any]
OPTIONS = SAVED / "options.json"


def rehearse(stage: Stage, job: Job, work: Callable[[Stage], Any]) -> Any:
    """Make a scene and hurt it, again and again."""
    stage.make(job["scene"])
    try:
        return work(stage)
    finally:
        stage.stop()


def set_up(stage: Stage, job: Job) -> dict[str, str]:
    """Make a scene and leave it to later jobs; what is on the disk."""
    stage.make(job["scene"])
    OPTIONS.write_text(json.dumps(stage.options))
    return stage.snapshot()


def run(stage: Stage, job: Job) -> dict[str, Any]:
    """Make one run in the scene that was set up; its result, and which files differ afterwards.

    With ``alone`` false they are not looked at, as another run may be changing them.
    """
    options = {**json.loads(OPTIONS.read_text()), **job.get("changes", {})}
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=job.get("days", 0))
    settings: dict[str, Any] = {"now": lambda: now, "look": functools.partial(look, timeout=0.3)}
    snapshot = stage.snapshot if job.get("alone", True) else dict
    before = snapshot()
    with silent(job.get("silent_port")):
        transaction = stage.transaction(options, **settings)
        try:
            result = transaction.run().to_result()
        except RolledBack as error:
            result = transaction.report.to_failure(error, "rolled_back")
        except HostError as error:
            result = transaction.report.to_failure(error, "failed")
    return {**result, "differing": difference(before, snapshot())}


@contextlib.contextmanager
def silent(port: int | None) -> Iterator[None]:
    """Listen on a port, take connections and never answer."""
    if port is None:
        yield
        return
    with socket.create_server(("127.0.0.1", port), backlog=100):
        yield


def renewals(stage: Stage, job: Job) -> list[list[Any]]:
    """Renew again and again under load; each fingerprint with the times its change began and ended.

    The clock is the machine's monotonic one, which this host shares with whoever makes the load.
    """
    times = []
    for bundle in job["bundles"]:
        begin = time.monotonic()
        stage.deploy(bundle, config_files=stage.site_file())
        times.append([stage.fingerprint(bundle), begin, time.monotonic()])
        time.sleep(job["pause"])
    return times


def do(job: Job) -> Any:
    stage = Stage(job)
    kind = job["kind"]
    if kind in ("set up", "run", "renewals"):
        return {"set up": set_up, "run": run, "renewals": renewals}[kind](stage, job)
    if kind == "crash":
        return rehearse(stage, job, crash)
    if kind == "full disk":
        return rehearse(stage, job, full_disk)
    return rehearse(stage, job, lambda stage: errors(stage, kind))


def main() -> None:
    # Debian's apachectl would hand over to systemd, which limits how often a service is started.
    os.environ.update(APACHE_STARTED_BY_SYSTEMD="true", APACHE_ULIMIT_MAX_FILES="true")
    print(json.dumps(do(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
