# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of a target may hold, as data: they come from the table, and end in commands and configuration.

The argument specifications of the roles say type and choices. What is text or a number besides has a rule here, so
that it can only be what it is called: a name, a path, a port.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.item_fields import Rule
from ansible_collections.certops.acm.plugins.module_utils.text import shown

# How many entries a list may have: each costs time on a host.
MOST = {
    "listeners": 20,
    "links": 50,
    "config_files": 20,
    "server_names": 200,
    "formats": 2,
    "config_test": 50,
    "reload_command": 50,
    "bindings": 200,
    "replaces": 100,
    "key_readers": 50,
}
ONE_COMMAND = 4096
CONTENT = 64 * 1024

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*\.?"
HOST_NAME = Rule(re.compile(rf"(?=.{{1,254}}\Z){_DOMAIN}"), "a host name")
DNS_NAME = Rule(re.compile(rf"(?=.{{1,254}}\Z)(?:\*\.)?{_DOMAIN}"), "a DNS name, such as shop.example.com")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
# Neither spaces nor signs that mean something to a shell, to systemd or in a server's configuration. Normalized.
_PART = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._@+=:~-]+"
PATH = Rule(
    re.compile(rf"(?=.{{2,512}}\Z)(?:/{_PART})+"),
    "a normalized absolute path of letters, digits and . _ - @ + = : ~, such as /etc/ssl/acm",
)
UNIT = Rule(re.compile(r"[A-Za-z0-9_:.][A-Za-z0-9_:.@-]{0,254}"), "the name of a systemd unit, such as nginx")
ACCOUNT_NAME = Rule(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}"), "the name of a user or group")
# What others may do with a key is nobody's choice.
KEY_MODE = Rule(re.compile(r"0?[46][046]0"), "the mode of a key, such as '0600' or '0640'")
FILE_MODE = Rule(re.compile(r"0?[0-7][0-5][0-5]"), "the mode of a file, such as '0644'")
TEMPLATE = Rule(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"), "the plain name of a file, such as shop.conf.j2")
WINDOWS_NAME = Rule(
    re.compile(r"\.?[\w(][\w .()-]{0,126}"), "a name of letters, digits, spaces, '.', '_', '-' and brackets"
)
THUMBPRINT = Rule(re.compile(r"[0-9A-Fa-f]{40}"), "the 40 hexadecimal digits of a thumbprint")
WINDOWS_PATH = Rule(
    re.compile(r"(?:[A-Za-z]:|\\\\[\w.-]{1,64}\\[\w.$-]{1,80})(?:\\(?!\.{1,2}(?:\\|\Z))[\w.()-][\w .()-]{0,80})+|"),
    r"a path of Windows, such as C:\Certificates or \\server\share\certificates",
)


@dataclass(frozen=True)
class Range:
    """What a number may be."""

    least: int
    most: int

    def check(self, name: str, value: Any) -> None:
        """Check a value.

        Raises:
            PlanError: it is no number, or another one.
        """
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise PlanError(f"{name} must be a number from {self.least} to {self.most}")


@dataclass(frozen=True)
class Text:
    """Text that stays what it is: it is given to a command as one argument, or written to a file."""

    length: int

    def check(self, name: str, value: Any) -> None:
        """Check a value.

        Raises:
            PlanError: it is no text, too long, or holds a null character.
        """
        if not isinstance(value, str) or len(value) > self.length or "\0" in value:
            raise PlanError(f"{name} must be text of at most {self.length} characters")


@dataclass(frozen=True)
class Address:
    """An IP address or a name; some options take a sign for all addresses."""

    everything: str = ""
    names: bool = True

    def check(self, name: str, value: Any) -> None:
        """Check a value.

        Raises:
            PlanError: it is neither.
        """
        if isinstance(value, str) and self._fits(value):
            return
        raise PlanError(f"{name} '{shown(value)}' must be an IP address{' or a host name' if self.names else ''}")

    def _fits(self, text: str) -> bool:
        if self.everything and text == self.everything:
            return True
        if _ADDRESS.fullmatch(text):
            try:
                ipaddress.ip_address(text)
            except ValueError:
                pass
            else:
                return True
        return self.names and HOST_NAME.pattern.fullmatch(text) is not None


# By name of the option, or of a part of the dictionaries in its list. Lists have the rule of their entries.
RULES: Mapping[str, Rule | Range | Text | Address] = {
    "site_template": TEMPLATE,
    "site_path": PATH,
    "root": PATH,
    "links.path": PATH,
    "config_files.path": PATH,
    "config_files.content": Text(CONTENT),
    "config_files.mode": FILE_MODE,
    "config_test": Text(ONE_COMMAND),
    "reload_command": Text(ONE_COMMAND),
    "unit": UNIT,
    "owner": ACCOUNT_NAME,
    "group": ACCOUNT_NAME,
    "key_mode": KEY_MODE,
    "server_names": DNS_NAME,
    "listeners.address": Address(),
    "listeners.port": Range(1, 65535),
    "listeners.server_name": HOST_NAME,
    "handshake_timeout": Range(1, 900),
    "reconnect_timeout": Range(0, 900),
    "keep_versions": Range(1, 100),
    "address": Address(),
    "bindings.site": WINDOWS_NAME,
    "bindings.ip": Address(everything="*", names=False),
    "bindings.port": Range(1, 65535),
    "bindings.hostname": Rule(re.compile(f"(?:{DNS_NAME.pattern.pattern})?"), DNS_NAME.says),
    "replaces": THUMBPRINT,
    "central_path": WINDOWS_PATH,
    "key_readers": WINDOWS_NAME,
}


def check_values(options: Mapping[str, Any]) -> None:
    """Check options whose types and choices were checked before.

    Raises:
        PlanError: a value is not what its option is called.
    """
    for name, value in options.items():
        if isinstance(value, (list, tuple)):
            if len(value) > MOST[name]:
                raise PlanError(f"{name} must not have more than {MOST[name]} entries")
            for entry in value:
                _check_entry(name, entry)
        elif name in RULES and not (value == "" and name in EMPTY):
            RULES[name].check(name, value)


# Options whose empty text means that there is none.
EMPTY = ("site_path", "unit", "central_path")


def _check_entry(name: str, entry: Any) -> None:
    if not isinstance(entry, Mapping):
        if name in RULES:
            RULES[name].check(name, entry)
        return
    for part, value in entry.items():
        if value is not None and f"{name}.{part}" in RULES:
            RULES[f"{name}.{part}"].check(f"{name}.{part}", value)
