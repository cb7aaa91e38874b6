# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private key and the passphrase are nowhere but in the key file and in Secrets Manager.

The whole flow runs as loud as Ansible can be. Searched are all output, the files that the controller and the
hosts had at any time of the run where programs leave them, the arguments and environment of all processes
(those of the hosts, too: they are processes of this machine), and the hosts' file systems, logs included.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from e2e.leaks import holds, is_text, needles, tree, watched
from e2e.site import WEB
from lab import Lab, Run

LOUD = ("-vvvv", "--diff")
# A version is staged under another name, and renamed when it is complete.
KEY_FILE = r"/etc/ssl/acm/(?:own|shop)/versions/(?:\w+|\.\w+\.staging\.certops-tmp)/privkey\.pem"
SEARCHED = "$(find / -mindepth 1 -maxdepth 1 ! -type l ! -name dev ! -name proc ! -name sys) /dev/shm"


def test_the_search_finds_what_it_should(lab: Lab) -> None:
    """The search itself can fail: what lies about, and what does so for a moment, is found in each of the places."""
    arn = lab.aws.request("shop.example.com", key_algorithm="RSA_2048")
    passphrase = "made-up/passphrase-of-a-key"
    lab.aws.client("secretsmanager").create_secret(Name="certops", SecretString=passphrase)
    secrets = needles(lab.aws, arn)
    key = lab.aws.certificate(arn, key=True)["leaves"][-1]["key"]
    lines = key.splitlines()[8:-2]  # before them is the public key
    for text in (*lines, repr({"key": key}), f"Enter pass phrase: {passphrase}"):
        assert holds(text.encode(), secrets)
    assert holds(base64.b64decode("".join(key.splitlines()[1:-1])), secrets)
    certificate = lab.aws.client("acm").get_certificate(CertificateArn=arn)["Certificate"]
    assert not holds(certificate.encode(), secrets)

    root = root_of(lab, "web1")
    brief = [lab.directory / "brief", lab.directory / "made" / "for" / "brief", root / "tmp" / "brief"]
    with watched([lab.directory, root / "tmp"]) as seen:
        with (
            subprocess.Popen(["sh", "-c", "sleep 0.2; true", lines[0]]),
            subprocess.Popen(["sleep", "1"], env={**os.environ, "PASSPHRASE": passphrase}),
        ):
            for path in brief:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o640)
                path.write_text(key, encoding="ascii")
            time.sleep(0.2)
        for path in brief:
            path.unlink()
    assert seen.places(secrets) == {(str(path), 0o640) for path in brief}
    assert {line.split(b"\0")[0] for line in seen.processes([lines[0].encode()])} == {b"sh"}
    assert [line for line in seen.processes([passphrase.encode()]) if b"PASSPHRASE=" in line]

    lasting = {"/var/tmp/leak", "/dev/shm/leak"}
    for leak in lasting:
        lab.fleet.exec("web1", ["sh", "-c", f"cat > {leak}"], stdin=lines[-1])
    assert places(lab, "web1", secrets) == lasting
    lab.fleet.exec("web1", ["rm", *lasting])


