# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of cert_deploy, read into what a transaction wants; everything that is wrong with them is said here."""

from __future__ import annotations

import base64
import grp
import hashlib
import math
import os
import pwd
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import (
    FORMATS,
    BundleFiles,
    Ownership,
    Pkcs12,
    check_size,
)
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.handshake import Listener, name_to_ask
from ansible_collections.certops.acm.plugins.module_utils.install_plan import (
    LIVE_PLACEHOLDER,
    PRESENT,
    ConfigFile,
    Desired,
    Link,
)
from ansible_collections.certops.acm.plugins.module_utils.regular_file import FILE_LIMIT
from ansible_collections.certops.acm.plugins.module_utils.time_limit import WORK_TIMEOUT

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def read_desired(params: Mapping[str, Any], *, check_mode: bool) -> Desired:
    """Return what the options ask for; HostError if they cannot be meant so."""
    if not _NAME.fullmatch(params["name"]):
        raise _refused(f"name {params['name']!r} is no name of a certificate: use letters, digits, '.', '_' and '-'")
    _check_path("root", params["root"])
    base = os.path.join(params["root"], params["name"])
    bundle = _bundle(params, check_mode) if params["state"] == PRESENT else None
    live = os.path.join(base, "live")
    config_files = tuple(
        ConfigFile(item["path"], item["content"].replace(LIVE_PLACEHOLDER, live).encode(), _mode("mode", item["mode"]))
        for item in params["config_files"]
    )
    links = tuple(Link(item["path"], item["part"]) for item in params["links"])
    _check_paths(base, [item.path for item in config_files] + [item.path for item in links])
    for item in config_files:
        if len(item.content) > FILE_LIMIT:
            raise _refused(f"the content for {item.path} is larger than {FILE_LIMIT >> 20} MiB: make it shorter")
    if params["keep_versions"] < 1:
        raise _refused("keep_versions must be at least 1, because the live version counts")
    return Desired(
        state=params["state"],
        bundle=bundle,
        ownership=_ownership(params) if params["state"] == PRESENT else Ownership(),
        config_files=config_files,
        links=links,
        listeners=_listeners(params),
        force=params["force"],
        keep_versions=params["keep_versions"],
    )


def time_limit(params: Mapping[str, Any]) -> float:
    """Return how many seconds the whole run may take; HostError if that cannot be enough."""
    waiting = params["handshake_timeout"] + params["lock_timeout"]
    given = params.get("timeout")
    limit = waiting + WORK_TIMEOUT if given is None else given
    if not (math.isfinite(limit) and min(params["handshake_timeout"], params["lock_timeout"]) >= 0):
        raise _refused("timeout, handshake_timeout and lock_timeout must be seconds, 0 or more")
    if limit <= waiting:
        raise _refused(
            f"timeout {limit:g} leaves no time for the work itself: choose more than handshake_timeout and "
            f"lock_timeout together, which are {waiting:g} s"
        )
    return limit


def _bundle(params: Mapping[str, Any], check_mode: bool) -> BundleFiles:
    info = params["certificate_info"]
    try:
        leaf = ssl.PEM_cert_to_DER_cert(params["certificate"].strip() + "\n")
        sound = hashlib.sha256(leaf).hexdigest() == info["fingerprint"]
    except (ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise HostError(
            "the bundle did not arrive as it was sent: use the module through its action plugin", "check bundle"
        )
    key = params["private_key"]
    if not key and not check_mode:
        raise HostError("private_key is missing: pass it, as acm_export_cert returned it", "check bundle")
    formats = frozenset([*params["formats"], *(item["part"] for item in params["links"] if item["part"] in FORMATS)])
    bundle = BundleFiles(
        params["certificate"].encode("ascii"),
        params["chain"].encode("ascii"),
        key.encode("ascii") if key else None,
        info,
        formats,
        _pkcs12(params["pkcs12"]) if "pkcs12" in formats else None,
    )
    check_size(bundle.contents())
    return bundle


def _pkcs12(made: Mapping[str, Any]) -> Pkcs12:
    content = made.get("content")
    return Pkcs12(None if content is None else base64.b64decode(content), made["verifier"])


def _listeners(params: Mapping[str, Any]) -> tuple[Listener, ...]:
    default = name_to_ask(params["server_names"])
    return tuple(
        Listener(item["address"], item["port"], item["server_name"] or default, item["starttls"])
        for item in params["listeners"]
    )


def _ownership(params: Mapping[str, Any]) -> Ownership:
    try:
        user = pwd.getpwnam(params["owner"])
        group = grp.getgrnam(params["group"])
    except KeyError as error:
        raise _refused(f"{error.args[0]} on this host: make it, or correct owner and group") from None
    shared = 0o050 if group.gr_gid != user.pw_gid else 0
    # The directories stay ours, and the owner's processes may have no groups, as in containers: let them through.
    through = 0o011 if user.pw_uid != os.geteuid() else 0
    return Ownership(user.pw_uid, group.gr_gid, _mode("key_mode", params["key_mode"]), 0o700 | shared | through)


def _mode(option: str, text: str) -> int:
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise _refused(f"{option} {text!r} is no octal mode: write it quoted, such as '0640'")
    mode = int(text, 8)
    if option == "key_mode" and mode & 0o027:
        raise _refused(f"key_mode {text} would let others read or change the private key: use '0600' or '0640'")
    return mode


def _check_path(option: str, path: str) -> None:
    if not os.path.isabs(path) or os.path.normpath(path) != path:
        raise _refused(
            f"{option} {path!r} is no plain absolute path: write it from / on, without '..' or a '/' at its end"
        )


def _check_paths(base: str, paths: Sequence[str]) -> None:
    for path in paths:
        _check_path("path", path)
        if path.startswith(base + os.sep):
            raise _refused(f"path {path} lies in the directory of the certificate itself: choose one outside of {base}")
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise _refused(
            f"path {twice[0]} is given more than once in config_files and links: each path can hold one thing"
        )


def _refused(message: str) -> HostError:
    return HostError(message, "options")
