# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs on the hosts: copies the host's half of the collection there, and runs the driver."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faults.judge import NAME
from hosts.fleet import Fleet
from unit.certificates import Leaf, authority

from ansible_collections.certops.acm.plugins.module_utils import bundle

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = "ansible_collections/certops/acm/plugins/module_utils"
PLACE = "/opt/faults"
LONGEST = 800
UNPACK = """
import json, pathlib, sys
for name, text in json.load(sys.stdin).items():
    path = pathlib.Path(sys.argv[1], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
"""


def install(fleet: Fleet, host: str) -> None:
    """Copy what runs on the host; no Ansible, nothing but the standard library is needed there."""
    files = {f"{OURS}/{path.name}": path for path in (REPOSITORY / "plugins/module_utils").glob("*.py")}
    files |= {f"faults/onhost/{path.name}": path for path in (REPOSITORY / "tests/faults/onhost").glob("*.py")}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    fleet.exec(host, ["python3", "-c", UNPACK, PLACE], stdin=json.dumps(texts))


def as_bundle(leaf: Leaf) -> dict[str, Any]:
    """Return what a run on the host gets of a certificate."""
    info = asdict(bundle.leaf_info(leaf.certificate))
    return {"certificate": leaf.certificate, "chain": leaf.chain, "private_key": leaf.private_key, "info": info}


OLD = as_bundle(authority().leaf([NAME], age=2))
NEW = as_bundle(authority().leaf([NAME], "rsa", age=1))


def do(fleet: Fleet, host: str, kind: str, server: str, **job: Any) -> Any:
    """Do one job on a host and return its outcome; HostsError with the reason if the host failed it."""
    given: Mapping[str, Any] = {"kind": kind, "server": server, "roots": authority().root, **job}
    command = ["env", f"PYTHONPATH={PLACE}", "python3", "-m", "faults.onhost.driver"]
    return json.loads(fleet.exec(host, command, stdin=json.dumps(given), timeout=LONGEST).stdout)
