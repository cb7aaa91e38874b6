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

import ansible.executor.powershell.module_manifest
import ansible.plugins.action
import ansible.plugins.connection  # noqa: F401
import windows_simulation.machine  # noqa: F401
from ansible.plugins.callback import CallbackBase
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: F401
from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: F401

from ansible_collections.certops.acm.plugins.module_utils import deployment, iis_decision, pfx  # noqa: F401


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "preload"
    CALLBACK_NEEDS_ENABLED = True
