# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something else is wrong on the host: every run says what, and the old certificate is served as before.

The site was renewed once, and every test tries to renew it on: whatever goes wrong must leave it so
that the next one can try. At the end it is renewed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import judge, rehearsal
from faults.shop import NEW, OLD, SITES, Say, Shop, opened
from faults.site import Site
from unit.certificates import authority

PART = "Something else is wrong"
GONE_BACK = "rolled back, old served, files as before"
UNTOUCHED = "nothing changed and said why, old served"


@pytest.fixture(scope="module", params=["nginx", "apache"])
def shop(site: Site, roots: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    with opened(site, request.param, roots) as made:
        yield made


def test_the_configuration_test_fails_with_the_change(shop: Shop, tell: Say) -> None:
    path = f"{SITES[shop.server]}/zz.conf"
    result = shop.run(changes={"config_files": [{"path": path, "content": "nonsense on stilts\n", "mode": "0644"}]})
    shop.refused(result, "rolled_back", "config test", "failed with the change in place")
    tell(PART, "the configuration test fails with the change in place", shop.server, 1, GONE_BACK)


def test_the_configuration_is_broken_before(shop: Shop, tell: Say) -> None:
    shop.sh(f"echo nonsense > {SITES[shop.server]}/zz.conf")
    shop.refused(shop.run(), "failed", "preflight", "already broken before this change")
    shop.sh(f"rm {SITES[shop.server]}/zz.conf")
    tell(PART, "the configuration is broken already", shop.server, 1, UNTOUCHED)


def test_the_reload_fails(shop: Shop, tell: Say) -> None:
    shop.reload_by("/bin/false")
    shop.refused(shop.run(), "rolled_back", "reload", f"systemctl reload {shop.unit} failed")
    shop.reload_by(None)
    tell(PART, "the reload fails, each time it is tried", shop.server, 1, GONE_BACK)


def test_the_reload_does_nothing(shop: Shop, tell: Say) -> None:
    shop.reload_by("/bin/true")
    result = shop.run(changes={"handshake_timeout": 1.0})
    shop.refused(result, "rolled_back", "handshake", "still serves")
    shop.reload_by(None)
    tell(PART, "the reload says that it went well and does nothing", shop.server, 1, GONE_BACK)


def test_another_site_answers_first(shop: Shop, tell: Say) -> None:
    shop.second_site("aa.conf", judge.NAME, "/etc/ssl/own/shop.pem", "/etc/ssl/own/shop.key")
    result = shop.run(changes={"handshake_timeout": 1.0})
    shop.sh(f"rm {SITES[shop.server]}/aa.conf")
    shop.systemctl("restart")  # a reload would leave the other site's workers for a moment
    assert "does no other server block answer first?" in result["msg"]
    shop.refused(result, "rolled_back", "handshake", "still serves")
    tell(PART, "another site of the same name answers first", shop.server, 1, GONE_BACK)


def test_the_server_is_down_before(shop: Shop, tell: Say) -> None:
    shop.systemctl("stop")
    result = shop.run()
    assert judge.shaken(shop.address, shop.roots) is None, "nobody asked for it to be started"
    shop.systemctl("start")
    shop.refused(result, "failed", "preflight", "is not running on this host: start it")
    tell(PART, "the server is down before", shop.server, 1, "nothing changed and said why; old served when started")


def test_the_server_dies_of_the_reload(shop: Shop, tell: Say) -> None:
    shop.reload_by("/bin/kill -KILL $MAINPID")
    result = shop.run(changes={"handshake_timeout": 2.0})
    assert result["step"] in ("reload", "handshake")
    shop.refused({**result, "step": ""}, "rolled_back", "", "everything is as it was before")
    shop.reload_by(None)
    assert shop.sh(f"systemctl is-active {shop.unit}") == "active\n"
    tell(PART, "the server dies of the reload", shop.server, 1, "started again and rolled back, old served")


def test_a_listener_takes_connections_and_never_answers(shop: Shop, tell: Say) -> None:
    both = {"address": "127.0.0.1", "server_name": judge.NAME, "starttls": None}
    listeners = [{**both, "port": port} for port in (443, 8443)]
    started = time.monotonic()
    # Time enough for both of them: on a busy machine Apache shows the new certificate at 443 after a second, or later.
    result = shop.run(silent_port=8443, changes={"listeners": listeners, "handshake_timeout": 4.0})
    assert time.monotonic() - started < 20
    shop.refused(result, "rolled_back", "handshake", "no answer from 127.0.0.1:8443")
    tell(PART, "one of two listeners never answers", shop.server, 1, GONE_BACK)


@pytest.mark.parametrize(("days", "phrase"), [(-4000, "is valid from"), (4000, "expired at")])
def test_the_clock_is_wrong(shop: Shop, tell: Say, days: int, phrase: str) -> None:
    shop.refused(shop.run(days=days), "failed", "check bundle", phrase)
    wrong = "behind" if days < 0 else "ahead"
    tell(PART, f"the clock of the host is eleven years {wrong}", shop.server, 1, UNTOUCHED)


def test_the_key_is_of_another_certificate(shop: Shop, tell: Say) -> None:
    """Apache's configuration test would not see it, and its reload would end the server."""
    result = shop.run(changes={"private_key": rehearsal.OLD["private_key"]})
    shop.refused(result, "failed", "stage", "certificate and key do not belong together")
    tell(PART, "the key belongs to another certificate", shop.server, 1, UNTOUCHED)


def test_another_run_is_at_work(shop: Shop, tell: Say) -> None:
    """The lock belongs to a process that lives; what it says names that process."""
    command = "exec 9>>/etc/ssl/acm/.lock; flock 9; echo $$ > /etc/ssl/acm/.lock; touch /tmp/locked; exec sleep 600"
    shop.sh(f"rm -f /tmp/locked; setsid sh -c '{command}' >/dev/null 2>&1 & until [ -e /tmp/locked ]; do :; done")
    result = shop.run(changes={"lock_timeout": 0.3})
    holder = shop.sh("cat /etc/ssl/acm/.lock").strip()
    shop.sh(f"kill {holder}")
    shop.refused(result, "failed", "lock", f"another run of cert_deploy (process {holder}) is changing")
    tell(PART, "another run does not end", shop.server, 1, UNTOUCHED)


def test_another_site_has_a_key_that_does_not_fit(shop: Shop, tell: Say) -> None:
    """A pair that somebody broke on the disk, long after the server read it."""
    shop.sh("cd /etc/ssl/own; cp shop.pem other.pem; cp shop.key other.key")
    shop.second_site("zz.conf", "other.example.com", "/etc/ssl/own/other.pem", "/etc/ssl/own/other.key")
    shop.systemctl("restart")
    # Of the same kind: a key of another kind nginx would load beside the certificate, and never use.
    foreign = authority().leaf([judge.NAME]).private_key
    shop.fleet.exec(shop.host, ["tee", "/etc/ssl/own/other.key"], stdin=foreign)
    result = shop.run(changes={"handshake_timeout": 1.0})
    down = judge.shaken(shop.address, shop.roots) is None
    shop.sh(f"rm {SITES[shop.server]}/zz.conf /etc/ssl/own/other.*")
    assert not down, "Apache's own test does not look at keys, so ours does: a reload would have ended it"
    shop.refused(result, "failed", "preflight", "already broken before this change")
    tell(PART, "another site's key does not fit", shop.server, 1, UNTOUCHED)


def test_after_all_of_that_it_is_renewed(shop: Shop) -> None:
    result: dict[str, Any] = shop.run()
    assert (result["status"], result["previous_fingerprint"]) == ("verified", OLD)
    shop.serves(NEW)
    assert shop.sh(f"systemctl is-active {shop.unit}") == "active\n"
