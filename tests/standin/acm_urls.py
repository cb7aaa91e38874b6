# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moto's dispatcher asks a service for: its addresses and who answers there."""

from __future__ import annotations

from typing import Any

url_bases = [r"https?://acm\.(.+)\.amazonaws\.com"]
url_paths: dict[str, Any] = {}
