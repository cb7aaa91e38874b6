# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates for the scenarios, as the role export leaves them: keys encrypted, names below example.com.

Usage: python -m windows_simulation.bundles <file>, for a run on a real host: the file goes to -e @<file>.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from unit.certificates import PASSPHRASE, Leaf, authority, make_root

SITE = ("shop.example.com", "www.shop.example.com", "api.shop.example.com", "*.apps.example.com")
SPECS = {"new": (SITE, 20), "newer": (SITE, 10), "newest": (SITE, 1)}
# Somebody else's: another authority, whose intermediate says nothing of ours.
THEIRS = {"old": (SITE, 30), "other": (("blog.example.com",), 30)}


def bundle(leaf: Leaf, names: tuple[str, ...]) -> dict[str, Any]:
    der = leaf.x509.public_bytes(serialization.Encoding.DER)
    return {
        "certificate": leaf.certificate,
        "certificate_chain": leaf.chain,
        "encrypted_private_key": leaf.encrypted_private_key,
        "fingerprint": hashlib.sha256(der).hexdigest(),
        "thumbprint": hashlib.sha1(der).hexdigest().upper(),
        "serial": format(leaf.x509.serial_number, "x"),
        "not_after": leaf.x509.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "names": list(names),
    }


def make() -> dict[str, Any]:
    """Return the variables of all scenarios."""
    others = make_root("Other Root").intermediate("Other Intermediate")
    made = {name: bundle(authority().leaf(names, age=age), names) for name, (names, age) in SPECS.items()}
    made |= {name: bundle(others.leaf(names, age=age), names) for name, (names, age) in THEIRS.items()}
    return {"bundles": made, "passphrase": PASSPHRASE}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(make()), encoding="utf-8")
