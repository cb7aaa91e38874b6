# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Twenty renewals in a row under load: no handshake fails, no request is lost, no foreign certificate is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from faults import rehearsal
from faults.clients import Client, Handshake
from faults.judge import NAME
from faults.shop import OLD, opened
from faults.site import Site
from unit.certificates import authority

RENEWALS = 20
PAUSE = 0.05
# An old worker that was told to end may take a last connection while it is not yet scheduled.
LINGER = 1.0
REQUESTS = 1000


@pytest.mark.parametrize("server", ["nginx", "apache"])
def test_twenty_renewals_under_load(site: Site, roots: Path, server: str, tell: Callable[..., None]) -> None:
    bundles = [rehearsal.as_bundle(authority().leaf([NAME], age=1 - n / 100)) for n in range(RENEWALS)]
    with opened(site, server, roots) as shop:
        clients = [Client(shop.address, roots, keep_alive=keep) for keep in (False, False, True, True)]
        for client in clients:
            client.start()
        times = shop.do("renewals", bundles=bundles, pause=PAUSE)
        tallies = [client.stop() for client in clients]
    failures = [failure for tally in tallies for failure in tally.failures]
    assert not failures, f"{len(failures)} failures: {failures[:5]}"
    handshakes = [handshake for tally in tallies for handshake in tally.handshakes]
    live = _live(times)
    wrong = [handshake for handshake in handshakes if not _is_live(handshake, live)]
    assert not wrong, f"{len(wrong)} of {len(handshakes)} handshakes: {wrong[:3]}"
    assert {handshake.fingerprint for handshake in handshakes} >= set(live), "each certificate was seen"
    requests, closed = sum(tally.requests for tally in tallies), sum(tally.closed for tally in tallies)
    print(f"{server}: {requests} requests, {len(handshakes)} handshakes, {closed} kept connections closed")
    assert requests >= REQUESTS
    # At most once for each connection that is kept and each renewal: a server closes what is idle.
    assert closed <= 2 * (RENEWALS + 1)
    outcome = "no failed handshake, no lost request; each handshake showed the old or the new certificate of its time"
    fault = f"{RENEWALS} renewals in a row, new and kept connections"
    tell("Under load", fault, server, f"≥ {REQUESTS:,} requests".replace(",", " "), outcome)


def _live(times: list[list[float]]) -> dict[str, tuple[float, float]]:
    """When each certificate may be seen: from the begin of its own change to the end of the next one."""
    ends = [end for _fingerprint, _begin, end in times[1:]]
    live = {str(new[0]): (new[1], end + LINGER) for new, end in zip(times, [*ends, float("inf")])}
    return {**live, OLD: (0.0, times[0][2] + LINGER)}


def _is_live(handshake: Handshake, live: dict[str, tuple[float, float]]) -> bool:
    begin, end = live.get(handshake.fingerprint, (float("inf"), 0.0))
    return handshake.end >= begin and handshake.begin <= end
