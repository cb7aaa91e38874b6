# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: preload
type: notification
short_description: Loads libraries before the workers are forked
description:
  - For tests. Each task is a process of its own, which would load them anew; that halves the time of the scenarios.
"""

import importlib

from ansible.plugins.callback import CallbackBase

OURS = "ansible_collections.certops.acm.plugins.module_utils."
for name in (
    "ansible.executor.powershell.module_manifest",
    "ansible.plugins.action",
    "ansible.plugins.connection",
    "cryptography.hazmat.primitives.serialization.pkcs12",
    "windows_simulation.machine",
    *(OURS + ours for ours in ("deployment", "handshake", "iis_decision", "pfx")),
):
    importlib.import_module(name)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "preload"
    CALLBACK_NEEDS_ENABLED = True
