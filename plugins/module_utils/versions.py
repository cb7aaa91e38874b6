# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The versions of one certificate on a host: directories that are complete or not there at all.

``<root>/<name>/versions/<fingerprint>/`` holds the files of one bundle; ``<root>/<name>/live`` is a
symbolic link to one of them, and the only thing that says which one is served. A version is never
changed once it has its name: what is damaged is staged anew, beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import ssl
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import (
    INFO_FILE,
    PARTS,
    Ownership,
    files_in,
    first_certificate,
    format_damage,
    read,
)
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import (
    Access,
    FileChange,
    is_temporary,
    mode_of,
)

_NAME = re.compile(r"(?:[0-9a-f]{64}|adopted-[0-9a-f]{16})(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Version:
    """One version on the disk: what its leaf says, and what is wrong with it (None: nothing)."""

    name: str
    info: Mapping[str, Any]
    damage: str | None = None

    @property
    def fingerprint(self) -> str | None:
        return self.info.get("fingerprint")


class VersionStore:
    """The directory of one certificate on a host."""

    def __init__(self, root: str, name: str, files: FileChange) -> None:
        self.root = root
        self.base = os.path.join(root, name)
        self.versions = os.path.join(self.base, "versions")
        self.backups = os.path.join(self.base, "backups")
        self.live = os.path.join(self.base, "live")
        self._files = files

    def path(self, version: str) -> str:
        return os.path.join(self.versions, version)

    def live_path(self, part: str) -> str:
        return os.path.join(self.live, PARTS[part])

    def adopting(self, adopted: str) -> str:
        """Return the link that the links of one group share while they change together."""
        return os.path.join(self.base, f"adopting-{adopted}")

    def shared_links(self) -> list[str]:
        names = os.listdir(self.base) if os.path.isdir(self.base) else []
        return [os.path.join(self.base, name) for name in sorted(names) if name.startswith("adopting-")]

    def check_layout(self) -> None:
        """Refuse directories that are not as this collection makes them."""
        for path in (self.root, self.base, self.versions, self.backups):
            if os.path.islink(path):
                raise HostError(
                    f"{path} is a symbolic link to {os.path.realpath(path)}: set root to a real directory, "
                    "or move the link away",
                    "preflight",
                )
            if os.path.lexists(path) and not os.path.isdir(path):
                raise HostError(f"{path} is not a directory: move away what is there", "preflight")
        for path in (self.live, *self.shared_links()):
            if os.path.lexists(path) and not os.path.islink(path):
                raise HostError(
                    f"{path} is not a symbolic link, so it was not made by cert_deploy: move it away", "preflight"
                )

    def live_name(self) -> str | None:
        """Return the name of the live version; None when there is no live link yet."""
        try:
            target = os.readlink(self.live)
        except FileNotFoundError:
            return None
        parent, name = os.path.split(target)
        if parent != "versions" or not _NAME.fullmatch(name):
            raise HostError(
                f"{self.live} points to {target}, which is no version of cert_deploy: move the link away", "preflight"
            )
        return name

    def names(self) -> list[str]:
        if not os.path.isdir(self.versions):
            return []
        return sorted(name for name in os.listdir(self.versions) if _NAME.fullmatch(name))

    def free_name(self, stem: str) -> str:
        """Return a name for a new version: a damaged one keeps its directory until it is no longer live."""
        taken, number, name = set(self.names()), 1, stem
        while name in taken:
            number += 1
            name = f"{stem}.{number}"
        return name

    def read(self, name: str, ownership: Ownership | None = None) -> Version:
        """Return a version and whether it could be served; with ``ownership`` its modes are checked, too."""
        directory = self.path(name)
        try:
            certificate = read(directory, PARTS["certificate"])
            info = self._info(directory, certificate)
        except (OSError, ValueError):
            return Version(name, {}, f"{directory} holds no readable certificate")
        return Version(name, info, self._damage(directory, certificate, info, ownership))

    def stage(self, name: str, contents: Mapping[str, bytes], ownership: Ownership, *, check: bool = True) -> None:
        """Make a version directory; it gets its name only when it is complete, checked and on the disk."""
        draft = os.path.join(self.versions, f".{name}.staging.certops-tmp")
        self._files.remove_tree(draft)
        try:
            self._files.make_directory(draft, Access(ownership.directory_mode, ownership.uid, ownership.gid))
            for file, content in contents.items():
                self._files.create(os.path.join(draft, file), content, ownership.of(file))
            if check:
                _check_pair(draft, "the bundle")
            self._files.sync_directory(draft)
            self._files.rename(draft, self.path(name))
        except BaseException:
            self._files.remove_tree(draft)
            raise

    def make_directories(self) -> None:
        """Make what is missing of ``<root>/<name>`` and its fixed directories."""
        for path, mode in ((self.base, 0o755), (self.versions, 0o755), (self.backups, 0o700)):
            if not os.path.isdir(path):
                self._files.make_directory(path, Access(mode))

    def sweep(self) -> None:
        """Remove what a killed run left half made."""
        for directory in (self.base, self.versions, self.backups):
            if os.path.isdir(directory):
                for name in sorted(os.listdir(directory)):
                    if is_temporary(name):
                        self._files.remove_tree(os.path.join(directory, name))

    def _info(self, directory: str, certificate: bytes) -> Mapping[str, Any]:
        leaf = first_certificate(certificate)
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()
        try:
            info = json.loads(read(directory, INFO_FILE))
            if isinstance(info, dict) and info.get("fingerprint") == fingerprint:
                return info
        except (OSError, ValueError):
            pass  # an adopted version has no such file, and a damaged one is not needed
        return {"fingerprint": fingerprint, **_decode(os.path.join(directory, PARTS["certificate"]))}

    def _damage(
        self, directory: str, certificate: bytes, info: Mapping[str, Any], ownership: Ownership | None
    ) -> str | None:
        name = os.path.basename(directory).split(".")[0]
        if not name.startswith("adopted-") and info.get("fingerprint") != name:
            return f"{directory} holds another certificate than its name says"
        try:
            if certificate + read(directory, PARTS["chain"]) != read(directory, PARTS["fullchain"]):
                return f"{directory}/{PARTS['fullchain']} is not the certificate with its chain"
            _check_pair(directory, f"the pair in {directory}")
            damage = format_damage(directory)
        except HostError as error:
            return str(error)
        except OSError as error:
            return f"{directory}: {error.strerror}"
        return damage or (None if ownership is None else _wrong_access(directory, ownership))


def _check_pair(directory: str, what: str) -> None:
    """Let the TLS library load certificate, chain and key as a server would."""

    def no_password() -> bytes:
        raise ValueError("the key is encrypted")

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            os.path.join(directory, PARTS["fullchain"]), os.path.join(directory, PARTS["private_key"]), no_password
        )
    except ValueError as error:  # ssl.SSLError is an OSError and a ValueError in no version
        raise HostError(f"{what} cannot be loaded: {error}", "stage") from None
    except ssl.SSLError as error:
        # The library's name for a key of another kind than the certificate's is the second one.
        mixed = error.reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
        reason = "certificate and key do not belong together" if mixed else error.reason or "not readable"
        raise HostError(f"{what} cannot be loaded: {reason}", "stage") from None


def _wrong_access(directory: str, ownership: Ownership) -> str | None:
    wanted = {directory: Access(ownership.directory_mode, ownership.uid, ownership.gid)}
    for name in files_in(directory):
        wanted[os.path.join(directory, name)] = ownership.of(name)
    for path, access in wanted.items():
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return f"{path} is missing"
        kind = stat.S_ISDIR(status.st_mode) if path == directory else stat.S_ISREG(status.st_mode)
        if not kind:
            return f"{path} is of the wrong kind"
        if mode_of(path) != access.mode:
            return f"{path} has the mode {mode_of(path):04o} instead of {access.mode:04o}"
        if access.uid not in (None, status.st_uid) or access.gid not in (None, status.st_gid):
            return f"{path} has another owner or group"
    return None


def _decode(path: str) -> dict[str, Any]:
    """Return what the leaf in a file says, as far as the standard library can tell."""
    decode = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)  # as in CPython 3.9 to 3.14
    try:
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
