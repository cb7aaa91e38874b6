# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables as they were written: ansible-core before 2.19 evaluates a template in whatever text it hands over.

An event is an extra variable, tags and names are host variables: strangers write both.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.certops.acm.plugins.module_utils.waves import HOST_VARIABLES, Host

# What AWX makes of a text in the host inventories that it stores.
_MARKED_UNSAFE = "__ansible_unsafe"


class NotPlainError(Exception):
    """A value that is no text, number, list or dictionary, such as one that Ansible Vault encrypted."""


def plain(value: Any) -> Any:
    """Return a copy that holds Python's own types only, so that no mark of Ansible's goes on with it.

    Raises:
        NotPlainError: there is something else in it.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        if set(value) == {_MARKED_UNSAFE}:
            return plain(value[_MARKED_UNSAFE])
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, datetime.date):
        # What AWX marked as unsafe is read as YAML since ansible-core 2.19, and so is the time of an event.
        return value.isoformat()
    raise NotPlainError(type(value).__name__)


def untrusted(value: Any) -> Any:
    """Return what a filter or lookup hands to templates, marked so that none of its text is ever taken for one."""
    # A plain copy: ansible-core from 2.19 cannot copy its own lazy lists so, and needs no mark.
    return wrap_var(plain(value))


def read_hosts(hostvars: Mapping[str, Mapping[str, Any]]) -> list[Host]:
    """Return the hosts of the host inventory, read from ``hostvars`` without evaluating anything."""
    return [Host.from_variables(plain(name), _chosen(_raw(hostvars, name))) for name in hostvars]


def raw_variable(hostvars: Mapping[str, Mapping[str, Any]], host: str, name: str) -> Any:
    """Return a variable of a host without evaluating anything; None if it is not set.

    Raises:
        NotPlainError: it holds something that is no plain value.
    """
    return plain(_raw(hostvars, host).get(name))


def _raw(hostvars: Mapping[str, Mapping[str, Any]], host: str) -> Mapping[str, Any]:
    read: Callable[[str], Mapping[str, Any]] = getattr(hostvars, "raw_get", hostvars.__getitem__)
    return read(host)


def _chosen(variables: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {}
    for name in HOST_VARIABLES:
        try:
            chosen[name] = plain(variables.get(name))
        except NotPlainError:
            chosen[name] = None
    return chosen
