# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a role of many tasks with the one result that cert_deploy has for the others."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.certops.acm.plugins.module_utils.deployment import SERVED, STATUSES

GOOD = (*SERVED, "absent")
FIELDS = (
    "fingerprint",
    "serial",
    "not_after",
    "previous_fingerprint",
    "served_fingerprint",
    "served",
    "actions",
    "warnings",
    "thumbprint",
    "step",
)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self._task.args
        status = str(arguments.get("status"))
        unknown = sorted(set(arguments) - {*FIELDS, "status", "changed", "msg"})
        if status not in (*STATUSES, "absent") or unknown:
            raise AnsibleActionFail(f"status {status!r} or options {unknown} are none of this task")
        result.update({name: arguments.get(name) or None for name in FIELDS if name in arguments})
        result.update(status=status, changed=bool(arguments.get("changed")), failed=status not in GOOD)
        result["check_mode"] = bool(self._task.check_mode)
        if arguments.get("msg"):
            result["msg"] = str(arguments["msg"])
        return result
