# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run nox sessions in lanes side by side, as most wait for hosts or use one processor only.

Usage: lanes.py <nox> <reports directory> <lane>..., a lane being the names of its sessions with commas. Each line of
output begins with its session. When a session fails no lane begins another one. The report of a session also gets the
seconds of processor time that it cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

failed = threading.Event()
printing = threading.Lock()


def run(nox: str, session: str, report: Path) -> bool:
    """Run one session and pass its output on; return whether it went well."""
    command = [nox, "--session", session, "--report", str(report)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            with printing:
                print(f"{session:>12} | {line}", end="", flush=True)
        # Not process.wait(): it keeps what the session and all its processes cost to itself.
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if report.exists():
        written = json.loads(report.read_text())
        report.write_text(json.dumps({**written, "processor": usage.ru_utime + usage.ru_stime}))
    return process.returncode == 0


def go(nox: str, reports: Path, lane: str) -> None:
    for session in lane.split(","):
        if failed.is_set():
            return
        if not run(nox, session, reports / f"stage-{session}.json"):
            failed.set()


def main() -> int:
    nox, reports, *lanes = sys.argv[1:]
    threads = [threading.Thread(target=go, args=(nox, Path(reports), lane)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return int(failed.is_set())


if __name__ == "__main__":
    sys.exit(main())