def test_no_secret_leaves_its_place(lab: Lab) -> None:
    arns = {
        "own": lab.aws.request("www.example.com", key_algorithm="EC_prime256v1"),
        "shop": lab.aws.request("shop.example.com", key_algorithm="RSA_2048"),
    }
    home, facts, log = (lab.directory / name for name in ("home", "facts", "ansible.log"))
    home.mkdir()
    environment = {
        "HOME": str(home),
        "TMPDIR": str(home),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_KEEP_REMOTE_FILES": "0",
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(facts),
        "ANSIBLE_RETRY_FILES_ENABLED": "1",
        "ANSIBLE_RETRY_FILES_SAVE_PATH": str(lab.directory / "retry"),
    }
    in_json = {**environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}

    def play(name: str, how: dict[str, str]) -> Run:
        return lab.playbook(name, {}, *LOUD, environment=how)

    roots = {host: root_of(lab, host) for host in WEB}
    with watched([*on_controller(lab), *on_hosts(list(roots.values()))]) as seen:
        runs = [
            play(play_of_a_user(lab, arns["own"]), in_json),
            lab.deploy(arns["shop"], "shop", *LOUD, environment=environment),
        ]
        lab.aws.renew(arns["shop"])
        runs.append(play("certops.acm.renew", in_json))
        # A failure prints more than a success.
        lab.fleet.exec("web1", ["sh", "-c", "echo broken > /etc/nginx/conf.d/z.conf"])
        lab.aws.renew(arns["shop"])
        runs.append(play("certops.acm.renew", environment))
    assert [run.returncode for run in runs] == [0, 0, 0, 2], runs[-1].output[-3000:]
    assert ['"plays": [' in run.output for run in runs] == [True, False, True, False], "not in JSON"

    secrets = [secret for arn in arns.values() for secret in needles(lab.aws, arn)]
    assert not [run for run in runs if holds(run.output.encode(), secrets)]
    assert len(seen.started) > 20
    assert not seen.processes(secrets)
    # Ansible leaves few files: a log, facts of the hosts, what a failed run is to be retried with.
    files = [path for path in lab.directory.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {"ansible.log", "renew.retry"} <= {path.name for path in files} and len(list(facts.iterdir())) == len(WEB)
    assert not [path for path in files if holds(path.read_bytes(), secrets)]

    held = seen.places(secrets)
    assert not [path for path, mode in held if mode != 0o600 or not re.fullmatch(rf"/proc/\d+/root{KEY_FILE}", path)]
    for host, root in roots.items():
        kept = places(lab, host, secrets)
        assert all(re.fullmatch(KEY_FILE, path) for path in kept)
        assert {path.split("/")[4] for path in kept} == set(arns)
        assert {(f"{root}{path}", 0o600) for path in kept} <= held


def play_of_a_user(lab: Lab, arn: str) -> str:
    """A play that gathers facts and installs with the role alone."""
    play = {
        "hosts": ",".join(f"{host}_*" for host in WEB),
        "gather_facts": True,
        "vars": {"certificate_arn": arn, "certificate_name": "own"},
        "roles": ["certops.acm.nginx_certificate"],
    }
    return lab.write("play.yml", [play])


def on_controller(lab: Lab) -> list[Path]:
    """Where programs put files here; the home directory that ssh knows is not the one the run is told."""
    home = Path.home()
    folders = [home / ".ansible", home / ".ansible" / "tmp", home / ".ssh", Path("/var/tmp"), Path("/dev/shm")]
    return [*tree(lab.directory), Path("/tmp"), Path.cwd(), home, *filter(Path.is_dir, folders)]


def on_hosts(roots: list[Path]) -> list[Path]:
    folders = [root / name for root in roots for name in ("etc/ssl", "tmp", "var/tmp", "dev/shm", "root")]
    return [*folders, *(folder for root in roots for folder in tree(root / "root/.ansible"))]


def root_of(lab: Lab, host: str) -> Path:
    """The host's root directory as this machine sees it: a host is a container, its processes are some of ours.

    That of its first process, the only one that is sure to stay.
    """
    namespace = lab.fleet.exec(host, ["readlink", "/proc/1/ns/mnt"]).stdout.strip()
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):  # gone again, or nobody may look at it
            status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
            first = re.search(r"^NSpid:.*\t1$", status, re.MULTILINE)
            if first and os.readlink(f"/proc/{process}/ns/mnt") == namespace:
                return Path(f"/proc/{process}/root")
    raise AssertionError(f"no process of this machine is the first of {host}")


def places(lab: Lab, host: str, secrets: list[bytes]) -> set[str]:
    """Files of a host that hold a piece of a key or a passphrase; the patterns go over standard input."""
    patterns = "".join(f"{secret.decode('ascii')}\n" for secret in secrets if is_text(secret))
    command = f"grep -rlaF -f - {SEARCHED} 2>/dev/null || true"
    return set(lab.fleet.exec(host, ["sh", "-c", command], stdin=patterns).stdout.split())
