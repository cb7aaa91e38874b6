# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module served_certificate through ansible-playbook, in the process of its task and packed as for a host."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from integration.playbook import run_playbook
from integration.tally import assert_clear
from unit.certificates import authority
from unit.host import Host

LEAF = authority().leaf()


@pytest.mark.parametrize("interpreter", [sys.executable, str(Path(sys.executable).with_name("python3"))])
def test_what_a_server_shows_is_told(tmp_path: Path, interpreter: str) -> None:
    def task(*listeners: dict[str, Any], **more: Any) -> dict[str, Any]:
        named = [
            {"address": "127.0.0.1", "port": host.port, "server_name": "www.example.com", **one} for one in listeners
        ]
        return {"certops.acm.served_certificate": {"listeners": named, "timeout": 0.2}, "ignore_errors": True, **more}

    colons = ":".join(LEAF.fingerprint[place : place + 2] for place in range(0, 64, 2)).upper()
    with Host(tmp_path) as host:
        host.own_pair(LEAF)
        host.start()
        tasks = [
            task({}),
            task({"fingerprint": colons}, check_mode=True),
            task({}, {"fingerprint": "0" * 64, "label": "shop"}, {"fingerprint": LEAF.fingerprint}),
            task({"port": 1, "starttls": "smtp"}),
            task({}, {"fingerprint": ""}),
            task({"fingerprint": "SHA256 Fingerprint=AB"}),
            task(),
        ]
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        run = run_playbook(None, {}, plays=[{**play, "vars": {"ansible_python_interpreter": interpreter}}])
    seen, waited, other, nobody, *wrong = run.results
    assert not seen.failed and not waited.failed, run.output
    assert seen["served"] == [
        {
            "address": "127.0.0.1",
            "port": host.port,
            "server_name": "www.example.com",
            "starttls": None,
            "fingerprint": LEAF.fingerprint,
            "error": None,
        }
    ]
    assert other.failed and [one["fingerprint"] for one in other["served"]] == [LEAF.fingerprint] * 3
    where = f"127.0.0.1:{host.port} (www.example.com)"
    assert other.msg == f"shop: the handshake with {where} shows {LEAF.fingerprint[:16]} instead of {'0' * 16}"
    assert nobody.failed and nobody["served"][0]["fingerprint"] is None
    assert_clear(nobody.msg, "the handshake with 127.0.0.1:1 (www.example.com, smtp) failed: connection refused")
    assert all(result.failed for result in wrong)
    assert_clear(wrong[0].msg, f"fingerprint '' of {where} is no SHA-256: give 64 hexadecimal digits, or leave it out")
    assert_clear(wrong[1].msg, "fingerprint 'SHA256 Fingerprint=AB'")
    assert_clear(wrong[2].msg, "listeners is empty, so nothing would be proven")
    assert not any(result.changed for result in run.results)
