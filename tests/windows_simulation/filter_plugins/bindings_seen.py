# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def bindings_seen(sites: Iterable[Mapping[str, Any]], bundles: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return which bundle each https binding of our sites has, by ``<site> <hostname>``."""
    names = {bundle["thumbprint"]: name for name, bundle in bundles.items()}
    return {
        f"{site['name'].removeprefix('certops-')} {binding['hostname']}".strip(): names.get(
            (binding["certificate_hash"] or "").upper(), "none"
        )
        for site in sites
        for binding in site["bindings"]
        if site["name"].startswith("certops-") and binding["protocol"] == "https"
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"bindings_seen": bindings_seen}
