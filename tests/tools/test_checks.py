# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the lint stage notice what they are there for: each is shown what must not be committed."""

from __future__ import annotations

import base64
import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

TOOLS = Path(__file__).parent
ROOT = TOOLS.parents[1]


def run(*command: str | Path, cwd: Path = ROOT) -> tuple[int, str]:
    """Run a check; return its exit code and what it said."""
    done = subprocess.run([*map(str, command)], cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@functools.cache
def key_forms() -> dict[str, str]:
    """Return keys that were just made, in each form that somebody may paste."""
    keys: dict[str, PrivateKeyTypes] = {
        "RSA": rsa.generate_private_key(65537, 2048),
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    pkcs8, traditional = form.PrivateFormat.PKCS8, form.PrivateFormat.TraditionalOpenSSL
    styles = {"PKCS8": pkcs8, "OpenSSH": form.PrivateFormat.OpenSSH, "traditional": traditional}
    pems = {
        f"{name} {style}": key.private_bytes(form.Encoding.PEM, written, form.NoEncryption()).decode()
        for name, key in keys.items()
        for style, written in styles.items()
        if (name, style) != ("Ed25519", "traditional")
    }
    rsa_pem = pems["RSA PKCS8"]
    encrypted = form.BestAvailableEncryption(b"words")
    without = {
        f"{name} without marker": "".join(pem.splitlines()[1:-1]) for name, pem in pems.items() if "SSH" not in name
    }
    return {
        **pems,
        **without,
        "encrypted": keys["RSA"].private_bytes(form.Encoding.PEM, pkcs8, encrypted).decode(),
        "in JSON": rsa_pem.replace("\n", "\\n"),
        "in YAML": "key: |\n" + "".join(f"    {line}\n" for line in rsa_pem.splitlines()),
        "quoted": "\n".join(f'    "{line}\\n"' for line in rsa_pem.splitlines()),
        "with headers": rsa_pem.replace("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,AB12\n\n", 1),
        "PGP": "-----BEGIN PGP PRIVATE KEY " + "BLOCK-----\nVersion: 1\n\n" + rsa_pem.splitlines()[1],
        "PuTTY": "PuTTY-User-Key-" + "File-3: ssh-ed25519\nEncryption: none\n",
    }


@pytest.mark.parametrize("what", sorted(key_forms()))
def test_a_private_key_is_found(tmp_path: Path, what: str) -> None:
    planted = tmp_path / "planted"
    planted.write_text(key_forms()[what])
    code, said = run(sys.executable, TOOLS / "check_tree.py", planted)
    assert (code, "private key" in said) == (1, True)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----, as the marker is called, is no key",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "AKIA" + "IOSFODNN7EXAMPLE",
        base64.b64encode(b"0\x82\x03\x00a certificate begins otherwise" * 4).decode(),
    ],
)
def test_what_is_no_key_passes(tmp_path: Path, text: str) -> None:
    harmless = tmp_path / "harmless"
    harmless.write_text(text)
    assert run(sys.executable, TOOLS / "check_tree.py", harmless)[0] == 0


