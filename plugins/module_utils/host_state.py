# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at a host: everything a plan needs to know, without changing anything."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Callable, Mapping

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import PARTS
from ansible_collections.certops.acm.plugins.module_utils.file_change import FileChange
from ansible_collections.certops.acm.plugins.module_utils.handshake import Look
from ansible_collections.certops.acm.plugins.module_utils.install_plan import GONE, PRESENT, Desired, Observed
from ansible_collections.certops.acm.plugins.module_utils.journal import LINK, Entry, Memory, observe
from ansible_collections.certops.acm.plugins.module_utils.versions import VersionStore


def observe_host(
    files: FileChange,
    store: VersionStore,
    memory: Memory,
    desired: Desired,
    *,
    look: Look,
    now: Callable[[], datetime.datetime],
) -> Observed:
    """Return what is on this host and behind its listeners."""
    record, live_name = memory.read_record(), store.live_name()
    gone = desired.state == GONE
    if gone:
        paths = list(record.files)
        parts = {path: link.part for path, link in record.links.items()}
    else:
        paths = [wanted.path for wanted in desired.config_files]
        parts = {link.path: link.part for link in desired.links}
    contents: dict[str, bytes] = {}

    def entry(path: str, part: str | None = None) -> Entry:
        found, content = observe(files, path)
        # What a link of another leads to is adopted; ours leads to the live version.
        if found.kind == LINK and part is not None and found.target != store.live_path(part):
            found, content = observe(files, path, follow=True)
        if content is not None:
            contents[str(found.digest)] = content
        return found

    links = {path: entry(path, None if gone else part) for path, part in parts.items()}
    names = store.names()
    earlier = [store.read(name) for name in reversed(record.history) if name in names and name != live_name]
    live = None if live_name is None else store.read(live_name)
    info = desired.bundle.info if desired.bundle is not None else {} if live is None else live.info
    return Observed(
        record=record,
        now=now(),
        live=live,
        match=_match(store, desired, live_name),
        free_name="" if desired.bundle is None else store.free_name(desired.bundle.fingerprint),
        earlier=tuple(version for version in earlier if version.damage is None),
        files={path: entry(path) for path in paths},
        links=links,
        live_paths={part: store.live_path(part) for part in PARTS},
        adopted_name=_adopted_name(store, parts, links),
        seen=() if gone else tuple(look(listener.for_certificate(info)) for listener in desired.listeners),
        leftovers=os.path.isdir(store.base),
        contents=contents,
    )


def _match(store: VersionStore, desired: Desired, live_name: str | None) -> str | None:
    """Return the version that holds the wanted bundle and could be served as it is, the live one first."""
    bundle = desired.bundle
    if bundle is None or desired.state != PRESENT:
        return None
    names = [name for name in store.names() if name.split(".")[0] == bundle.fingerprint]
    for name in sorted(names, key=lambda name: name != live_name):
        if store.read(name, desired.ownership).damage is None and bundle.is_in(store.path(name)):
            return name
    return None


def _adopted_name(store: VersionStore, parts: Mapping[str, str], links: Mapping[str, Entry]) -> str:
    """Name a version after the contents that new links replace, so that a second try finds it again."""
    contents = sorted(
        (parts[path], str(entry.digest))
        for path, entry in links.items()
        if entry.target != store.live_path(parts[path])
    )
    return "adopted-" + hashlib.sha256(repr(contents).encode()).hexdigest()[:16]
