# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run found and did, as the result of the module. No part of a key is ever in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import HostError
from ansible_collections.certops.acm.plugins.module_utils.handshake import Seen
from ansible_collections.certops.acm.plugins.module_utils.install_plan import Plan
from ansible_collections.certops.acm.plugins.module_utils.journal import ABSENT, Goal
from ansible_collections.certops.acm.plugins.module_utils.version_check import Version

UNDECIDED = Plan(Goal(None), Goal(None))


@dataclass
class Report:
    """Filled in while a transaction runs.

    Attributes:
        plan: what was decided.
        before: the version that was live.
        seen: what the listeners showed last.
        reload: how the server is made to read the files again, for people.
        repaired: what an interrupted run left and this one repaired, for people.
        warnings: what did not stop the run.
        contents: of configuration files, by digest.
    """

    plan: Plan = UNDECIDED
    before: Version | None = None
    seen: tuple[Seen, ...] = ()
    reload: str | None = None
    repaired: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    contents: Callable[[str], bytes | None] = lambda digest: None

    @property
    def served_fingerprint(self) -> str | None:
        """What the listeners show; if they differ, the first that is not what was to be installed."""
        shown = [seen.fingerprint for seen in self.seen if seen.fingerprint is not None]
        wanted = self.plan.version.get("fingerprint")
        return next((fingerprint for fingerprint in shown if fingerprint != wanted), shown[0] if shown else None)

    def to_result(self, *, gone: bool = False) -> dict[str, Any]:
        """Return the result of a run that did what was asked."""
        status = "absent" if gone else "verified" if self.seen else "installed"
        return {**self._common(), "changed": self.plan.changed or bool(self.repaired), "status": status}

    def to_failure(self, error: HostError, status: str) -> dict[str, Any]:
        """Return the result of a run that did not; ``changed`` is false when everything is as before."""
        changed = bool(self.repaired)
        return {**self._common(), "changed": changed, "status": status, "msg": str(error), "step": error.step}

    def _common(self) -> dict[str, Any]:
        plan = self.plan
        version = plan.version
        result: dict[str, Any] = {
            "fingerprint": version.get("fingerprint"),
            "serial": version.get("serial"),
            "not_after": version.get("not_after"),
            "names": list(version.get("names") or []),
            "previous_fingerprint": None if self.before is None else self.before.fingerprint,
            "served_fingerprint": self.served_fingerprint,
            "served": [seen.to_result() for seen in self.seen],
            "actions": [*self.repaired, *plan.actions, *([self.reload] if self.reload else [])],
        }
        if plan is not UNDECIDED:
            before = {} if self.before is None else self.before.info
            result["diff"] = {"before": self._side(before, plan.before), "after": self._side(version, plan.goal)}
        return result

    def _side(self, info: Any, goal: Goal) -> dict[str, Any]:
        side = {name: info.get(name) for name in ("fingerprint", "serial", "not_after")}
        side["names"] = list(info.get("names") or [])
        side["files"] = {path: self._text(entry.digest, entry.kind) for path, entry in goal.files}
        for link in goal.links:
            side["files"][link.path] = f"-> {link.entry.target}" if link.entry.target else link.entry.kind
        return side

    def _text(self, digest: str | None, kind: str) -> Any:
        content = None if digest is None else self.contents(digest)
        if content is None:
            return kind if kind == ABSENT or digest is None else f"sha256:{digest}"
        if b"PRIVATE KEY" in content:
            return "holds a private key"
        return content.decode("utf-8", "replace").splitlines()
