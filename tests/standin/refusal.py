# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way a rule of the stand-in says no; moto serialises it like the service would."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):
    """``Refusal(code, message)``: an error of the service's own model, HTTP 400."""

    @property
    def error_type(self) -> str:
        return self.code
