# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something else than a file where the module reads: it neither waits, nor starves, nor goes on as if it were good.

Each run is a process of its own with little memory and an alarm that ends it.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attacks.racer import needs_root
from unit.certificates import authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils import apache_pairs
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError

LEAF, NEW = authority().leaf(age=2), authority().leaf(age=1)
PATIENCE = 20
MEMORY = 1 << 30


def bounded(work: Callable[[], Any]) -> Any:
    """Do some work in a process that may take neither long nor much memory; return what it returns."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(readable)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            os.write(writable, json.dumps(work()).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(3)
    os.close(writable)
    with open(readable, "rb") as stream:
        result = stream.read()
    status = os.waitpid(child, 0)[1]
    assert status == 0, f"it had to be ended: {status}"
    return json.loads(result)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def directory(path: Path) -> None:
    (path / "deeper").mkdir(parents=True)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        former = os.getcwd()
        os.chdir(path.parent)  # the name of a socket must be short
        try:
            made.bind(path.name)
        finally:
            os.chdir(former)


def device(path: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        try:
            stream.truncate(200 << 30)
        except OSError:  # a file system that has no room for its name even
            stream.truncate(8 << 30)


KINDS = [pipe, endless, directory, a_socket, pytest.param(device, marks=needs_root), sparse]


def put(path: Path, kind: Callable[[Path], None]) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    kind(path)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host(tmp_path) as made:
        yield made


def quiet(**changes: Any) -> dict[str, Any]:
    return {"listeners": [], "reload_command": [], "config_test": [], **changes}


def outcome(host: Host, options: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    transaction = host.transaction(options, check_mode=check_mode)
    try:
        return (transaction.check() if check_mode else transaction.run()).to_result()
    except HostError as error:
        return transaction.report.to_failure(error, "failed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["cert.pem", "privkey.pem", "haproxy.pem", "certificate.json", "."])
def test_a_version_with_something_else_in_it_is_staged_anew(
    host: Host, kind: Callable[[Path], None], name: str
) -> None:
    changes = quiet(formats=["haproxy"])
    host.deploy(LEAF, **changes)
    version = host.live.resolve()
    put(version if name == "." else version / name, kind)
    options = host.options(LEAF, **changes)
    checked = bounded(lambda: outcome(host, options, check_mode=True))
    assert checked["changed"], checked
    made = bounded(lambda: outcome(host, options, check_mode=False))
    assert (made["changed"], made.get("msg")) == (True, None)
    assert host.live.resolve().name == f"{LEAF.fingerprint}.2"
    assert host.pair() == LEAF.fingerprint
    # Nothing needs it any more as soon as the next certificate is there.
    bounded(lambda: outcome(host, host.options(NEW, **changes, keep_versions=1), check_mode=False))
    assert [path.name for path in (host.root / "www" / "versions").iterdir()] == [NEW.fingerprint]


def test_a_server_that_would_wait_for_a_damaged_key_is_not_tested_with_it(host: Host) -> None:
    """The test before a change opens what is live."""
    host.own_pair(authority().leaf(age=3))
    host.start()
    host.deploy(LEAF, **host.managed())
    put(host.live.resolve() / "privkey.pem", pipe)
    options = host.options(LEAF, **host.managed())
    assert bounded(lambda: outcome(host, options, check_mode=False))["status"] == "verified"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "run"])
@pytest.mark.parametrize("name", ["www/record.json", "www/journal.json", ".lock", "www/live", "www/versions", "www"])
def test_what_a_run_remembers_is_refused_by_name(
    host: Host, kind: Callable[[Path], None], check_mode: bool, name: str
) -> None:
    host.deploy(LEAF, **quiet())
    put(host.root / name, kind)
    result = bounded(lambda: outcome(host, host.options(NEW, **quiet()), check_mode=check_mode))
    good = (name == ".lock" and (check_mode or kind is sparse)) or (
        name in ("www/versions", "www") and kind is directory
    )
    assert ("msg" in result) is not good, result
    assert good or str(host.root / name) in result["msg"]


@pytest.mark.parametrize("kind", KINDS)
def test_temporary_names_are_no_obstacle(host: Host, kind: Callable[[Path], None]) -> None:
    host.deploy(LEAF, **quiet())
    base = host.root / "www"
    for path in (
        host.root / ".other.certops-tmp",
        base / ".record.json.certops-tmp",
        base / ".live.certops-tmp",
        base / "versions" / f".{NEW.fingerprint}.staging.certops-tmp",
        base / "backups" / ".x.certops-tmp",
        base / "backups" / "y",
        host.etc / ".site.conf.certops-tmp",
        host.etc / ".site.pem.certops-tmp",
    ):
        put(path, kind)
    changes = quiet(
        config_files=[{"path": str(host.etc / "site.conf"), "content": "new\n", "mode": "0644"}],
        links=[{"path": str(host.etc / "site.pem"), "part": "fullchain"}],
    )
    result = bounded(lambda: outcome(host, host.options(NEW, **changes), check_mode=False))
    assert (result["status"], result.get("msg")) == ("installed", None)
    assert not list(host.directory.rglob("*.certops-tmp")) and not list((base / "backups").iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_that_is_no_file_is_refused_by_name(host: Host, kind: Callable[[Path], None]) -> None:
    path = host.etc / "site.conf"
    path.write_text("old\n")
    files = [{"path": str(path), "content": "new\n", "mode": "0644"}]
    host.deploy(LEAF, **quiet(config_files=files))
    (backup,) = (host.root / "www" / "backups").iterdir()
    put(backup, kind)
    result = bounded(lambda: outcome(host, host.options(state="absent", **quiet()), check_mode=False))
    assert str(backup) in result["msg"], "what is put back must be what was there"
    assert path.read_text() == "new\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "run"])
@pytest.mark.parametrize("option", ["config_files", "links", "link to it"])
def test_a_path_that_is_no_file_is_refused_by_name(
    host: Host, kind: Callable[[Path], None], check_mode: bool, option: str
) -> None:
    path = host.etc / "site.pem"
    if option == "link to it":
        put(host.etc / "elsewhere", kind)
        path.symlink_to(host.etc / "elsewhere")
    else:
        put(path, kind)
    if option == "config_files":
        changes = quiet(config_files=[{"path": str(path), "content": "new\n", "mode": "0644"}])
    else:
        changes = quiet(links=[{"path": str(path), "part": "fullchain"}])
    result = bounded(lambda: outcome(host, host.options(NEW, **changes), check_mode=check_mode))
    if option == "config_files" or (kind is not endless and option == "links") or kind is sparse:
        assert str(path) in result["msg"]
        assert kind is not sparse or "larger than 4 MiB" in result["msg"]
    else:  # a link that leads to no file leads to nothing that could be adopted
        assert (result["changed"], result.get("msg")) == (True, None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", ["site.conf", "ec.pem", "ec.key"])
def test_what_apache_is_told_to_read_is_bounded(tmp_path: Path, kind: Callable[[Path], None], what: str) -> None:
    (tmp_path / "ec.pem").write_text(LEAF.fullchain)
    (tmp_path / "ec.key").write_text(LEAF.private_key)
    lines = f"SSLCertificateFile {tmp_path}/ec.pem\nSSLCertificateKeyFile {tmp_path}/ec.key\n"
    (tmp_path / "site.conf").write_text(f"<VirtualHost *:443>\n{lines}</VirtualHost>\n")
    put(tmp_path / what, kind)
    listing = f"Included configuration files:\n  (*) {tmp_path}/site.conf\n"
    assert str(tmp_path / what) in bounded(lambda: apache_pairs.mismatched(listing))


@pytest.mark.parametrize(
    "text",
    ["[" * 60000, "1" * 60000, '{"names": 7}', '{"names": [7]}', '{"fingerprint": "FINGERPRINT", "names": {}}'],
    ids=["deep", "long", "number", "numbers", "object"],
)
def test_notes_that_the_owner_of_a_version_spoiled_say_nothing(host: Host, text: str) -> None:
    host.deploy(LEAF, **quiet())
    notes = host.live.resolve() / "certificate.json"
    notes.write_text(text.replace("FINGERPRINT", LEAF.fingerprint))
    result = bounded(lambda: outcome(host, host.options(LEAF, **quiet()), check_mode=False))
    assert (result["changed"], result["serial"]) == (False, format(LEAF.x509.serial_number, "x"))


def test_notes_cannot_make_an_old_certificate_newer(host: Host) -> None:
    """Or the owner of the files could keep every renewal away."""
    host.deploy(LEAF, **quiet())
    notes = host.live.resolve() / "certificate.json"
    told = {**json.loads(notes.read_text()), "not_before": "2999-01-01T00:00:00Z", "names": ["evil.example.com"]}
    notes.write_text(json.dumps(told))
    result = outcome(host, host.options(NEW, **quiet()), check_mode=False)
    assert (result["fingerprint"], result["status"]) == (NEW.fingerprint, "installed")
    assert "evil.example.com" not in json.dumps(result)


def test_a_file_of_a_million_beginnings_is_read_in_one_go(host: Host) -> None:
    host.deploy(LEAF, **quiet())
    spoiled = host.live.resolve() / "cert.pem"
    spoiled.write_text("-----BEGIN CERTIFICATE-----\n" * 37000)
    result = bounded(lambda: outcome(host, host.options(LEAF, **quiet()), check_mode=False))
    assert result["changed"], result


def test_a_tree_of_any_depth_is_removed(host: Host) -> None:
    host.deploy(LEAF, **quiet())
    version = host.live.resolve()
    former = os.getcwd()
    os.chdir(version)
    try:
        for _unused in range(3000):  # deeper than a path may be long, and than Python calls itself
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(former)
    result = bounded(lambda: outcome(host, host.options(state="absent", **quiet()), check_mode=False))
    assert result.get("msg") is None
    assert not (host.root / "www").exists()
