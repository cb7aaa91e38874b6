# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.certops.acm.plugins.modules import acm_export_cert
from ansible_collections.certops.acm.plugins.plugin_utils.here import RunsHere
from ansible_collections.certops.acm.plugins.plugin_utils.pipelined_action import PipelinedAction


class ActionModule(PipelinedAction, RunsHere):
    module = "certops.acm.acm_export_cert"
    returns = frozenset(
        [
            "certificate_arn",
            "certificate",
            "certificate_chain",
            "encrypted_private_key",
            "serial",
            "fingerprint",
            "names",
            "not_before",
            "not_after",
            "key_algorithm",
        ]
    )
    main = staticmethod(acm_export_cert.main)
