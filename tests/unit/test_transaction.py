# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The install transaction, on a real TLS server: what is served before, during and after."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.certificates import authority, now
from unit.host import Host
from unit.scenes import NEW, OLD, OLDEST, failure, links

from ansible_collections.certops.acm.plugins.module_utils.deploy_request import read_desired
from ansible_collections.certops.acm.plugins.module_utils.host_lock import HostLock
from ansible_collections.certops.acm.plugins.module_utils.server import Server
from ansible_collections.certops.acm.plugins.module_utils.transaction import Transaction

# What is asked for comes about.


def test_a_first_install_is_proven(fresh: Host) -> None:
    result = fresh.deploy(NEW, **fresh.managed()).to_result()
    assert result["status"] == "verified"
    assert result["changed"]
    assert result["fingerprint"] == result["served_fingerprint"] == NEW.fingerprint
    assert result["previous_fingerprint"] is None
    assert result["names"] == ["www.example.com", "*.example.org"]
    assert [seen["port"] for seen in result["served"]] == [fresh.port]
    assert fresh.served() == fresh.pair() == NEW.fingerprint


def test_a_renewal_is_proven_though_old_workers_linger(host: Host) -> None:
    host.own_pair(OLDEST)
    host.start()
    content = host.lines("{live}/fullchain.pem", "{live}/privkey.pem", linger=9)
    files = [{"path": str(host.config), "content": content, "mode": "0644"}]
    host.deploy(OLD, config_files=files)
    result = host.deploy(NEW, config_files=files).to_result()
    assert result["previous_fingerprint"] == OLD.fingerprint
    assert {host.served() for _unused in range(5)} == {NEW.fingerprint}


def test_a_second_run_changes_nothing(managed: Host) -> None:
    before = managed.snapshot()
    steps: list[str] = []
    report = managed.transaction(
        managed.options(OLD, **managed.managed()), on_step=lambda step, _path: steps.append(step)
    ).run()
    assert report.to_result()["status"] == "verified"
    assert not report.to_result()["changed"]
    assert steps == []
    assert managed.snapshot() == before


def test_the_same_files_but_another_certificate_served_is_only_reloaded(fresh: Host) -> None:
    fresh.deploy(NEW, **fresh.managed())
    fresh.stop()
    content = fresh.config.read_text()
    fresh.config.write_text(fresh.lines(fresh.etc / "own.pem", fresh.etc / "own.key"))
    fresh.start()  # serves what it read at its start
    fresh.config.write_text(content)
    fresh.config.chmod(0o644)
    before = fresh.snapshot()
    result = fresh.deploy(NEW, **fresh.managed()).to_result()
    assert result["changed"]
    assert fresh.served() == NEW.fingerprint
    assert fresh.snapshot() == before


def test_listeners_that_do_not_answer_before_are_normal(host: Host) -> None:
    host.own_pair(OLD)
    report = host.deploy(NEW, listeners=[], reload_command=[], config_test=[])
    assert report.to_result()["status"] == "installed"
    host.config.write_text(host.lines(host.live / "fullchain.pem", host.live / "privkey.pem"))
    host.start()
    assert host.deploy(NEW).to_result()["status"] == "verified"


@pytest.mark.parametrize(("umask", "group"), [(0o000, None), (0o077, None), (0o777, None), (0o027, "daemon")])
def test_modes_do_not_depend_on_the_umask(host: Host, umask: int, group: str | None) -> None:
    if group and os.getuid() != 0:
        pytest.skip("only root can give files to another group")
    before = os.umask(umask)
    try:
        changes = {"group": group, "key_mode": "0640"} if group else {}
        host.deploy(NEW, listeners=[], reload_command=[], config_test=[], **changes)
    finally:
        os.umask(before)
    version = host.live.resolve()
    found = {path.name: path.stat().st_mode & 0o7777 for path in (version, *version.iterdir())}
    found.pop(version.name)
    assert found.pop("privkey.pem") == (0o640 if group else 0o600)
    assert set(found.values()) == {0o644}
    assert version.stat().st_mode & 0o7777 == (0o750 if group else 0o700)
    assert (host.root / "www").stat().st_mode & 0o7777 == 0o755
    if group:
        assert (version / "privkey.pem").group() == group == version.group()


