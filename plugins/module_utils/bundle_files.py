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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.file_change import Access

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
_PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\s*", re.DOTALL)
_PEM_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----\s*", re.DOTALL)


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
        except OSError:
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
        verifier = str(pkcs12_info(directory).get("verifier"))
        return self.pkcs12 is not None and hmac.compare_digest(verifier, self.pkcs12.verifier)


@dataclass(frozen=True)
class Ownership:
    """Who may read a version."""

    uid: int | None = None
    gid: int | None = None
    key_mode: int = 0o600
    directory_mode: int = 0o700

    def of(self, name: str) -> Access:
        return Access(self.key_mode if name in _KEY_FILES else 0o644, self.uid, self.gid)


def format_damage(directory: str) -> str | None:
    """Return what is wrong with the formats in a directory; None if they fit its PEM parts."""
    names = os.listdir(directory)
    if PARTS["haproxy"] in names:
        parts = read(directory, PARTS["fullchain"]) + read(directory, PARTS["private_key"])
        if not hmac.compare_digest(read(directory, PARTS["haproxy"]), parts):
            return f"{directory}/{PARTS['haproxy']} is not the full chain with its key"
    if PARTS["pkcs12"] in names and pkcs12_info(directory).get("sha256") != _sha256(read(directory, PARTS["pkcs12"])):
        return f"{directory}/{PARTS['pkcs12']} is not as it was made"
    return None


def files_in(directory: str) -> list[str]:
    """Return the names that a version must have, and those of the formats it has."""
    extra = [*FORMATS.values(), PKCS12_INFO_FILE]
    return [*PEM_PARTS.values(), INFO_FILE, *(name for name in extra if os.path.lexists(os.path.join(directory, name)))]


def pkcs12_info(directory: str) -> Mapping[str, Any]:
    try:
        found = json.loads(read(directory, PKCS12_INFO_FILE))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read(directory: str, name: str) -> bytes:
    with open(os.path.join(directory, name), "rb") as stream:
        return stream.read()


def first_certificate(content: bytes) -> str:
    """Return the first certificate of a PEM file; ValueError if it holds none."""
    found = _PEM_CERTIFICATE.search(content.decode("ascii", "strict"))
    if found is None:
        raise ValueError("no certificate")
    return found.group(0)


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
        text = contents["haproxy"].decode("ascii", "strict")
        key = _PEM_KEY.search(text)
        if key is not None:
            contents.setdefault("private_key", key.group(0).encode("ascii"))
        chain = "".join(match.group(0) for match in _PEM_CERTIFICATE.finditer(text))
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
