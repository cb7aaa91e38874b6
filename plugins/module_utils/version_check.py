# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading one version: what is in its directory, and whether a server could load it.

Each file is read once, and everything is decided from what was read: its owner may change it at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import (
    ALL_FILES,
    INFO_FILE,
    PARTS,
    PEM_PARTS,
    Ownership,
    first_certificate,
    format_damage,
    limit_of,
)
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import Access, taken_over
from ansible_collections.certops.acm.plugins.module_utils.held_directory import Directories
from ansible_collections.certops.acm.plugins.module_utils.regular_file import (
    Content,
    Unreadable,
    in_memory,
    parse_json,
    read_regular,
)


@dataclass(frozen=True)
class Version:
    """One version on the disk: what its leaf says, and what is wrong with it (None: nothing)."""

    name: str
    info: Mapping[str, Any]
    damage: str | None = None

    @property
    def fingerprint(self) -> str | None:
        return self.info.get("fingerprint")


@dataclass(frozen=True)
class _Found:
    """What is in the directory of a version: each file as it was when it was read, once."""

    directory: str
    status: os.stat_result
    files: Mapping[str, Content] = field(repr=False)
    problem: str | None

    @property
    def contents(self) -> dict[str, bytes]:
        return {name: content.data for name, content in self.files.items()}


def read_version(directories: Directories, directory: str, ownership: Ownership | None) -> Version:
    """Return a version and whether it could be served; with ``ownership`` its modes are checked, too."""
    name = os.path.basename(directory)
    try:
        found = _found(directories, directory)
        info = _info(found)
    except (OSError, ValueError):
        return Version(name, {}, f"{directory} holds no readable certificate")
    except Unreadable as error:
        return Version(name, {}, str(error))
    return Version(name, info, _damage(found, info, ownership))


def _found(directories: Directories, directory: str) -> _Found:
    files, problem = {}, None
    with directories.open(directory) as held:
        for name in ALL_FILES:
            shown = os.path.join(directory, name)
            try:
                files[name] = read_regular(name, limit_of(name), at=held.descriptor, shown=shown)
            except FileNotFoundError:
                continue
            except Unreadable as error:
                problem = problem or str(error)
            except OSError as error:
                problem = problem or f"{shown}: {error.strerror}"
        return _Found(directory, os.fstat(held.descriptor), files, problem)


def _info(found: _Found) -> Mapping[str, Any]:
    """Return what the leaf says; ValueError or Unreadable if it cannot be read."""
    if PARTS["certificate"] not in found.files:
        raise Unreadable(found.problem or f"{found.directory} holds no readable certificate", "preflight")
    certificate = found.files[PARTS["certificate"]].data
    leaf = first_certificate(certificate)
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()
    decoded = {"fingerprint": fingerprint, **_decode(certificate, found.directory)}
    notes = found.files.get(INFO_FILE)
    with contextlib.suppress(ValueError):  # an adopted version has no such file, and a damaged one is not needed
        info = parse_json(b"" if notes is None else notes.data)
        if isinstance(info, dict) and info.get("fingerprint") == fingerprint and _is_sound(info):
            # The owner of the file could have written anything into it: what the leaf itself says counts.
            # Its IPv6 addresses are written otherwise here, so names with one are taken as noted.
            kept = "names" if any(":" in name for name in decoded["names"]) else ""
            return {**info, **{name: value for name, value in decoded.items() if value and name != kept}}
    return decoded


def _is_sound(info: Mapping[str, Any]) -> bool:
    """Return whether notes are of the kind that we make: texts, and a list of texts."""
    names = info.get("names")
    texts = [*(value for name, value in info.items() if name != "names"), *(names if isinstance(names, list) else [0])]
    return all(value is None or isinstance(value, str) for value in texts)


def _damage(found: _Found, info: Mapping[str, Any], ownership: Ownership | None) -> str | None:
    directory, contents = found.directory, found.contents
    name = os.path.basename(directory).split(".")[0]
    if not name.startswith("adopted-") and info.get("fingerprint") != name:
        return f"{directory} holds another certificate than its name says"
    missing = [part for part in PEM_PARTS.values() if part not in contents]
    if found.problem or missing:
        return found.problem or f"{os.path.join(directory, missing[0])} is missing"
    if contents[PARTS["certificate"]] + contents[PARTS["chain"]] != contents[PARTS["fullchain"]]:
        return f"{directory}/{PARTS['fullchain']} is not the certificate with its chain"
    try:
        check_pair(contents, f"the pair in {directory}", directory)
    except HostError as error:
        return str(error)
    damage = format_damage(contents, directory)
    return damage or (None if ownership is None else _wrong_access(found, ownership))


def check_pair(contents: Mapping[str, bytes], what: str, directory: str) -> None:
    """Let the TLS library load certificate, chain and key as a server would."""

    def no_password() -> bytes:
        raise ValueError("the key is encrypted")

    certificate, key = PARTS["fullchain"], PARTS["private_key"]
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with (
            in_memory(contents[certificate], os.path.join(directory, certificate)) as certificate_path,
            in_memory(contents[key], os.path.join(directory, key)) as key_path,
        ):
            context.load_cert_chain(certificate_path, key_path, no_password)
    except ValueError as error:  # ssl.SSLError is an OSError and a ValueError in no version
        raise HostError(f"{what} cannot be loaded: {error}", "stage") from None
    except ssl.SSLError as error:
        # The library's name for a key of another kind than the certificate's is the second one.
        mixed = error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
        reason = "certificate and key do not belong together" if mixed else error.reason or "not readable"
        raise HostError(f"{what} cannot be loaded: {reason}", "stage") from None


def _wrong_access(found: _Found, ownership: Ownership) -> str | None:
    status, wanted = found.status, ownership.of_directory
    become = taken_over(status) or Access(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    problem = _difference(found.directory, become, wanted)
    if INFO_FILE not in found.files:
        problem = problem or f"{os.path.join(found.directory, INFO_FILE)} is missing"
    for name, content in found.files.items():
        access = Access(stat.S_IMODE(content.status.st_mode), content.status.st_uid, content.status.st_gid)
        problem = problem or _difference(os.path.join(found.directory, name), access, ownership.of(name))
    return problem


def _difference(path: str, access: Access, wanted: Access) -> str | None:
    if access.mode != wanted.mode:
        return f"{path} has the mode {access.mode:04o} instead of {wanted.mode:04o}"
    if wanted.uid not in (None, access.uid) or wanted.gid not in (None, access.gid):
        return f"{path} has another owner or group"
    return None


def _decode(certificate: bytes, directory: str) -> dict[str, Any]:
    """Return what a leaf says, as far as the standard library can tell."""
    decode = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)  # as in CPython 3.9 to 3.14
    try:
        with in_memory(certificate, os.path.join(directory, PARTS["certificate"])) as path:
            found = {} if decode is None else decode(path)
    except (OSError, ValueError):
        found = {}
    names = [value for kind, value in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    return {
        "serial": found["serialNumber"].lower().lstrip("0") if "serialNumber" in found else None,
        "names": names,
        "not_before": _iso(found.get("notBefore")),
        "not_after": _iso(found.get("notAfter")),
    }


def _iso(text: str | None) -> str | None:
    if text is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ssl.cert_time_to_seconds(text)))
