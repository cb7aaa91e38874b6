# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In what the bindings of a host are not as they must be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.iis_binding import Binding


def differences(expected: Iterable[Binding], now: Iterable[Binding]) -> list[str]:
    """Return in what bindings are not as they must be, one sentence each."""
    there = {binding.key: binding for binding in now}
    wanted = {binding.key: binding for binding in expected}
    found = []
    for key, binding in wanted.items():
        other = there.get(key)
        if other is None:
            found.append(f"{binding} is gone")
        elif not other.shows(binding.thumbprint, binding.store):
            found.append(f"{binding} has {_certificate(other)} instead of {_certificate(binding)}")
        elif (other.sni, other.central, other.protocol) != (binding.sni, binding.central, binding.protocol):
            found.append(f"{binding} lost its protocol or flags: use_sni was {binding.sni} and is {other.sni}")
        elif other.state != binding.state:
            found.append(f"site {binding.site} was {binding.state} and is {other.state}")
    return found + [f"{binding} appeared" for key, binding in there.items() if key not in wanted]


def from_results(results: Iterable[Mapping[str, Any]]) -> list[Binding]:
    """Read bindings that a filter handed out before."""
    return [Binding.from_result(result) for result in results]


def _certificate(binding: Binding) -> str:
    return f"{binding.thumbprint} ({binding.store})" if binding.thumbprint else "no certificate"
