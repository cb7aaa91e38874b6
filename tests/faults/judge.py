# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client sees from outside of the hosts: openssl and curl say so, no code of this collection."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab import leaf_fingerprint

NAME = "shop.example.com"


def shaken(address: str, roots: Path, name: str = NAME) -> str | None:
    """Return the fingerprint that openssl sees, if chain and name verify; else None."""
    command = ["openssl", "s_client", "-connect", f"{address}:443", "-servername", name, "-verify_hostname", name]
    command += ["-verify_return_error", "-CAfile", str(roots), "-no-CApath", "-no-CAstore"]
    shown = subprocess.run(command, input="", capture_output=True, text=True, check=False, timeout=10)
    return None if shown.returncode else leaf_fingerprint(shown.stdout)


def fetched(address: str, roots: Path, name: str = NAME) -> str:
    """Return the page that curl gets; what it complains of if it gets none."""
    command = ["curl", "--silent", "--show-error", "--max-time", "5", "--cacert", str(roots)]
    command += ["--resolve", f"{name}:443:{address}", f"https://{name}/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
