# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private key and the passphrase are nowhere but in the key file and in Secrets Manager.

The whole flow runs as loud as Ansible can be. Searched are all output, every file that existed on the
controller at any time of the run, the arguments and environment of all processes (those of the hosts,
too: they are processes of this machine), and the hosts' file systems, logs included.
"""

from __future__ import annotations

import base64
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import Lab

LOUD = ("-vvvv", "--diff")
WINDOW = 40


def needles(lab: Lab, arn: str) -> list[bytes]:
    """Pieces of each secret, long enough to be nobody else's: of the key's base64 body, of its DER, the passphrase."""
    found: list[bytes] = []
    for leaf in lab.aws.certificate(arn, key=True)["leaves"]:
        body = "".join(line for line in leaf["key"].splitlines() if not line.startswith("-----"))
        raw = base64.b64decode(body)
        # The first bytes of every key of a kind are alike: leave them out.
        found += [body[at : at + WINDOW].encode() for at in range(64, len(body) - WINDOW, WINDOW)]
        found += [raw[at : at + WINDOW] for at in range(48, len(raw) - WINDOW, WINDOW)]
    secrets = lab.aws.client("secretsmanager")
    for secret in secrets.list_secrets()["SecretList"]:
        for version in secrets.list_secret_version_ids(SecretId=secret["ARN"], IncludeDeprecated=True)["Versions"]:
            value = secrets.get_secret_value(SecretId=secret["ARN"], VersionId=version["VersionId"])
            found.append(value["SecretString"].encode())
    assert len(found) > 10
    return found


def plain(text: bytes) -> bytes:
    """Text as it would be on a page: without line ends, also those that JSON and Python write out."""
    return re.sub(rb"(\\\\n|\\n|\s)+", b"", text)


def holds(text: bytes, secrets: list[bytes]) -> bool:
    joined = plain(text)
    return any(secret in text or secret in joined for secret in secrets)


@contextmanager
def watched(folders: list[Path], keep: Path) -> Iterator[set[bytes]]:
    """Keep a link to every file that appears below the folders, and sample what processes are started with."""
    seen: set[bytes] = set()
    stop = threading.Event()

    def watch() -> None:
        known: set[int] = set()
        while not stop.is_set():
            for folder in folders:
                for directory, _folders, files in os.walk(folder):
                    for name in files:
                        path = Path(directory, name)
                        try:
                            inode = path.lstat().st_ino
                            if inode not in known:
                                os.link(path, keep / f"{inode}-{len(known)}", follow_symlinks=False)
                                known.add(inode)
                        except OSError:
                            continue
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        seen.add((process / name).read_bytes())
                    except OSError:
                        continue
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def test_no_secret_leaves_its_place(lab: Lab) -> None:
    arn = lab.aws.request("shop.example.com", key_algorithm="RSA_2048")
    other = lab.aws.request("api.example.com", key_algorithm="EC_prime256v1")
    home = lab.directory / "home"
    keep = lab.directory / "kept"
    for folder in (home, keep, lab.directory / "facts"):
        folder.mkdir(exist_ok=True)
    environment = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOG_PATH": str(lab.directory / "ansible.log"),
        "ANSIBLE_KEEP_REMOTE_FILES": "0",
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(lab.directory / "facts"),
        "ANSIBLE_RETRY_FILES_ENABLED": "1",
        "ANSIBLE_RETRY_FILES_SAVE_PATH": str(lab.directory / "retry"),
    }
    outputs = []
    with watched([lab.directory], keep) as started_with:
        in_json = {**environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        outputs.append(lab.deploy(arn, "shop", *LOUD, environment=environment))
        outputs.append(lab.deploy(other, "api", *LOUD, environment=in_json))
        lab.aws.renew(arn)
        lab.aws.renew(other)
        outputs.append(lab.playbook("certops.acm.renew", {}, *LOUD, environment=in_json))
        # A failure prints more than a success.
        lab.fleet.exec("web1", ["sh", "-c", "echo broken > /etc/nginx/conf.d/z.conf"])
        lab.aws.renew(arn)
        outputs.append(lab.playbook("certops.acm.renew", {}, *LOUD, environment=environment))
    assert [run.returncode for run in outputs] == [0, 0, 0, 2], outputs[-1].output[-3000:]

    secrets = needles(lab, arn) + needles(lab, other)
    for run in outputs:
        assert not holds(run.output.encode(), secrets)
    assert len(started_with) > 20
    assert not [line for line in started_with if holds(line, secrets)]
    files = [path for path in lab.directory.rglob("*") if path.is_file() and not path.is_symlink()]
    # Ansible leaves few files: a log, a cache of facts, what a failed run is to be retried with.
    assert {"ansible.log", "renew.retry"} <= {path.name for path in files} and len(files) > 10
    assert not [path for path in files if holds(path.read_bytes(), secrets)]
    for host in ("web1", "web2"):
        where = places(lab, host, secrets)
        assert where and all(re.fullmatch(r"/etc/ssl/acm/(shop|api)/versions/\w+/privkey\.pem", path) for path in where)


def places(lab: Lab, host: str, secrets: list[bytes]) -> set[str]:
    """Files of a host that hold a line of a key or a passphrase; the patterns go over standard input."""
    lines = [secret.decode("ascii") for secret in secrets if secret.isascii()]
    halves = {line[:20] for line in lines} | {line[20:] for line in lines if len(line) > 30}
    command = "grep -rlaF --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev -f - / 2>/dev/null || true"
    return set(lab.fleet.exec(host, ["sh", "-c", command], stdin="\n".join(halves) + "\n").stdout.split())


def test_the_search_finds_what_it_should(lab: Lab, arn: str) -> None:
    """The search itself can fail: a key that was left lying about is found in each of the places."""
    assert lab.deploy(arn, "shop").returncode == 0
    secrets = needles(lab, arn)
    key = lab.aws.certificate(arn, key=True)["leaves"][-1]["key"]
    assert holds(key.encode(), secrets)
    assert holds(repr({"key": key}).encode(), secrets)
    assert holds(base64.b64decode("".join(key.splitlines()[1:-1])), secrets)
    lab.fleet.exec("web1", ["sh", "-c", "cat > /var/tmp/leak"], stdin=key)
    assert "/var/tmp/leak" in places(lab, "web1", secrets)
    lab.fleet.exec("web1", ["rm", "/var/tmp/leak"])
