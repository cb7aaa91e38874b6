# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The install transaction, on a real TLS server."""

from __future__ import annotations

import pytest
from unit.certificates import authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack

OLD = authority().leaf(age=2)
NEW = authority().leaf(age=1)


def test_a_first_install_is_proven(host: Host) -> None:
    host.own_pair(OLD)
    host.start()
    before = host.config.read_text()
    report = host.deploy(NEW, **host.managed())
    assert report.to_result()["status"] == "verified"
    assert host.served() == NEW.fingerprint == host.pair()
    assert not host.deploy(NEW, **host.managed()).plan.changed
    gone = host.transaction(host.options(state="absent")).run()
    assert gone.plan.changed
    assert host.served() == OLD.fingerprint
    assert host.config.read_text() == before
    assert not (host.root / "www").exists()


def test_a_bad_configuration_is_rolled_back(host: Host) -> None:
    host.own_pair(OLD)
    host.start()
    before = host.snapshot()
    with pytest.raises(RolledBack, match="unknown word"):
        host.deploy(NEW, config_files=[{"path": str(host.config), "content": "nonsense", "mode": "0644"}])
    assert host.snapshot() == before
    assert host.served() == OLD.fingerprint
