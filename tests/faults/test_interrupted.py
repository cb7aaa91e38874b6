# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are cut off from outside, or meet: the connection, the whole host, another run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from faults import judge
from faults.shop import CHANGED, NEW, OLD, RELOADS, TESTS, Say, Shop, opened
from faults.site import LASTING_HOST, Site
from hosts.errors import HostsError
from unit.certificates import PASSPHRASE, authority

PART = "Cut off"
# Ends what sshd started for each connection, and leaves what the connections started.
DROP = """
for session in $(pgrep -P $(cat /run/sshd.pid)); do kill -KILL $(pgrep -x sshd -P $session) $session; done
"""
AWAIT_END = "flock -w 30 /etc/ssl/acm/.lock true"


@pytest.fixture(params=["nginx", "apache"])
def shop(site: Site, roots: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    with opened(site, request.param, roots, LASTING_HOST) as made:
        yield made


@pytest.mark.parametrize("moment", ["configuration test with the change in place", "reload"])
def test_the_connection_is_dropped(shop: Shop, tmp_path: Path, moment: str, tell: Say) -> None:
    """The module's process goes on without anybody who listens."""
    leaf = authority().leaf([judge.NAME], age=0.5)
    options = {
        "name": "shop",
        "certificate": leaf.certificate,
        "chain": leaf.chain,
        "private_key": leaf.encrypted_private_key,
        "passphrase": PASSPHRASE,
        "config_test": list(TESTS[shop.server]),
        "reload_command": list(RELOADS[shop.server]),
        "listeners": [{"server_name": judge.NAME}],
    }
    if moment == "reload":
        options["reload_command"] = shop.gate(1, *RELOADS[shop.server])
    else:
        options["config_test"] = shop.gate(CHANGED, *TESTS[shop.server])
    running = play(shop, tmp_path, options)
    try:
        shop.await_gate()
        assert judge.shaken(shop.address, shop.roots) == OLD
        shop.sh(DROP)
        output = running.communicate(timeout=60)[0]
    finally:
        running.kill()
    assert "UNREACHABLE" in output, output
    shop.open_gate()
    shop.sh(AWAIT_END)
    shop.serves(leaf.fingerprint)
    assert shop.sh("ls /etc/ssl/acm/shop").split() == ["backups", "live", "record.json", "versions"]
    tell(PART, f"the connection is dropped during the {moment}", shop.server, 1, "the run ends its job, new served")


def play(shop: Shop, directory: Path, options: dict[str, Any]) -> subprocess.Popen[str]:
    """Start ansible-playbook with one task: cert_deploy, over a connection of its own."""
    task = {"certops.acm.cert_deploy": options, "no_log": True}
    playbook = directory / "play.yml"
    playbook.write_text(json.dumps([{"hosts": shop.host, "gather_facts": False, "tasks": [task]}]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(shop.fleet.inventory_file)]
    command += ["-e", "ansible_ssh_args=-oControlMaster=no", "-e", "ansible_control_path=none", str(playbook)]
    environment = {**os.environ, "ANSIBLE_HOME": str(directory / "ansible"), "ANSIBLE_FORCE_COLOR": "0"}
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_runs_at_once(shop: Shop, tell: Say) -> None:
    """One is held in the middle; the other waits for it, and then finds nothing to do."""
    test = shop.gate(CHANGED, *TESTS[shop.server])
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shop.run, alone=False, changes={"config_test": test})
        shop.await_gate()
        impatient = shop.run(changes={"lock_timeout": 0.2})
        assert (impatient["status"], impatient["step"]) == ("failed", "lock")
        assert judge.shaken(shop.address, shop.roots) == OLD
        second = pool.submit(shop.run, alone=False, changes={"lock_timeout": 30.0})
        shop.open_gate()
        results = [first.result(60), second.result(60)]
    assert [(result["status"], result["changed"]) for result in results] == [("verified", True), ("verified", False)]
    shop.serves(NEW)
    outcome = "the second waits and changes nothing, or says which process it waited for; new served"
    tell(PART, "two runs at once on one host", shop.server, 1, outcome)


def test_the_host_goes_down_in_the_middle(shop: Shop, tell: Say) -> None:
    """Power is lost while the change is in place and not yet proven; the host boots with what it has."""
    others = {"nginx": "apache2", "apache": "nginx"}
    shop.sh(f"systemctl --quiet disable {others[shop.server]}; systemctl --quiet enable {shop.unit}")
    test = shop.gate(CHANGED, *TESTS[shop.server])
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(shop.run, changes={"config_test": test})
        shop.await_gate()
        shop.fleet.kill(shop.host)
        with pytest.raises(HostsError):
            run.result(60)
    shop.fleet.start(shop.host)
    assert judge.shaken(shop.address, shop.roots) in {OLD, NEW}
    result = shop.run()
    assert result["status"] == "verified" and result["actions"][0].startswith("repaired what an interrupted run left")
    shop.serves(NEW)
    shop.sh("systemctl --quiet disable apache2; systemctl --quiet enable nginx")
    outcome = "old or new served after the boot; the next run ended the job"
    tell(PART, "the host goes down while the change is in place", shop.server, 1, outcome)
