# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make demo`` prints what README.md shows, and leaves nothing behind, also after Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from hosts.fleet import Fleet
from hosts.podman import Podman
from lab import ROOT

from demo.__main__ import RUN

MASKS = {
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "<id>",
    r"_i-[0-9a-f]{17}": "_<instance>",
    r"\b[0-9a-f]{16}\b": "<fingerprint>",
    r"\d{4}-\d\d-\d\d(T[0-9:]+Z)?": "<date>",
    r"\d+\.\d s": "<seconds>",
}


def masked(text: str) -> list[str]:
    """Lines without what differs from run to run."""
    for pattern, name in MASKS.items():
        text = re.sub(pattern, name, text)
    return [line.strip() for line in text.splitlines()]


def test_it_prints_what_the_readme_shows() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = next(block for block in readme.split("```") if "[1/9]" in block)
    done = subprocess.run([sys.executable, "-m", "demo"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = masked(done.stdout)
    for line in masked(shown):
        if line not in ("", "..."):
            assert line in printed, done.stdout
            # In this order: what comes next is looked for after it.
            printed = printed[printed.index(line) + 1 :]
    assert nothing_is_left()


def nothing_is_left() -> bool:
    fleet = Fleet(RUN)
    podman = Podman(fleet.paths)
    return not [*podman.containers(RUN), *podman.networks(RUN)] and not fleet.directory.exists()


def test_an_interrupted_demo_leaves_nothing() -> None:
    """Also when Ctrl-C is pressed twice."""
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
    assert nothing_is_left()
