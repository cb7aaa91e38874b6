# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.certops.acm.plugins.modules import served_certificate
from ansible_collections.certops.acm.plugins.plugin_utils.here import HereAction


class ActionModule(HereAction):
    module = "certops.acm.served_certificate"
    main = staticmethod(served_certificate.main)
