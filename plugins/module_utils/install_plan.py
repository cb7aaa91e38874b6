# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do on a host: a pure function from what is there and what is wanted to a plan.

The plan holds two whole states, the one before and the one to reach. Check mode and diff read it,
the transaction moves to its goal, and going back means moving to the state before.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.bundle_files import BundleFiles, Ownership
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.handshake import Listener, Seen
from ansible_collections.certops.acm.plugins.module_utils.journal import (
    ABSENT,
    FILE,
    LINK,
    Entry,
    Goal,
    LinkGoal,
    Record,
    digest_of,
)
from ansible_collections.certops.acm.plugins.module_utils.version_check import Version

PRESENT, ROLLED_BACK, GONE = "present", "rolled_back", "absent"
LIVE_PLACEHOLDER = "{live}"


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file that belongs to the change."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644


@dataclass(frozen=True)
class Link:
    """A path of the user's choice that shall lead to a part of the live version."""

    path: str
    part: str


@dataclass(frozen=True)
class Desired:
    """What the task asks for."""

    state: str
    bundle: BundleFiles | None = None
    ownership: Ownership = field(default_factory=Ownership)
    config_files: tuple[ConfigFile, ...] = ()
    links: tuple[Link, ...] = ()
    listeners: tuple[Listener, ...] = ()
    force: bool = False
    keep_versions: int = 3


@dataclass(frozen=True)
class Observed:
    """What is on the host.

    Attributes:
        live: the live version; None when there is none.
        match: an undamaged version that holds the wanted bundle.
        free_name: the name a new version would get.
        earlier: undamaged versions of the history before the live one, newest first.
        files, links: what is at each path that is managed or shall be.
        live_paths: where a link to each part must point.
        seen: what each listener showed.
        reload_pending: an interrupted change was undone after the server had read it.
        leftovers: the directory of this certificate exists.
        contents: of the files, by digest.
        now: of the host's clock.
    """

    record: Record
    now: datetime.datetime
    live: Version | None = None
    match: str | None = None
    free_name: str = ""
    earlier: tuple[Version, ...] = ()
    files: Mapping[str, Entry] = field(default_factory=dict)
    links: Mapping[str, Entry] = field(default_factory=dict)
    live_paths: Mapping[str, str] = field(default_factory=dict)
    adopted_name: str = ""
    seen: tuple[Seen, ...] = ()
    reload_pending: bool = False
    leftovers: bool = False
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Plan:
    """What will be done: from ``before`` to ``goal``.

    Attributes:
        version: what the goal's live version says; empty for ``absent``.
        stage: name of the version to make; None when it is there already.
        adopt: name of the version to make of what the links replace; None when they replace nothing.
        reload: whether the server must read its files again.
        purge: whether the whole directory of the certificate goes at the end.
        actions: what is done, for people.
    """

    before: Goal
    goal: Goal
    version: Mapping[str, Any] = field(default_factory=dict)
    stage: str | None = None
    adopt: str | None = None
    reload: bool = False
    purge: bool = False
    actions: tuple[str, ...] = ()

    @property
    def changes_files(self) -> bool:
        return self.before != self.goal

    @property
    def changed(self) -> bool:
        return self.changes_files or self.reload or self.purge


def decide(observed: Observed, desired: Desired) -> Plan:
    """Return the plan; HostError if what is wanted cannot or must not be done on this host."""
    if desired.state == PRESENT:
        return _present(observed, desired)
    if desired.state == ROLLED_BACK:
        return _rolled_back(observed, desired)
    return _absent(observed)


def _present(observed: Observed, desired: Desired) -> Plan:
    bundle, record = desired.bundle, observed.record
    if bundle is None:
        raise HostError("certificate and chain are missing: pass them, as acm_export_cert returned them", "preflight")
    _check_clock(bundle.info, observed.now)
    name = observed.match or observed.free_name
    live = observed.live
    if live is not None and not desired.force:
        _check_newer(live, bundle.info)
    files = tuple(_config_entry(observed, wanted) for wanted in desired.config_files)
    links = tuple(_link_goal(observed, wanted) for wanted in desired.links)
    fresh = [link for link in links if not observed.links[link.path].same(link.entry)]
    adopts = [link for link in fresh if observed.links[link.path].digest is not None]
    adopt = observed.adopted_name if adopts else None
    history = _history(record, live, name, adopt)[-max(desired.keep_versions, 1) :]
    goal_record = Record(
        history=history,
        left=record.left if live is not None and live.name == name else None,
        files={**{path: observed.files[path] for path, _entry in files}, **record.files},
        links={**record.links, **{link.path: _original(observed, link, adopt) for link in fresh}},
    )
    links = tuple(replace(link, adopted=adopt) if link in fresh else link for link in links)
    before = _before(observed, [path for path, _entry in files], links)
    goal = Goal(name, files, links, goal_record)
    plan = Plan(before, before if _reached(before, goal) else goal, bundle.info, adopt=adopt)
    return _finish(observed, plan if observed.match else replace(plan, stage=name))


def _rolled_back(observed: Observed, desired: Desired) -> Plan:
    record, live = observed.record, observed.live
    if live is None:
        raise HostError("no certificate of this name is installed on this host, so nothing can be rolled back", "plan")
    before = _before(observed, (), ())
    if record.left is not None:  # asked for again: the rollback was made, and no other change came since
        return _finish(observed, Plan(before, before, live.info))
    if not observed.earlier:
        raise HostError(
            "there is no undamaged earlier version of this certificate on this host to go back to: deploy one "
            "(state: present, with force: true if it is older)",
            "plan",
        )
    back = observed.earlier[0]
    if not desired.force and _passed(back.info.get("not_after"), observed.now):
        raise HostError(
            f"the earlier version expired at {back.info['not_after']}: deploy a newer certificate, or set "
            "force: true to go back all the same",
            "plan",
        )
    history = record.history[: record.history.index(back.name) + 1]
    goal = replace(before, live=back.name, record=replace(record, history=history, left=live.name))
    return _finish(observed, Plan(before, goal, back.info))


