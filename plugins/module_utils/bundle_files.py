# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bundle as files: the parts every version has, the formats a target may ask for, and who may read them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import Access
from ansible_collections.certops.acm.plugins.module_utils.regular_file import (
    NOTES_LIMIT,
    PEM_LIMIT,
    Unreadable,
    parse_json,
    read_regular,
)

PEM_PARTS = {
    "certificate": "cert.pem",
    "chain": "chain.pem",
    "fullchain": "fullchain.pem",
    "private_key": "privkey.pem",
}
# haproxy: full chain and key in one file, as HAProxy's "crt" wants it.
FORMATS = {"haproxy": "haproxy.pem", "pkcs12": "bundle.p12"}
PARTS = {**PEM_PARTS, **FORMATS}
INFO_FILE = "certificate.json"
# A PKCS#12 file is never made twice alike, and the host cannot open it: this says what is in it.
PKCS12_INFO_FILE = "bundle.p12.json"
_KEY_FILES = frozenset({PARTS["private_key"], *FORMATS.values(), PKCS12_INFO_FILE})
ALL_FILES = (*PEM_PARTS.values(), INFO_FILE, *FORMATS.values(), PKCS12_INFO_FILE)
_PEM_BEGIN = re.compile(r"-----BEGIN (CERTIFICATE|(?:RSA |EC |DSA |ENCRYPTED |OPENSSH )?PRIVATE KEY)-----")
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True)
class Pkcs12:
    """A key store made on the controller.

    Attributes:
        content: None in check mode, where there is no key.
        verifier: derived from its password, so that another password makes another version.
    """

    content: bytes | None = field(repr=False)
    verifier: str = field(repr=False)

    def info(self) -> dict[str, str | None]:
        return {"sha256": None if self.content is None else _sha256(self.content), "verifier": self.verifier}


@dataclass(frozen=True)
class BundleFiles:
    """A bundle as it goes to the disk. Without a key (check mode) it can be compared but not staged."""

    certificate: bytes
    chain: bytes
    private_key: bytes | None = field(repr=False)
    info: Mapping[str, Any]
    formats: frozenset[str] = frozenset()
    pkcs12: Pkcs12 | None = None

    @property
    def fingerprint(self) -> str:
        return str(self.info["fingerprint"])

    def contents(self) -> dict[str, bytes]:
        """Return the content of each file by its name."""
        files = {**self._pem(), INFO_FILE: _json(dict(self.info))}
        if self.pkcs12 is not None and self.pkcs12.content is not None:
            files[PARTS["pkcs12"]] = self.pkcs12.content
            files[PKCS12_INFO_FILE] = _json(self.pkcs12.info())
        return files

    def is_in(self, directory: str) -> bool:
        """Return whether the files in a directory are exactly these, as far as they are given."""
        try:
            same = all(hmac.compare_digest(read(directory, name), content) for name, content in self._pem().items())
            wanted = all(os.path.isfile(os.path.join(directory, FORMATS[name])) for name in self.formats)
            return same and wanted and (self.pkcs12 is None or self._same_password(directory))
        except (OSError, Unreadable):
            return False

    def _pem(self) -> dict[str, bytes]:
        fullchain = self.certificate + self.chain
        files = {PARTS["certificate"]: self.certificate, PARTS["chain"]: self.chain, PARTS["fullchain"]: fullchain}
        if self.private_key is not None:
            files[PARTS["private_key"]] = self.private_key
            if "haproxy" in self.formats:
                files[PARTS["haproxy"]] = fullchain + self.private_key
        return files

    def _same_password(self, directory: str) -> bool:
        verifier = str(pkcs12_info(read(directory, PKCS12_INFO_FILE)).get("verifier"))
        return self.pkcs12 is not None and hmac.compare_digest(verifier, self.pkcs12.verifier)


@dataclass(frozen=True)
class Ownership:
    """Who may read the files of a version.

    Its directory always belongs to root, or to whoever runs this: who owns a directory can put anything in the place
    of what is in it. The group, and with ``directory_mode`` others, may go through.
    """

    uid: int | None = None
    gid: int | None = None
    key_mode: int = 0o600
    directory_mode: int = 0o700

    def of(self, name: str) -> Access:
        return Access(self.key_mode if name in _KEY_FILES else 0o644, self.uid, self.gid)

    @property
    def of_directory(self) -> Access:
        return Access(self.directory_mode, None if self.uid is None else os.geteuid(), self.gid)


