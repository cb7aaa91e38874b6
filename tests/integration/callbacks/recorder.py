# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes each task result as one line of JSON to the file PLAYBOOK_RECORD; for playbook.py."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: recorder
type: notification
short_description: Records task results for tests
description: Records task results for tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, result: Any, outcome: str) -> None:
        # ansible-core 2.19 made these properties; before they are attributes with an underscore.
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        told = getattr(result, "result", None) or result._result
        line = {"task": str(task.get_name()), "host": str(host.get_name()), "outcome": outcome, "result": told}
        with open(os.environ["PLAYBOOK_RECORD"], "a", encoding="utf-8") as record:
            record.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any, **_unused: Any) -> None:
        self._record(result, "ok")

    def v2_runner_on_failed(self, result: Any, **_unused: Any) -> None:
        self._record(result, "failed")

    def v2_runner_on_skipped(self, result: Any, **_unused: Any) -> None:
        self._record(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any, **_unused: Any) -> None:
        self._record(result, "unreachable")
