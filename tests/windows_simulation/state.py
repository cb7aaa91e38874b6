# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a simulated host holds, as one JSON file: stores, keys, sites, http.sys, registry and files."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STORES = ("My", "WebHosting", "CA", "Root")
CENTRAL_PASSWORD = "the-password-that-iis-was-given-for-its-files"
VERSION_KEY = r"hklm:\software\microsoft\windows nt\currentversion"


def new_state(*, build: int = 20348) -> dict[str, Any]:
    """Return a Windows Server with IIS and its default site, which has no https binding."""
    return {
        "build": build,
        "stores": {name: [] for name in STORES},
        "keys": [],
        "sites": [site("Default Web Site", [binding(80, protocol="http")])],
        "http_sys": {},
        "registry": {VERSION_KEY: {"currentbuildnumber": str(build)}},
        "files": {},
        "acl": [],
        "faults": [],
        "central": {"path": r"c:\central", "password": CENTRAL_PASSWORD},
        "away": 0,
    }


def site(name: str, bindings: list[dict[str, Any]], state: str = "Started") -> dict[str, Any]:
    return {"name": name, "state": state, "physical_path": r"C:\inetpub\wwwroot", "bindings": bindings}


def binding(port: int, hostname: str = "", *, ip: str = "*", protocol: str = "https", flags: int = 0) -> dict[str, Any]:
    return {"protocol": protocol, "info": f"{ip}:{port}:{hostname}", "flags": flags}


def http_sys_key(found: dict[str, Any]) -> str:
    """Return under which name http.sys keeps the certificate of a binding."""
    ip, port, hostname = found["info"].split(":")
    if found["flags"] & 1:
        return f"{hostname.lower()}:{port}"
    return f"{'0.0.0.0' if ip == '*' else ip}:{port}"


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def write(path: Path, state: dict[str, Any]) -> None:
    """Write the whole, or nothing; and nothing where nothing changed."""
    text = json.dumps(state, indent=1, sort_keys=True)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the state, and write it at the end, also when the module failed in the middle."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = read(path)
        try:
            yield state
        finally:
            write(path, state)
