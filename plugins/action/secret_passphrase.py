# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.certops.acm.plugins.modules import secret_passphrase
from ansible_collections.certops.acm.plugins.plugin_utils.here import RunsHere
from ansible_collections.certops.acm.plugins.plugin_utils.pipelined_action import PipelinedAction

# With them Ansible ignores run_once but for a warning.
WITHOUT_RUN_ONCE = ("free", "host_pinned")


class ActionModule(PipelinedAction, RunsHere):
    module = "certops.acm.secret_passphrase"
    returns = frozenset(["passphrase", "created", "name", "serial", "version_stage", "arn", "version_id", "actions"])
    main = staticmethod(secret_passphrase.main)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        strategy = self._task.get_play().strategy.rpartition(".")[2]
        hosts = (task_vars or {}).get("ansible_play_batch", [])
        if self._task.run_once and strategy in WITHOUT_RUN_ONCE and len(hosts) > 1:
            # Returned and not raised: only so the role's failed_when holds.
            return {
                "failed": True,
                "msg": f"strategy {strategy} would export a certificate once for each host: "
                "use strategy linear for this play",
            }
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result