def _absent(observed: Observed) -> Plan:
    record = observed.record
    links = [replace(link, entry=observed.links[link.path]) for link in record.links.values()]
    before = _before(observed, list(record.files), links)
    goal = Goal(
        live=None,
        files=tuple((path, entry) for path, entry in record.files.items()),
        links=tuple(_released(observed, link) for link in record.links.values()),
    )
    plan = Plan(before, before if _reached(before, goal) else goal, purge=observed.leftovers)
    return _finish(observed, plan)


def _released(observed: Observed, link: LinkGoal) -> LinkGoal:
    """A link that somebody replaced since is theirs: it stays."""
    now = observed.links[link.path]
    ours = Entry(LINK, target=observed.live_paths[link.part])
    return link if now.same(ours) else replace(link, entry=now)


def _finish(observed: Observed, plan: Plan) -> Plan:
    wanted = plan.version.get("fingerprint")
    others = [seen for seen in observed.seen if wanted is not None and seen.fingerprint != wanted]
    reload = plan.changes_files or bool(others) or observed.reload_pending
    return replace(plan, reload=reload, actions=tuple(_actions(plan, others)))


def _actions(plan: Plan, others: Iterable[Seen]) -> Iterable[str]:
    before, goal = plan.before, plan.goal
    if plan.stage:
        yield f"stage version {plan.stage[:12]}"
    if goal.live and goal.live != before.live:
        yield f"make version {goal.live[:12]} live"
    was: dict[str, Entry] = dict(before.files)
    for path, entry in goal.files:
        if not was[path].same(entry):
            yield f"{'remove' if entry.kind == ABSENT else 'write'} {path}"
    links = {link.path: link.entry for link in before.links}
    for link in goal.links:
        if not links[link.path].same(link.entry):
            yield f"link {link.path}" if link.entry.kind == LINK else f"put back {link.path}"
    if plan.purge:
        yield "remove all versions"
    if not plan.changes_files:
        for seen in others:
            yield f"have {seen.listener} read the files again"


def _reached(before: Goal, goal: Goal) -> bool:
    """Return whether nothing that a server reads differs."""
    files, links = dict(before.files), {link.path: link.entry for link in before.links}
    return (
        before.live == goal.live
        and all(files[path].same(entry) for path, entry in goal.files)
        and all(links[link.path].same(link.entry) for link in goal.links)
        and (goal.live is not None or before.record == Record())
    )


def _before(observed: Observed, paths: Iterable[str], links: Iterable[LinkGoal]) -> Goal:
    return Goal(
        live=None if observed.live is None else observed.live.name,
        files=tuple((path, observed.files[path]) for path in paths),
        links=tuple(replace(link, entry=observed.links[link.path]) for link in links),
        record=observed.record,
    )


def _config_entry(observed: Observed, wanted: ConfigFile) -> tuple[str, Entry]:
    now = observed.files[wanted.path]
    if now.kind == LINK:
        raise HostError(
            f"the configuration file {wanted.path} is a symbolic link to {now.target}: name that file itself",
            "preflight",
        )
    return wanted.path, Entry(FILE, digest_of(wanted.content), wanted.mode, now.uid, now.gid)


def _link_goal(observed: Observed, wanted: Link) -> LinkGoal:
    return LinkGoal(wanted.path, wanted.part, Entry(LINK, target=observed.live_paths[wanted.part]))


def _original(observed: Observed, link: LinkGoal, adopt: str | None) -> LinkGoal:
    known = observed.record.links.get(link.path)
    if known is not None:
        return replace(known, part=link.part)
    return replace(link, entry=observed.links[link.path], adopted=adopt)


def _history(record: Record, live: Version | None, name: str, adopt: str | None) -> tuple[str, ...]:
    history = [entry for entry in record.history if entry != name]
    if live is not None and live.name != name and live.name not in history:
        history.append(live.name)
    if live is None and adopt is not None and adopt not in history:
        history.append(adopt)  # what was served before the first install can be gone back to
    return (*history, name)


def _check_clock(info: Mapping[str, Any], now: datetime.datetime) -> None:
    clock = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if not _passed(info.get("not_before"), now):
        raise HostError(
            f"the certificate is valid from {info.get('not_before')}, but the clock of this host says {clock}: "
            "set the host's clock (is its time synchronisation running?)",
            "check bundle",
        )
    if _passed(info.get("not_after"), now):
        raise HostError(
            f"the certificate expired at {info.get('not_after')}; the clock of this host says {clock}: renew the "
            "certificate, or set the host's clock",
            "check bundle",
        )


def _check_newer(live: Version, info: Mapping[str, Any]) -> None:
    if live.fingerprint == info["fingerprint"] or not live.info.get("not_before"):
        return
    old = (str(live.info["not_before"]), str(live.info.get("not_after")))
    if (str(info["not_before"]), str(info["not_after"])) < old:  # ISO 8601 in UTC sorts by time
        raise HostError(
            f"the live certificate (valid from {old[0]} to {old[1]}) is newer than this one (from "
            f"{info['not_before']} to {info['not_after']}): set force: true if you want the older one",
            "check bundle",
        )


def _passed(moment: str | None, now: datetime.datetime) -> bool:
    if moment is None:
        return False
    at = datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return at <= now