# Each in two halves, so that this file holds none.
PLANTED = {
    "AWS access key": ("plugins/a.py", "KEY = 'AKIA", "Q3EGRZJ5TK7MWN2B'"),
    "AWS secret key": ("roles/a.yml", "aws_secret_access_key: wJalrXUtnFEMI/K7MD" + "ENGbPxRf", "iCYzQ9kLmT3vBn"),
    "password in a test": ("tests/a.py", "password = 'Tr0ub4", "dor&3x!'"),
    "password in YAML": ("playbooks/a.yml", "db_password: hunter2", "-Winter2024"),
    "password of words": ("plugins/a.py", "password = 'correct", "horsebattery'"),
    "password in an address": ("docs/a.md", "https://deploy:S3cr3t", "Pa55@git.example.com/x"),
    "GitHub token": ("tests/a.py", "x = 'ghp_", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'"),
    "Slack token": ("docs/a.md", "xoxb-", "263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1"),
    "JSON web token": ("tests/a.py", "t = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.", "eyJzdWIiOiIxMjM0NTY3ODkwIn0."
                       "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'"),
    "random base64": ("tests/a.py", "x = 'q83vEjRWeJCrze8S", "NFZ4kKvN7xI0VniQq83vEjRWeJA0Zm1kLw'"),
    "random hexadecimal": ("plugins/a.py", "x = '9f86d081884c7d65", "9a2feaa0c55ad015a3bf4f1b'"),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(PLANTED))
def test_a_secret_is_found(tmp_path: Path, what: str) -> None:
    name, *halves = PLANTED[what]
    planted = tmp_path / name
    planted.parent.mkdir()
    planted.write_text("".join(halves) + "\n")
    code, said = run(sys.executable, TOOLS / "find_secrets.py", name, cwd=tmp_path)
    assert (code, f"{name}:1: " in said) == (1, True), said
    assert halves[1] not in said


def test_words_and_digests_are_no_secrets(tmp_path: Path) -> None:
    files = {
        "tests/a.py": "password = 'a-password-for-tests'\n",
        "plugins/a.py": "password = module.params['password']\n",
        "roles/a.yml": "password: '{{ the_password }}'\n",
        "package-lock.json": '{"integrity": "sha512-' + base64.b64encode(bytes(range(64))).decode() + '"}\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    code, said = run(sys.executable, TOOLS / "find_secrets.py", *files, cwd=tmp_path)
    assert code == 0, said


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """A copy of the locks, with the tool that checks them."""
    shutil.copytree(ROOT / "tests" / "requirements", tmp_path / "tests" / "requirements")
    (tmp_path / "tests" / "tools").mkdir()
    shutil.copy(TOOLS / "lock.py", tmp_path / "tests" / "tools")
    return tmp_path / "tests" / "requirements"


def checked(locks: Path) -> tuple[int, str]:
    return run(sys.executable, locks.parent / "tools" / "lock.py", "check")


def change(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(), count=1)
    assert count == 1
    path.write_text(text)


LOCK_FAULTS = {
    "another version": ("bootstrap.in", r"nox==\S+", "nox==1.0", "bootstrap.txt is not made from the present"),
    "a package more": ("windows.in", r"pypsrp", "requests\npypsrp", "windows.txt is not made from the present"),
    "what others build on": ("test.txt", r"boto3==\S+", "boto3==1.0", "core-2.18.txt is not made from the present"),
    "a version in a lock": ("bootstrap.txt", r"nox==\S+", "nox==1.0", "bootstrap.txt: nox=="),
    "an index": ("bootstrap.txt", r"nox==", "--index-url https://pypi.example.com\nnox==", "does not belong in a lock"),
    "an address": ("bootstrap.txt", r"nox==\S+", "nox @ https://example.com/nox.whl", "does not belong in a lock"),
    "no hash": ("bootstrap.txt", r"nox==(\S+) \\(\n +--hash\S+(?: \\)?)+", r"nox==\1", "does not belong in a lock"),
    "a weak hash": ("bootstrap.txt", r"--hash=sha256:\w+", "--hash=md5:0123456789abcdef", "does not belong in a lock"),
}


def test_locks_are_up_to_date(locks: Path) -> None:
    assert checked(locks)[0] == 0


@pytest.mark.parametrize("what", sorted(LOCK_FAULTS))
def test_a_fault_of_a_lock_is_found(locks: Path, what: str) -> None:
    name, pattern, replacement, message = LOCK_FAULTS[what]
    change(locks / name, pattern, replacement)
    code, said = checked(locks)
    assert (code, message in said) == (1, True), said


def test_a_missing_lock_and_one_without_a_source_are_found(locks: Path) -> None:
    (locks / "windows.txt").rename(locks / "unknown.txt")
    code, said = checked(locks)
    assert code == 1
    assert "windows.txt is not made from the present windows.in" in said
    assert "unknown.txt has no unknown.in" in said


WORKFLOW_FAULTS = {
    "a tag for a hash": (r"(actions/checkout)@\w+ # (v\S+)", r"\1@\2", "unpinned-uses"),
    "a branch for a hash": (r"(actions/checkout)@\w+ # \S+", r"\1@main", "unpinned-uses"),
    "rights to everything": (r"permissions:\n  contents: read", "permissions: write-all", "excessive-permissions"),
    "the right to write": (r"  contents: read", "  contents: write", "excessive-permissions"),
    "no permissions named": (r"permissions:\n  contents: read\n", "", "excessive-permissions"),
    "secrets of the repository": (r"pull_request:", "pull_request_target:", "dangerous-triggers"),
    "a token left behind": (r"persist-credentials: false", "persist-credentials: true", "artipacked"),
    "text of others in a shell": (r"(\n +)run: .*", r"\1run: echo ${{ github.head_ref }}", "template-injection"),
}


@pytest.mark.parametrize("what", sorted(WORKFLOW_FAULTS))
def test_a_fault_of_a_workflow_is_found(tmp_path: Path, what: str) -> None:
    pattern, replacement, message = WORKFLOW_FAULTS[what]
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    shutil.copy(ROOT / ".github" / "workflows" / "ci.yml", workflows)
    change(workflows / "ci.yml", pattern, replacement)
    command = (Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", "--persona=auditor", ".github")
    code, said = run(*command, cwd=tmp_path)
    assert (code != 0, message in said) == (True, True), said
