# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The install transaction of one certificate on one host.

What is served before, during and after is always one complete bundle: see mover.py for the order of
steps on the disk. This file knows the order of the whole: look, decide, stage, journal, move, test,
reload, prove, and on any failure the way back.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ansible_collections.certops.acm.plugins.module_utils.deploy_report import Report
from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.file_change import (
    FileChange,
    Label,
    Step,
    explain,
)
from ansible_collections.certops.acm.plugins.module_utils.handshake import Look, Seen, await_fingerprint, look
from ansible_collections.certops.acm.plugins.module_utils.host_lock import HostLock
from ansible_collections.certops.acm.plugins.module_utils.host_state import observe_host
from ansible_collections.certops.acm.plugins.module_utils.install_plan import PRESENT, Desired, Plan, decide
from ansible_collections.certops.acm.plugins.module_utils.journal import (
    Goal,
    Journal,
    Memory,
    Record,
    digest_of,
    kept_digests,
)
from ansible_collections.certops.acm.plugins.module_utils.mover import Mover
from ansible_collections.certops.acm.plugins.module_utils.preflight import check_before, complaints, make_root
from ansible_collections.certops.acm.plugins.module_utils.regular_file import Unreadable
from ansible_collections.certops.acm.plugins.module_utils.repair import repair_host, took_over
from ansible_collections.certops.acm.plugins.module_utils.server import Server
from ansible_collections.certops.acm.plugins.module_utils.time_limit import WORK_TIMEOUT, TimeLimit
from ansible_collections.certops.acm.plugins.module_utils.versions import VersionStore

# Seconds that a server gets to read its configuration before the files change again under its eyes.
_READING = 2.0


