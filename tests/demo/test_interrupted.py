# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ctrl-C in ``make demo`` leaves nothing behind, also when it is pressed twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo.__main__ import RUN
from hosts.fleet import Fleet
from hosts.podman import Podman
from lab import ROOT


def test_an_interrupted_demo_leaves_nothing() -> None:
    nox = [str(Path(sys.executable).with_name("nox")), "--noxfile", str(ROOT / "noxfile.py"), "--session", "demo"]
    process = subprocess.Popen(
        nox, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, start_new_session=True
    )
    assert process.stdout
    try:
        before = []
        for line in process.stdout:
            before.append(line)
            if line.startswith("[2/9]"):
                break
        assert before[-1].startswith("[2/9]"), "".join(before)
        # As a terminal does it: nox, the demo and ansible-playbook get it at once.
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        after = process.stdout.read()
    finally:
        process.terminate()
        process.wait(60)
    assert "Everything was removed." in after, after
    assert "Traceback" not in after
    fleet = Fleet(RUN)
    podman = Podman(fleet.paths)
    assert [*podman.containers(RUN), *podman.networks(RUN)] == []
    assert not fleet.directory.exists()
