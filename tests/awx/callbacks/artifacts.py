# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what set_stats hands over for the whole run, as AWX keeps it as a job's artifacts."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: artifacts
type: notification
short_description: Writes the custom statistics of a run
description: Writes them as JSON to the file that the variable E(AWX_ARTIFACTS) of the environment names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "artifacts"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, stats: Any) -> None:
        with open(os.environ["AWX_ARTIFACTS"], "w", encoding="utf-8") as file:
            # _run holds what was set with per_host: false; AWX looks at nothing else.
            json.dump(stats.custom.get("_run", {}), file, default=str)