class RolledBack(HostError):
    """The change failed, and everything is as it was before."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@dataclass(frozen=True)
class Settings:
    """How to go about it.

    Attributes:
        handshake_timeout: seconds for all listeners together to serve the new certificate.
        lock_timeout: seconds to wait for another run on this host.
        on_step: called before each step and before each system call that changes a file.
        limit: how long the run may take; whoever starts the run starts it, too.
        label: see FileChange.
        now, look: the host's clock, and how to look at a listener.
    """

    handshake_timeout: float = 30.0
    lock_timeout: float = 60.0
    on_step: Step | None = None
    label: Label | None = None
    limit: TimeLimit = field(default_factory=TimeLimit)
    now: Callable[[], datetime.datetime] = _now
    look: Look = look


class Transaction:
    """One change of one certificate on this host; ``report`` tells what came of it, also after an error.

    Args:
        root: directory of all certificates.
        name: of the certificate.
        desired: what is asked for.
        server: to test and reload.
    """

    def __init__(
        self, root: str, name: str, desired: Desired, server: Server, settings: Settings | None = None
    ) -> None:
        self._name = name
        self._desired = desired
        self._server = server
        self._settings = settings or Settings()
        self._files = FileChange(self._note, self._settings.label)
        self._store = VersionStore(root, name, self._files)
        self._memory = Memory(self._store.base, self._files)
        self._contents = {digest_of(wanted.content): wanted.content for wanted in desired.config_files}
        self._mover = Mover(self._store, self._memory, self._files, self._contents)
        self._seen_before: tuple[Seen, ...] = ()
        self._reloaded = False
        self.report = Report(contents=self._content)

    def check(self) -> Report:
        """Look and decide, and change nothing."""
        with self._step("preflight"), self._files.directories.holding():
            self._store.check_layout()
            interrupted = self._memory.read_journal() is not None
            self._decide(pending=False)
            foreign = len(self._store.foreign())
            if self._plan.changed:
                self.report.warnings += complaints(self._plan, self._server)
            elif not interrupted:
                self.report.repaired += self._left()
        if foreign:
            self.report.repaired.append(took_over(foreign, self._name))
        if interrupted:
            self.report.repaired.append(f"repair what an interrupted run left of {self._name}")
        return self.report

    def run(self) -> Report:
        """Bring the host to what is asked for, or leave it as it was.

        Raises:
            RolledBack: the change failed and everything is as it was before.
            HostError: nothing was changed, or the way back failed, too; the text says which.
        """
        with self._files.directories.holding():
            with self._step("preflight"):
                self._store.check_layout()
                if self._desired.state != PRESENT and not os.path.isdir(self._store.root):
                    self._decide(pending=False)
                    return self.report
                make_root(self._store.root, self._files)
            lock = HostLock(os.path.join(self._store.root, ".lock"), self._settings.lock_timeout)
            with self._step("lock"), lock:
                self._run_alone()
        return self.report

    def _run_alone(self) -> None:
        with self._step("repair"):
            repair = repair_host(self._store.root, self._name, self._files)
            self.report.repaired += repair.done
            self.report.warnings += repair.warnings
        with self._step("preflight"):
            self._store.check_layout()
            self._decide(pending=repair.reloaded)
            if self._plan.changed:
                self._files.announce("preflight")
                damaged = self.report.before is not None and self.report.before.damage is not None
                check_before(self._plan, self._server, self._store.base, damaged=damaged)
        if self._plan.changed:
            self._change()
        self._clean_up()

    def _note(self, operation: str, path: str) -> None:
        if not path:  # a step of ours, and no system call
            self._settings.limit.step = operation
        if self._settings.on_step is not None:
            self._settings.on_step(operation, path)

    @contextlib.contextmanager
    def _step(self, step: str) -> Iterator[None]:
        """Turn an error of the operating system into one clear sentence."""
        self._settings.limit.step = step
        try:
            yield
        except OSError as error:
            raise HostError(explain(error), step) from error

    @property
    def _plan(self) -> Plan:
        return self.report.plan

    # Look and decide.

    def _decide(self, pending: bool) -> None:
        observed = observe_host(
            self._files,
            self._store,
            self._memory,
            self._desired,
            look=self._settings.look,
            now=self._settings.now,
        )
        self._contents.update(observed.contents)
        self.report.before = observed.live
        self.report.seen = self._seen_before = observed.seen
        plan = self.report.plan = decide(replace(observed, reload_pending=pending), self._desired)
        if plan.reload and self._server.can_reload:
            self.report.reload = f"reload {self._server.name}"

    def _content(self, digest: str) -> bytes | None:
        try:
            return self._contents[digest] if digest in self._contents else self._memory.restore(digest)
        except Unreadable:
            return None  # only for the diff

    # The change.

    def _change(self) -> None:
        plan = self._plan
        journal = Journal(plan.before, pid=os.getpid())
        if plan.changes_files:
            self._stage(journal)
        try:
            self._activate(journal)
        except Exception as error:
            self._go_back(_host_error(error, "activate"))

    def _stage(self, journal: Journal) -> None:
        """Everything that needs space; nothing that a server reads."""
        self._files.announce("stage")
        plan, bundle = self._plan, self._desired.bundle
        try:
            self._store.make_directories()
            if plan.stage and bundle is not None:
                self._store.stage(plan.stage, bundle.contents(), self._desired.ownership)
            self._mover.back_up(plan.before, plan.goal)
            self._mover.stage_adopted([*plan.before.links, *plan.goal.links])
            self._mover.prepare(plan.goal)
            self._memory.write_journal(journal)
        except Exception as error:
            self._settings.limit.allow(self._time_to_go_back)
            self._unstage()
            cause = _host_error(error, "stage")
            raise HostError(f"nothing was changed: {cause}", "stage") from None

    def _unstage(self) -> None:
        """Remove what was staged for a change that does not come about."""
        before = self._plan.before
        with contextlib.suppress(OSError):  # what cannot be removed now is swept by the next run
            self._files.discard_prepared()
            self._memory.remove_journal()
            self._prune(before)
            if before.live is None and not self._store.names():
                self._files.remove_tree(self._store.base)

    def _prune(self, goal: Goal) -> None:
        """Remove the versions and backups that a state does not need."""
        for name in self._unneeded(goal):
            self._files.remove_tree(self._store.path(name))
        self._memory.forget_backups(kept_digests(goal.record or Record()))

    def _unneeded(self, goal: Goal) -> list[str]:
        """Return the versions that a state does not need."""
        record = goal.record or Record()
        adopted = [link.adopted for link in record.links.values()]
        needed = (goal.live, record.left, *record.history, *adopted)
        return [name for name in self._store.names() if name not in needed]

    def _left(self) -> list[str]:
        """Return what a killed run left, for people; nothing where nothing is known of the live version."""
        before = self._plan.before
        if before.record is None or before.live not in before.record.history:
            return []
        backups = self._memory.unneeded_backups(kept_digests(before.record))
        versions = [f"version {name[:12]}" for name in self._unneeded(before)]
        return [f"remove {left}, which nothing needs" for left in [*versions, *(["old backups"] if backups else [])]]

    def _activate(self, journal: Journal) -> None:
        plan = self._plan
        if plan.changes_files:
            self._files.announce("activate")
            self._mover.advance(plan.goal)
            self._test()
        if plan.reload and self._server.can_reload and (plan.goal.live is not None or self._server.is_active()):
            self._files.announce("reload")
            if plan.changes_files:
                self._memory.write_journal(replace(journal, reloaded=True))
            self._reloaded = True
            self._server.reload()
        if plan.goal.live is not None:
            self._prove(str(plan.version["fingerprint"]))
        if plan.changes_files:
            self._files.announce("commit")
            self._mover.finish(plan.goal)
            if plan.goal.live is None:
                self._test()  # a configuration that we do not manage may still name what is gone now
            self._memory.remove_journal()

    def _test(self) -> None:
        self._files.announce("config test")
        output = self._server.test()
        if output is not None:
            raise HostError(
                f"the configuration test of {self._server.name} failed with the change in place: {output}",
                "config test",
            )

    def _prove(self, fingerprint: str) -> None:
        self._files.announce("handshake")
        deadline = time.monotonic() + self._settings.handshake_timeout
        seen: list[Seen] = []
        for listener in [before.listener for before in self._seen_before]:
            seen.append(await_fingerprint(listener, fingerprint, deadline, look_at=self._settings.look))
            self.report.seen = tuple(seen)
            if seen[-1].fingerprint != fingerprint:
                raise HostError(self._unproven(seen[-1], fingerprint), "handshake")

    def _unproven(self, seen: Seen, fingerprint: str) -> str:
        if seen.fingerprint is None:
            return f"the new certificate could not be seen: {seen.error}"
        hint = "" if self._server.can_reload else " (no reload was made: neither unit nor reload_command is given)"
        return (
            f"{seen.listener} still serves {seen.fingerprint[:16]}... and not {fingerprint[:16]}... after "
            f"{self._settings.handshake_timeout:g} s: does its configuration use {self._store.live_path('fullchain')} "
            f"and {self._store.live_path('private_key')}, and does no other server block answer first?{hint}"
        )

    def _clean_up(self) -> None:
        """Remove what nothing needs any more, also what a killed run left.

        The change is made, so a failure here is only a warning.
        """
        plan = self._plan
        try:
            if plan.changed:
                self._files.announce("clean up")
            if plan.purge:
                self._files.remove_tree(self._store.base)
            elif plan.changes_files:
                self._prune(plan.goal)
            elif left := self._left():
                self.report.repaired += left
                self._prune(plan.before)
        except (OSError, HostError) as error:  # a HostError: told to stop
            reason = explain(error) if isinstance(error, OSError) else error
            self.report.warnings.append(f"the change was made, but not all of the old is removed: {reason}")

    # The way back.

    def _go_back(self, reason: HostError) -> None:
        if not self._plan.changes_files:
            raise HostError(f"no file was changed: {reason}", reason.step) from reason
        self._settings.limit.allow(self._time_to_go_back)
        try:
            self._files.announce("roll back")
            if self._reloaded and reason.step != "handshake":  # which has waited already
                self._let_the_server_read()
            self._restore()
        except Exception as error:
            second = _host_error(error, "roll back")
            raise HostError(
                f"{reason} -- and going back failed, too, so look at this host now (the next run tries again): "
                f"{second}",
                reason.step,
            ) from reason
        raise RolledBack(f"everything is as it was before: {reason}", reason.step) from reason

    @property
    def _time_to_go_back(self) -> float:
        return 2 * self._settings.handshake_timeout + WORK_TIMEOUT

    def _let_the_server_read(self) -> None:
        """Wait until the server has read what it was told to, even if the reload is said to have failed.

        It opens certificate and key one after the other: would the link move in between, it would read halves of
        two pairs. nginx then serves neither, if the keys are of different kinds, and Apache ends.
        """
        deadline = time.monotonic() + min(self._settings.handshake_timeout, _READING)
        for listener in self._desired.listeners:
            await_fingerprint(
                listener, str(self._plan.version.get("fingerprint")), deadline, look_at=self._settings.look
            )
        if not self._desired.listeners:
            time.sleep(max(deadline - time.monotonic(), 0))

    def _restore(self) -> None:
        before, failed_reload = self._plan.before, None
        self._files.discard_prepared()
        self._mover.advance(before)
        reloads = self._reloaded or self._read_by_others()
        if reloads:
            try:
                self._server.revive()
            except HostError as error:
                failed_reload = error
        self._mover.finish(before)
        self._memory.remove_journal()
        self._unstage()
        try:
            answered = self._prove_old(reloaded=reloads)
        except HostError as error:
            # A server that cannot be started again is the cause; that nothing is served is what comes of it.
            raise (error if failed_reload is None else HostError(f"{failed_reload}; {error}", "roll back")) from None
        if failed_reload is not None and not answered:
            raise failed_reload

    def _read_by_others(self) -> bool:
        """Tell whether a reload that was not ours has read the new files while they were in place.

        Somebody else may reload at any time, and a slow server may only now do what an earlier run told it to.
        """
        new = self._plan.version.get("fingerprint")
        return self._server.can_reload and any(
            old.fingerprint not in (None, new) and self._settings.look(old.listener).fingerprint == new
            for old in self._seen_before
        )

    def _prove_old(self, *, reloaded: bool) -> bool:
        """Wait until each listener shows what it showed before; return whether there was anything to see.

        Where the way back made no reload and the new certificate is shown all the same, somebody else's had read it
        already, and showed it only now: then it is reloaded here.
        """
        new = self._plan.version.get("fingerprint")
        deadline = time.monotonic() + self._settings.handshake_timeout
        seen: list[Seen] = []
        for old in self._seen_before:
            if old.fingerprint is None:
                seen.append(self._settings.look(old.listener))
                continue
            found = await_fingerprint(old.listener, old.fingerprint, deadline, look_at=self._settings.look)
            if found.fingerprint == new != old.fingerprint and not reloaded and self._server.can_reload:
                reloaded = True
                self._server.revive()
                deadline = time.monotonic() + self._settings.handshake_timeout
                found = await_fingerprint(old.listener, old.fingerprint, deadline, look_at=self._settings.look)
            seen.append(found)
            self.report.seen = tuple(seen)
            if found.fingerprint != old.fingerprint:
                text = found.error or f"{found.listener} serves {found.fingerprint} and not {old.fingerprint}"
                raise HostError(f"the old certificate is not served again: {text}", "roll back")
        self.report.seen = tuple(seen)
        return any(old.fingerprint is not None for old in self._seen_before)


def _host_error(error: Exception, step: str) -> HostError:
    if isinstance(error, HostError):
        return error
    if isinstance(error, OSError):
        return HostError(explain(error), step)
    return HostError(f"unexpected {type(error).__name__}: this is a defect, please report it", step)
