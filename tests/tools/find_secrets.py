# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds passwords, tokens and keys that must not be committed, with the detectors of detect-secrets.

Usage: find_secrets.py <file>...

check_tree.py knows private keys better than they do. What they take for a secret and is none is listed in
known_secrets.txt; in tests, what reads as words needs no line there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

KNOWN = Path(__file__).with_name("known_secrets.txt")
# A key's marker is no key. Addresses of documentation and of test hosts are no secrets.
LEFT_OUT = {"PrivateKeyDetector", "IPPublicDetector"}
# Heuristics that need no network: each takes away what only looks like a secret, such as "{{ a variable }}".
HEURISTICS = (
    "is_indirect_reference",
    "is_not_alphanumeric_string",
    "is_potential_uuid",
    "is_prefixed_with_dollar_sign",
    "is_sequential_string",
    "is_templated_secret",
)
# "a-webhook-key", "GetSecretValue": words, as the passwords of tests are. Real ones hold digits, or are longer.
WORD = r"(?:[a-z]{1,14}|[A-Z]{1,14}|(?:[A-Z][a-z]{1,13}){1,4}|0123456789)"
WORDS = re.compile(rf"[^A-Za-z0-9]*{WORD}(?:[^A-Za-z0-9]+{WORD})*[^A-Za-z0-9]*")
# Where a secret is kept says nothing of what it is.
ADDRESS = re.compile(r"(?:arn:aws:secretsmanager:)?[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/!*-]+")
# Digests of what is installed; lock.py lets nothing else stand in the locks of tests/requirements.
LOCK = re.compile(r"tests/requirements/[^/]+\.txt")
INTEGRITY = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")


class Finding(NamedTuple):
    """Where something looks like a secret; its text is never printed whole."""

    path: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}: {self.text[:4]}..."


def settings() -> dict[str, Any]:
    """Return the configuration of detect-secrets."""
    available: dict[str, Any] = get_mapping_from_secret_type_to_class()
    detectors = {detector.__name__ for detector in available.values()} - LEFT_OUT
    filters = [f"detect_secrets.filters.heuristic.{name}" for name in HEURISTICS]
    return {
        "plugins_used": [{"name": name} for name in sorted(detectors)],
        "filters_used": [{"path": path} for path in filters],
    }


def known(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is no secret: paths, each with a pattern of the whole text."""
    entries = (line.partition(": ") for line in lines if line.strip() and not line.startswith("#"))
    return [(path, pattern) for path, _, pattern in entries]


def findings(path: str) -> list[Finding]:
    """Return what looks like a secret in one file."""
    with transient_settings(settings()):
        found = {(secret.line_number, secret.type, secret.secret_value or "") for secret in scan_file(path)}
    return [Finding(path, *each) for each in sorted(found)]


def harmless(finding: Finding, no_secrets: Iterable[tuple[str, str]]) -> bool:
    """Return whether it is no secret: by its form, or because it is known."""
    path, _line, kind, text = finding
    if kind == "Secret Keyword" and (ADDRESS.fullmatch(text) or (path.startswith("tests/") and WORDS.fullmatch(text))):
        return True
    if path.endswith("package-lock.json") and INTEGRITY.fullmatch(text):
        return True
    return any(path == where and re.fullmatch(pattern, text) for where, pattern in no_secrets)


def main(paths: list[str]) -> int:
    """Print every finding and return the exit code."""
    no_secrets = known(KNOWN.read_text().splitlines())
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        batches = pool.map(findings, [path for path in paths if not LOCK.fullmatch(path)], chunksize=8)
        left = [each for batch in batches for each in batch if not harmless(each, no_secrets)]
    print("\n".join(map(str, left)) or f"{len(paths)} files hold nothing that looks like a secret")
    if left:
        print("Remove them, and revoke what is real. What is no secret gets a line in tests/tools/known_secrets.txt.")
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
