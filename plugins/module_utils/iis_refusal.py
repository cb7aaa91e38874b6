# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must not be done to bindings, because a module or IIS itself would change more than was asked. Pure.

The reasons were read in the source of microsoft.iis 1.1.0 and 1.3.0 (``website``); docs/iis.md lists them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.certops.acm.plugins.module_utils.iis_binding import Binding, Key

Change = tuple[Binding, str, str]


def refusals(
    changes: Sequence[Change],
    bindings: Sequence[Binding],
    backend: str,
    *,
    ours: frozenset[Key] = frozenset(),
    back: bool = False,
) -> list[str]:
    """Return why changes cannot be made safely, one sentence each, with the remedy.

    Args:
        changes: a binding, and thumbprint and store it is about to get.
        bindings: all of the host.
        backend: ``module`` or ``appcmd``.
        ours: bindings that may have the new certificate already, and go back together with the others.
        back: this is the way back, after which nothing leads further back.
    """
    found: list[str] = []
    changed = {binding.key for binding, _thumbprint, _store in changes}
    existing = {binding.key for binding in bindings}
    for binding, thumbprint, store in changes:
        found += _site(binding)
        found += _shared(binding, thumbprint, changed, bindings)
        # appcmd cannot create a binding, nor give a certificate to one without: the module does it in both cases.
        if backend == "appcmd" and binding.key in existing and binding.thumbprint:
            found += _appcmd(binding, store, changed, bindings)
            found += [] if back else _one_way(thumbprint, changed | ours, bindings)
        else:
            found += _module(binding, bindings)
    return list(dict.fromkeys(found))


def _site(binding: Binding) -> list[str]:
    if binding.state not in ("started", "stopped"):
        return [f"site {binding.site} is {binding.state or 'in no state'}: wait until it is started or stopped"]
    if set(binding.site) & set("*?[]"):
        return [f"site {binding.site}: IIS's own commands take *, ?, [ and ] in a name for patterns: rename the site"]
    if ":" in binding.ip or binding.ip.startswith("["):
        return [f"{binding}: microsoft.iis cannot read IPv6 addresses of bindings: use * or an IPv4 address"]
    if binding.central and not binding.thumbprint:
        return [
            f"{binding} takes its certificate from the Central Certificate Store: use delivery: central, or turn that "
            "off for the binding in IIS"
        ]
    return []


def _shared(binding: Binding, thumbprint: str, changed: set[Key], bindings: Sequence[Binding]) -> list[str]:
    """http.sys holds one certificate for an address and port without SNI, whatever site it belongs to."""
    if binding.sni:
        return []
    others = [
        str(other)
        for other in bindings
        if other.protocol == "https"
        and not other.sni
        and other.endpoint == binding.endpoint
        and other.key not in changed
        and other.key != binding.key
        and other.thumbprint != thumbprint
    ]
    if not others:
        return []
    return [
        f"{binding} shares its certificate with {', '.join(others)}, because they use the same address and port "
        "without SNI: take them in, too, or turn SNI on for them"
    ]


def _module(binding: Binding, bindings: Sequence[Binding]) -> list[str]:
    if binding.more_flags:
        return [
            f"{binding} has sslFlags above 3, which microsoft.iis.website cannot keep: use backend: appcmd, "
            "or clear the flags in IIS"
        ]
    others = [str(other) for other in bindings if other.key != binding.key and other.is_named_by(binding)]
    if not others:
        return []
    return [
        f"microsoft.iis.website cannot tell {binding} from {', '.join(others)} and would rebind all of them: use "
        "backend: appcmd, or give the binding an address of its own"
    ]


def _appcmd(binding: Binding, store: str, changed: set[Key], bindings: Sequence[Binding]) -> list[str]:
    found = []
    others = [str(o) for o in bindings if o.thumbprint == binding.thumbprint and o.key not in changed]
    if others:
        found.append(
            f"appcmd would move every binding of certificate {binding.thumbprint}, also {', '.join(others)}: take "
            "them in, too, or use backend: module"
        )
    if binding.store.lower() != store.lower():
        found.append(
            f"{binding} has its certificate in the store {binding.store}, and appcmd does not say in which store it "
            f"looks for the new one: set store: {binding.store}"
        )
    return found


def _one_way(thumbprint: str, ours: set[Key], bindings: Sequence[Binding]) -> list[str]:
    others = [str(other) for other in bindings if other.thumbprint == thumbprint and other.key not in ours]
    if not others:
        return []
    return [
        f"appcmd could not lead back from certificate {thumbprint}, because {', '.join(others)} use it already: "
        "use backend: module"
    ]