def format_damage(contents: Mapping[str, bytes], directory: str) -> str | None:
    """Return what is wrong with the formats among the files of a directory; None if they fit its PEM parts."""
    haproxy, pkcs12 = contents.get(PARTS["haproxy"]), contents.get(PARTS["pkcs12"])
    if haproxy is not None:
        parts = contents[PARTS["fullchain"]] + contents[PARTS["private_key"]]
        if not hmac.compare_digest(haproxy, parts):
            return f"{directory}/{PARTS['haproxy']} is not the full chain with its key"
    if pkcs12 is not None and pkcs12_info(contents.get(PKCS12_INFO_FILE, b"")).get("sha256") != _sha256(pkcs12):
        return f"{directory}/{PARTS['pkcs12']} is not as it was made"
    return None


def pkcs12_info(content: bytes) -> Mapping[str, Any]:
    try:
        found = parse_json(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def limit_of(name: str) -> int:
    """Return how large a file of a version may be."""
    return NOTES_LIMIT if name.endswith(".json") else PEM_LIMIT


def check_size(contents: Mapping[str, bytes]) -> None:
    """Refuse a bundle that could be written but not read again."""
    for name, content in contents.items():
        if len(content) > limit_of(name):
            raise HostError(
                f"the bundle's {name} is larger than {limit_of(name) >> 10} KiB: is this really a certificate with its "
                "chain and key?",
                "check bundle",
            )


def read(directory: str, name: str) -> bytes:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return read_regular(name, limit_of(name), at=descriptor, shown=os.path.join(directory, name)).data
    finally:
        os.close(descriptor)


def first_certificate(content: bytes) -> str:
    """Return the first certificate of a PEM file; ValueError if it holds none."""
    for kind, block in _pem_blocks(content):
        if kind == "CERTIFICATE":
            return block
    raise ValueError("no certificate")


def _pem_blocks(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each block; in one go, whatever the content is, as others may write it."""
    text, position = content.decode("ascii", "strict"), 0
    missing: set[str] = set()
    while True:
        begin = _PEM_BEGIN.search(text, position)
        if begin is None:
            return
        kind, position = begin.group(1), begin.end()
        end_mark = f"-----END {kind}-----"
        end = -1 if kind in missing else text.find(end_mark, position)
        if end < 0:
            missing.add(kind)
            continue
        space = _SPACE.match(text, end + len(end_mark))
        position = end + len(end_mark) if space is None else space.end()
        yield kind, text[begin.start() : position]


def adopted_contents(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a version made of some parts; each given part keeps its bytes exactly."""
    contents = dict(parts)
    try:
        _fill_in(contents)
    except ValueError:
        pass  # not a certificate: the bytes are kept all the same, it is what was served
    return {PARTS[part]: content for part, content in contents.items()}


def _fill_in(contents: dict[str, bytes]) -> None:
    if "haproxy" in contents:
        blocks = list(_pem_blocks(contents["haproxy"]))
        for kind, block in blocks:
            if kind.endswith("PRIVATE KEY"):
                contents.setdefault("private_key", block.encode("ascii"))
        chain = "".join(block for kind, block in blocks if kind == "CERTIFICATE")
        contents.setdefault("fullchain", chain.encode("ascii"))
    if "fullchain" in contents:
        certificate, chain_rest = _split_chain(contents["fullchain"])
        contents.setdefault("certificate", certificate)
        contents.setdefault("chain", chain_rest)
    elif "certificate" in contents:
        contents.setdefault("chain", b"")
        contents["fullchain"] = contents["certificate"] + contents["chain"]


def _split_chain(fullchain: bytes) -> tuple[bytes, bytes]:
    first = first_certificate(fullchain).encode("ascii")
    return first, fullchain[fullchain.index(first) + len(first) :]


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, indent=2, sort_keys=True).encode() + b"\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