@pytest.mark.parametrize("damage", ["truncate", "remove", "foreign", "mode"])
def test_a_damaged_version_is_staged_anew_beside_it(managed: Host, damage: str) -> None:
    version = managed.live.resolve()
    key = version / "privkey.pem"
    held = key.open()  # its number is not given to another file as long as it is open
    if damage == "truncate":
        key.write_text(key.read_text()[:100])
    elif damage == "remove":
        key.unlink()
    elif damage == "foreign":
        key.write_text(NEW.private_key)
    else:
        key.chmod(0o644)
    report = managed.deploy(OLD, **managed.managed())
    assert report.plan.changed
    assert managed.live.resolve().name == f"{OLD.fingerprint}.2"
    assert managed.pair() == managed.served() == OLD.fingerprint
    with held:
        assert not os.path.samestat((managed.live / "privkey.pem").stat(), os.fstat(held.fileno()))
    assert not managed.deploy(OLD, **managed.managed()).plan.changed


def test_another_chain_for_the_same_leaf_is_installed(managed: Host) -> None:
    """An authority may be signed by another root: same leaf, same fingerprint, other files."""
    shorter = managed.options(OLD, **managed.managed())
    shorter["chain"] = shorter["chain"].split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    assert managed.transaction(shorter).run().plan.changed
    assert (managed.live / "chain.pem").read_text() == shorter["chain"]
    assert managed.served() == OLD.fingerprint


def test_a_configuration_that_names_the_live_version_beforehand_is_no_obstacle(host: Host) -> None:
    host.own_pair(OLD)
    host.start()
    host.config.write_text(host.lines(host.live / "fullchain.pem", host.live / "privkey.pem"))
    assert host.deploy(NEW).to_result()["status"] == "verified"


def test_versions_are_kept_as_asked(managed: Host) -> None:
    leaves = [authority().leaf(age=1, days=100 + number) for number in range(4)]
    for leaf in leaves:
        managed.deploy(leaf, **managed.managed(), keep_versions=2)
    names = {path.name for path in (managed.root / "www" / "versions").iterdir()}
    assert names == {leaf.fingerprint for leaf in leaves[-2:]}


# Links at paths of the user's choice.


def test_files_are_adopted_and_put_back(fresh: Host) -> None:
    before = fresh.snapshot()
    fresh.deploy(NEW, links=links(fresh))
    assert fresh.served() == NEW.fingerprint
    assert os.readlink(fresh.etc / "own.key") == str(fresh.live / "privkey.pem")
    assert not fresh.deploy(NEW, links=links(fresh)).plan.changed
    fresh.transaction(fresh.options(state="absent")).run()
    assert fresh.served() == OLD.fingerprint
    assert fresh.snapshot() == before


def test_links_that_lead_elsewhere_are_adopted_too(fresh: Host) -> None:
    store = fresh.directory / "letsencrypt"
    store.mkdir()
    for name in ("own.pem", "own.key"):
        (fresh.etc / name).rename(store / name)
        (fresh.etc / name).symlink_to(store / name)
    before = fresh.snapshot()
    fresh.deploy(NEW, links=links(fresh))
    assert fresh.served() == NEW.fingerprint
    fresh.transaction(fresh.options(state="absent")).run()
    assert fresh.snapshot() == before


def test_what_was_adopted_can_be_rolled_back_to(fresh: Host) -> None:
    fresh.deploy(NEW, links=links(fresh))
    result = fresh.transaction(fresh.options(state="rolled_back")).run().to_result()
    assert result["fingerprint"] == fresh.served() == OLD.fingerprint
    assert result["serial"] == format(OLD.x509.serial_number, "x")


def test_a_link_that_somebody_replaced_is_left_alone(fresh: Host) -> None:
    fresh.deploy(NEW, links=links(fresh), listeners=[])
    (fresh.etc / "own.pem").unlink()
    (fresh.etc / "own.pem").write_text(NEW.fullchain)
    (fresh.etc / "own.key").unlink()
    (fresh.etc / "own.key").write_text(NEW.private_key)
    fresh.transaction(fresh.options(state="absent")).run()
    assert (fresh.etc / "own.pem").read_text() == NEW.fullchain


# What must not be done is refused, and nothing is touched.


def refused(host: Host, step: str, **changes: Any) -> str:
    leaf = changes.pop("leaf", NEW)
    before, served = host.snapshot(), host.served()
    result = failure(host.transaction(host.options(leaf, **{**host.managed(), **changes})))
    assert result["step"] == step
    assert host.snapshot() == before
    assert host.served() == served
    return str(result["msg"])


def test_an_older_certificate_is_refused_unless_forced(managed: Host) -> None:
    assert "force: true" in refused(managed, "check bundle", leaf=OLDEST)
    managed.deploy(OLDEST, **managed.managed(), force=True)
    assert managed.served() == OLDEST.fingerprint


