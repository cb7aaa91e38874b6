# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges what is on a host's disk, by bytes and by the command openssl; nothing of the product is asked."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attacks.shim.disk import Snapshot
from attacks.shim.sites import pair_of

_KEY_FRAGMENT = 24  # characters of a key's base64 that give it away


@dataclass(frozen=True)
class Bundle:
    """A certificate with its chain, and its key, as they are to be on the disk, byte for byte."""

    name: str
    certificate: bytes
    chain: bytes
    key: bytes = field(repr=False)

    @property
    def fullchain(self) -> bytes:
        return self.certificate + self.chain

    def files(self) -> Mapping[str, bytes]:
        """Return what a directory of it holds, by name."""
        return {
            "cert.pem": self.certificate,
            "chain.pem": self.chain,
            "fullchain.pem": self.fullchain,
            "privkey.pem": self.key,
            "haproxy.pem": self.fullchain + self.key,
        }


class Wrong(AssertionError):
    """The host is not as it may be."""


@dataclass(frozen=True)
class Access:
    """Who may read keys: nobody but the owners, and the group."""

    owners: Collection[int]
    group: int


class Judge:
    """Knows all bundles that may ever be on a host."""

    def __init__(self, bundles: Iterable[Bundle], access: Access) -> None:
        self._bundles = list(bundles)
        self._access = access
        lines = {line for bundle in self._bundles for line in _key_lines(bundle.key)}
        fragments = [b"PRIVATE KEY-----", *(line[:_KEY_FRAGMENT] for line in sorted(lines))]
        self._fragments = re.compile(b"|".join(map(re.escape, fragments)))

    def served_by(self, configuration: Path) -> str:
        """Return the bundle that a server serves which starts now; Wrong if it serves none or a mixture."""
        try:
            certificate, key = pair_of(configuration)
            contents = certificate.read_bytes(), key.read_bytes()
        except (OSError, KeyError, ValueError) as error:
            raise Wrong(f"{configuration} serves nothing: {error}") from None
        for bundle in self._bundles:
            whole = bundle.fullchain + bundle.key
            if contents in ((bundle.fullchain, bundle.key), (whole, whole)):
                return bundle.name
        raise Wrong(f"{configuration} names no whole bundle: {self._parts(contents)}")

    def _parts(self, contents: Iterable[bytes]) -> str:
        known = {
            content: f"{bundle.name}'s {name}" for bundle in self._bundles for name, content in bundle.files().items()
        }
        return ", ".join(known.get(content, f"{len(content)} strange bytes") for content in contents)

    def held_by(self, directory: Path) -> str:
        """Return the bundle whose files are in a directory, all of them; Wrong if not all are of one."""
        names = [name for name in os.listdir(directory) if name.endswith(".pem")]
        contents = {name: (directory / name).read_bytes() for name in names}
        for bundle in self._bundles:
            if contents == bundle.files():
                return bundle.name
        raise Wrong(f"{directory} holds no whole bundle: {sorted(names)}, {self._parts(contents.values())}")

    def check_keys_are_private(self, disk: Snapshot) -> int:
        """Refuse every file, of whatever name, that holds some of a key and that others may read; return how many."""
        holders = [(path, found) for path, found in disk.items() if self._fragments.search(found.content)]
        for path, found in holders:
            readable_by_group = found.mode & 0o040 and found.gid != self._access.group
            if found.mode & 0o137 or readable_by_group or found.uid not in self._access.owners:
                raise Wrong(f"{path} holds a key and is {found.mode:04o} {found.uid}:{found.gid}")
        return len(holders)


def _key_lines(key: bytes) -> list[bytes]:
    """Return the lines of a key that no other has: the first ones of a kind begin alike."""
    lines = [line for line in key.splitlines() if not line.startswith(b"-----")]
    return lines[1:]


def check_with_openssl(certificate: Path, key: Path) -> None:
    """Let the command openssl say whether a pair belongs together."""
    public = ["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"]
    private = ["openssl", "pkey", "-in", str(key), "-pubout"]
    answers = [subprocess.run(argv, capture_output=True, check=False) for argv in (public, private)]
    if any(answer.returncode for answer in answers) or answers[0].stdout != answers[1].stdout:
        raise Wrong(f"openssl: {certificate} and {key} do not belong together")


def leftovers(disk: Snapshot) -> list[str]:
    """Return what no run may leave when it has ended well."""
    return [path for path in disk if re.search(r"certops-tmp|journal|adopting|staging", path)]
