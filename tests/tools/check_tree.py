# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what must not be committed: private keys, AWS access keys, large files.

Usage: check_tree.py <file>...
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

MAX_BYTES = 300 * 1024
SECRETS = {
    # The marker alone is no key: code and documents may name it. Base64 after it is one, be it quoted line by line,
    # written with \n, or below the headers of older formats and of PGP.
    "private key": re.compile(
        rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        rb"(?:[^A-Za-z0-9+/-]|\\[nr]|[A-Z][A-Za-z-]+: [^\n]*\n)*[A-Za-z0-9+/]{40}"
    ),
    "private key of PuTTY": re.compile(rb"PuTTY-User-Key-File-[0-9]+: "),
    # What base64 of PKCS #8 and of older formats begins with: RSA, EC, Ed25519.
    "private key without its marker": re.compile(
        rb"\b(?:MII[A-Za-z0-9+/]{3}IBA(?:DAN|AKC)|MIG[A-Za-z0-9+/]AgEAMB|MIGkAgEBBD|MHcCAQEEI|MC4CAQAwBQYDK2Vw)"
        rb"[A-Za-z0-9+/]{20}"
    ),
    "AWS access key": re.compile(rb"\b(AKIA|ASIA)(?![A-Z0-9]*EXAMPLE)[A-Z0-9]{16}\b"),
}


def faults(path: Path) -> list[str]:
    """Return what is wrong with one file."""
    content = path.read_bytes()
    found = [f"{path}: holds a {name}" for name, pattern in SECRETS.items() if pattern.search(content)]
    if len(content) > MAX_BYTES:
        found.append(f"{path}: {len(content) // 1024} KiB, more than {MAX_BYTES // 1024}")
    return found


def main(names: list[str]) -> int:
    """Print every fault and return the exit code."""
    found = [fault for name in names for fault in faults(Path(name))]
    print("\n".join(found) or f"{len(names)} files hold no key and are small enough")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