@pytest.mark.parametrize(("days", "text"), [(-400, "valid from"), (400, "expired at")])
def test_the_clock_of_the_host_is_checked(fresh: Host, days: int, text: str) -> None:
    before = fresh.snapshot()
    later = now() + datetime.timedelta(days=days)
    transaction = fresh.transaction(fresh.options(NEW, **fresh.managed()), now=lambda: later)
    message = str(failure(transaction)["msg"])
    assert text in message
    assert "clock of this host says " + later.strftime("%Y-%m-%dT%H:%M:%SZ") in message
    assert fresh.snapshot() == before


def test_a_broken_configuration_is_not_touched(fresh: Host) -> None:
    Path(f"{fresh.config}.fail").touch()
    message = refused(fresh, "preflight", **{"config_files": []})
    assert "already broken before this change" in message


def test_a_missing_program_is_named(fresh: Host) -> None:
    assert "nginx-of-nowhere is not installed on this host" in refused(
        fresh, "preflight", config_test=["nginx-of-nowhere", "-t"]
    )


def test_a_missing_directory_is_named(fresh: Host) -> None:
    files = [{"path": str(fresh.etc / "missing" / "x.conf"), "content": "", "mode": "0644"}]
    assert "does not exist" in refused(fresh, "preflight", config_files=files)


