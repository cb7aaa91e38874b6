# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process with the shim in it that runs cert_deploy in children of its own, one for each line it is given.

It has imported everything already, so that a run costs a fork and not the start of a Python. The child reads its
arguments as Ansible's wrapper of modules hands them over, and prints the module's result. What the module starts, the
configuration test and the reload, has no shim in it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils import basic
from attacks.shim.sabotage import SABOTAGE

from ansible_collections.certops.acm.plugins.module_utils import handshake
from ansible_collections.certops.acm.plugins.modules import cert_deploy


def serve() -> None:
    os.environ.pop("LD_PRELOAD", None)
    # A run looks three times at a server that has old workers; ours has none.
    handshake.IN_A_ROW = 1
    _import_what_is_late()
    gc.freeze()  # a child shares what its parent never looks through
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_run_in_child(json.loads(line))), flush=True)


def _import_what_is_late() -> None:
    """Import what a run imports only when it needs it, instead of in each child."""
    time.strptime("2026", "%Y")
    if hasattr(basic, "_ANSIBLE_PROFILE"):  # since ansible-core 2.19
        from ansible.module_utils.common import json as profiles

        profiles.get_module_encoder("legacy", profiles.Direction.MODULE_TO_CONTROLLER)
        profiles.get_module_decoder("legacy", profiles.Direction.CONTROLLER_TO_MODULE)


def _run_in_child(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run one job; how its process ended, and what it printed."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(readable)
            _run(job, writable)
        finally:
            os._exit(99)
    os.close(writable)
    with open(readable, "rb") as stream:
        printed = stream.read().decode()
    status = os.waitpid(child, 0)[1]
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    return {"signal": killed, "code": None if killed else os.WEXITSTATUS(status), "printed": printed}


def _run(job: Mapping[str, Any], output: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    errors = os.open(job["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor, place in ((null, 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, place)
    os.umask(0)  # the worst one: who may read a key must not depend on it
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": job["arguments"]}).encode()
    if hasattr(basic, "_ANSIBLE_PROFILE"):  # since ansible-core 2.19
        basic._ANSIBLE_PROFILE = "legacy"
    if job["sabotage"]:
        SABOTAGE[job["sabotage"]]()
    code = 0
    try:
        _arm(job["shim"], job["log"])
        cert_deploy.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
    os._exit(code)


def _arm(shim: Mapping[str, str] | None, log: str) -> None:
    """Turn the shim on for this process, if it is to be on."""
    if shim is None:
        return
    assert int(shim["SHIM_LOG"]) > 100, "out of the way of what the run opens"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(descriptor, int(shim["SHIM_LOG"]), inheritable=False)
    os.close(descriptor)
    os.environ.update(shim)
    ctypes.CDLL(None).shim_arm()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    serve()
