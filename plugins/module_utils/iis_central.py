# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Central Certificate Store of IIS: files by host name, and the bindings that read them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.bundle import covers
from ansible_collections.certops.acm.plugins.module_utils.iis_binding import read_sites
from ansible_collections.certops.acm.plugins.module_utils.iis_decision import Wish
from ansible_collections.certops.acm.plugins.module_utils.iis_record import Record


def decide_central(
    sites: Iterable[Mapping[str, Any]], record: str, wish: Wish, *, place: str, password_given: bool
) -> dict[str, Any]:
    """Return what is to be done with the files, and the handshakes that prove it.

    Args:
        record: what the host remembers: the certificate that was written last, and the one before.
        place: the directory.
    """
    known = Record.from_text(record)
    names = list(wish.bundle.get("names") or []) or list(known.names if known else ())
    target, problems = _target(known, wish)
    problems += [] if place else ["central_path is missing: name the directory of the Central Certificate Store"]
    problems += (
        [] if password_given else ["certificate_pkcs12_password is missing: give what IIS was given for its files"]
    )
    bindings = [
        binding
        for binding in read_sites(sites)
        if binding.central and not binding.thumbprint and any(covers(name, binding.hostname) for name in names)
    ]
    shakes = [
        {
            "address": wish.address if binding.ip == "*" else binding.ip,
            "port": binding.port,
            "server_name": binding.hostname.replace("*", "any"),
            "fingerprint": target.get("fingerprint") or "",
            "label": str(binding),
        }
        for binding in bindings
        if binding.state == "started"
    ]
    changed = not problems and (known is None or known.fingerprint != target.get("fingerprint"))
    return {
        "problems": problems,
        "changed": changed,
        "writes": changed,
        "names": names,
        "handshakes": shakes if target.get("fingerprint") else [],
        "record": _next(known, target, names).to_text(),
        "certificate": target,
        "previous_fingerprint": known.fingerprint or None if known else None,
    }


def _target(known: Record | None, wish: Wish) -> tuple[dict[str, Any], list[str]]:
    if wish.state == "absent":
        return {}, ["absent does not reach the Central Certificate Store: remove its files yourself"]
    if wish.state == "present":
        return {name: wish.bundle.get(name) for name in ("fingerprint", "serial", "not_after")}, []
    if known is None:
        return {}, ["this host has no record of the certificate, so nothing is known to go back to"]
    if known.returned:
        return {name: getattr(known, name) for name in ("fingerprint", "serial", "not_after")}, []
    if not known.before:
        return {}, ["the Central Certificate Store had no certificate before this one: there is nothing to go back to"]
    return dict(known.before), []


def _next(known: Record | None, target: Mapping[str, Any], names: Iterable[str]) -> Record:
    given: dict[str, Any] = {name: str(target.get(name) or "") for name in ("fingerprint", "serial", "not_after")}
    if known and known.fingerprint == given["fingerprint"]:
        return known
    before = {name: getattr(known, name) for name in given} if known and known.fingerprint else {}
    returned = bool(known and known.before and dict(known.before).get("fingerprint") == given["fingerprint"])
    return Record(**given, names=tuple(names), before={} if returned else before, returned=returned)