@pytest.mark.parametrize("odd", ["live directory", "live elsewhere", "base link", "root link", "file"])
def test_odd_states_are_refused(fresh: Host, odd: str) -> None:
    base = fresh.root / "www"
    if odd == "root link":
        (fresh.directory / "elsewhere").mkdir()
        fresh.root.symlink_to(fresh.directory / "elsewhere")
    else:
        fresh.root.mkdir()
    if odd.startswith("live"):
        (base / "versions").mkdir(parents=True)
    if odd == "live directory":
        (base / "live").mkdir()
    elif odd == "live elsewhere":
        (base / "live").symlink_to("/somewhere/else")
    elif odd == "base link":
        base.symlink_to(fresh.etc)
    elif odd == "file":
        base.write_text("something")
    assert str(fresh.root) in refused(fresh, "preflight")


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_a_read_only_mount_is_refused(managed: Host) -> None:
    def remount(*options: str) -> int:
        return subprocess.run(["mount", *options, str(managed.root)], check=False, capture_output=True).returncode

    if remount("--bind", str(managed.root)):
        pytest.skip("no mounts here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(managed.root)], check=True)
        assert "read-only file system" in refused(managed, "lock")
    finally:
        subprocess.run(["umount", str(managed.root)], check=True)


def test_a_parent_that_is_a_link_is_followed(fresh: Host) -> None:
    """As /etc/ssl of Red Hat is one: only the directories that we make must be real."""
    (fresh.directory / "real").mkdir()
    (fresh.directory / "alias").symlink_to("real")
    report = fresh.deploy(NEW, root=str(fresh.directory / "alias" / "acm"), listeners=[], reload_command=[])
    assert report.to_result()["status"] == "installed"
    assert fresh.pair(fresh.directory / "real" / "acm" / "www" / "live" / "fullchain.pem") == NEW.fingerprint


def test_everything_a_server_reads_gets_the_context_of_its_place(fresh: Host) -> None:
    """SELinux itself is not here: what is asked for is recorded. Files in a new directory inherit its context."""
    asked: list[tuple[str, str]] = []
    own = str(fresh.etc / "own.pem")
    options = fresh.options(NEW, **fresh.managed(links=[{"path": own, "part": "fullchain"}]))
    fresh.transaction(options, label=lambda path, final: asked.append((path, final))).run()
    finals = {final for _path, final in asked}
    assert {str(fresh.config), own, str(fresh.root), str(fresh.live), str(fresh.root / "www" / "versions")} <= finals
    assert all(os.path.dirname(path) == os.path.dirname(final) for path, final in asked)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may make files immutable")
@pytest.mark.parametrize("what", ["root", "etc"])
def test_an_immutable_directory_is_refused(managed: Host, what: str) -> None:
    path = str(managed.root / "www" if what == "root" else managed.etc)
    if subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        message = refused(managed, "stage", config_files=[
            {"path": str(managed.config), "content": managed.config.read_text() + "\n", "mode": "0644"}
        ])  # fmt: skip
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
    assert "immutable" in message


def test_another_run_is_waited_for_and_named(fresh: Host) -> None:
    fresh.root.mkdir()
    with HostLock(str(fresh.root / ".lock"), 1):
        message = refused(fresh, "lock", lock_timeout=0.3)
    assert f"process {os.getpid()}" in message


def test_a_damaged_journal_is_not_guessed_at(managed: Host) -> None:
    (managed.root / "www" / "journal.json").write_text("{")
    assert "journal.json is damaged" in refused(managed, "repair")


def test_another_certificate_that_cannot_be_repaired_is_only_a_warning(managed: Host) -> None:
    (managed.root / "other").mkdir()
    (managed.root / "other" / "journal.json").write_text("{}")
    report = managed.deploy(NEW, **managed.managed())
    assert managed.served() == NEW.fingerprint
    assert len(report.warnings) == 1
    assert report.warnings[0].startswith("other was left unfinished")


# Going back and away.


def test_rolled_back_goes_back_once(managed: Host) -> None:
    managed.deploy(NEW, **managed.managed())
    result = managed.transaction(managed.options(state="rolled_back")).run().to_result()
    assert result["changed"]
    assert result["fingerprint"] == managed.served() == OLD.fingerprint
    assert result["previous_fingerprint"] == NEW.fingerprint
    assert not managed.transaction(managed.options(state="rolled_back")).run().plan.changed
    managed.deploy(NEW, **managed.managed())
    assert managed.served() == NEW.fingerprint
    managed.transaction(managed.options(state="rolled_back")).run()
    assert managed.served() == OLD.fingerprint


def test_rolled_back_needs_something_to_go_back_to(managed: Host) -> None:
    assert "no undamaged earlier version" in failure(managed.transaction(managed.options(state="rolled_back")))["msg"]
    managed.deploy(NEW, **managed.managed())
    (managed.root / "www" / "versions" / OLD.fingerprint / "privkey.pem").write_text(NEW.private_key)
    assert "no undamaged earlier version" in failure(managed.transaction(managed.options(state="rolled_back")))["msg"]


def test_absent_needs_nothing_to_be_there(host: Host) -> None:
    report = host.transaction(host.options(state="absent", config_test=[], reload_command=[])).run()
    assert not report.to_result(gone=True)["changed"]
    assert not host.root.exists()


def test_absent_is_refused_while_a_configuration_names_the_files(managed: Host) -> None:
    other = managed.etc / "other.conf"
    other.write_text(managed.lines(managed.live / "fullchain.pem", managed.live / "privkey.pem"))
    before = managed.snapshot()
    test = [sys.executable, managed.options()["config_test"][1], "test", str(other)]
    result = failure(managed.transaction(managed.options(state="absent", config_test=test)), "rolled_back")
    assert "configuration test" in result["msg"]
    assert managed.snapshot() == before
    assert managed.served() == OLD.fingerprint


# Check mode and secrets.


@pytest.mark.parametrize("state", ["fresh", "managed"])
def test_check_mode_says_the_same_and_changes_nothing(request: pytest.FixtureRequest, state: str) -> None:
    host: Host = request.getfixturevalue(state)
    options = host.options(NEW, **host.managed())
    before = host.snapshot()
    keyless = {**options, "private_key": None}
    desired = read_desired(keyless, check_mode=True)
    server = Server(tuple(options["config_test"]), None, tuple(options["reload_command"]))
    checked = Transaction(str(host.root), "www", desired, server).check().to_result()
    assert host.snapshot() == before
    assert not (host.root / ".lock").exists() or state == "managed"
    real = host.transaction(options).run().to_result()
    for name in ("changed", "actions", "diff", "fingerprint", "previous_fingerprint"):
        assert checked[name] == real[name]
    desired = read_desired(keyless, check_mode=True)
    assert not Transaction(str(host.root), "www", desired, server).check().to_result()["changed"]


def test_no_part_of_a_key_is_in_any_result(fresh: Host) -> None:
    results: list[Any] = [fresh.deploy(NEW, links=links(fresh)).to_result()]
    (fresh.live / "privkey.pem").write_text(OLD.private_key)
    results.append(fresh.deploy(NEW, links=links(fresh)).to_result())
    results.append(fresh.transaction(fresh.options(state="rolled_back")).run().to_result())
    holder = [{"path": str(fresh.etc / "all.pem"), "content": NEW.private_key, "mode": "0600"}]
    results.append(fresh.deploy(NEW, links=links(fresh), config_files=holder).to_result())
    mixed = fresh.options(authority().leaf(age=0.5), private_key=OLD.private_key)
    results.append(failure(fresh.transaction(mixed)))
    results.append(repr(fresh.transaction(mixed).__dict__))
    text = json.dumps(results)
    for leaf in (OLD, NEW):
        for line in leaf.private_key.splitlines()[1:-1]:
            assert line not in text


def test_a_pair_that_does_not_match_never_becomes_live(managed: Host) -> None:
    before = managed.snapshot()
    result = failure(managed.transaction(managed.options(NEW, private_key=OLD.private_key, **managed.managed())))
    assert result["step"] == "stage"
    assert "belong together" in result["msg"]
    assert managed.snapshot() == before
