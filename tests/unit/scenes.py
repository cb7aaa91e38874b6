# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts of the tests of the transaction serve, and a run that must fail."""

from __future__ import annotations

from typing import Any

import pytest
from unit.certificates import authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.transaction import RolledBack, Transaction

OLDEST = authority().leaf(age=3)
OLD = authority().leaf(age=2)
NEW = authority("rsa").leaf(["www.example.com", "*.example.org"], "rsa", age=1)


def links(host: Host) -> list[dict[str, str]]:
    return [
        {"path": str(host.etc / "own.pem"), "part": "fullchain"},
        {"path": str(host.etc / "own.key"), "part": "private_key"},
    ]


def failure(transaction: Transaction, status: str = "failed") -> dict[str, Any]:
    """Run a transaction that must fail; return its result."""
    with pytest.raises(HostError) as caught:
        transaction.run()
    assert isinstance(caught.value, RolledBack) == (status == "rolled_back")
    return transaction.report.to_failure(caught.value, status)
