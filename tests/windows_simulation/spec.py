# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a module's own specification of its options from its PowerShell source, and checks arguments against it.

Only literals are read: hash tables, arrays, strings, numbers, booleans, and variables that hold such literals. What
is anything else is an error, so that a new way of writing a specification is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from windows_simulation.errors import ModuleFailed, NotModelled

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*|<\#.*?\#>|`\r?\n)|(?P<line>[\n;]+)|(?P<open>@\{|@\()|(?P<close>[)}])|(?P<comma>,)
    |(?P<equals>=)|(?P<string>"[^"$`]*"|'[^']*')|(?P<number>\d+)|(?P<variable>\$\w+)|(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {"$true": True, "$false": False, "$null": None}
# What a module computes and this cannot.
_COMPUTED = {"$store_location_values": ["CurrentUser", "LocalMachine"]}
_LEGACY = re.compile(r"Get-AnsibleParam\s+(?:-obj\s+)?\$params\s+(?:-name\s+)?\"(?P<name>\w+)\"(?P<rest>[^\n]*)")


class _Reader:
    def __init__(self, text: str, position: int, known: Mapping[str, Any]) -> None:
        self._text, self._position, self._known = text, position, known

    def _peek(self, *, lines: bool = True) -> tuple[str, str, int]:
        at = self._position
        while True:
            match = _TOKEN.match(self._text, at)
            if not match:
                raise NotModelled(f"a specification with {self._text[at : at + 40]!r}")
            kind = str(match.lastgroup)
            if kind != "skip" and not (lines and kind == "line"):
                return kind, match[0], match.end()
            at = match.end()

    def _take(self, *kinds: str, lines: bool = True) -> str:
        kind, text, end = self._peek(lines=lines)
        if kinds and kind not in kinds:
            raise NotModelled(f"a specification with {text!r} where {' or '.join(kinds)} is expected")
        self._position = end
        return text

    def value(self) -> Any:
        """Read one value, or several with commas between them."""
        if self._peek()[0] == "comma":
            self._take("comma")
            return [self._one()]
        values = [self._one()]
        while self._peek(lines=False)[0] == "comma":
            self._take("comma")
            values.append(self._one())
        return values if len(values) > 1 else values[0]

    def _one(self) -> Any:
        kind, text, _end = self._peek()
        if text == "@{":
            return self._table()
        if text == "@(":
            return self._array()
        self._take("string", "number", "variable")
        if kind == "string":
            return text[1:-1]
        if kind == "number":
            return int(text)
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if text not in self._known:
            raise NotModelled(f"a specification with the variable {text}")
        return self._known[text]

    def _table(self) -> dict[str, Any]:
        self._take("open")
        found = {}
        while self._peek()[0] != "close":
            name = self._take("name", "string").strip("'\"")
            self._take("equals")
            found[name] = self.value()
        self._take("close")
        return found

    def _array(self) -> list[Any]:
        self._take("open")
        found: list[Any] = []
        while self._peek()[0] != "close":
            # Each statement of @( ) hands on the elements of what it is, one level deep.
            read = self.value()
            found += read if isinstance(read, list) else [read]
        self._take("close")
        return found


def read_spec(source: str) -> dict[str, Any]:
    """Return ``$spec`` of a module that uses Ansible.Basic, or what Parse-Args of a legacy module knows."""
    if re.search(r"^\$spec = @\{", source, re.MULTILINE):
        known: dict[str, Any] = dict(_COMPUTED)
        for match in re.finditer(r"^(\$\w+) = (?=@\{)", source, re.MULTILINE):
            name = match[1]
            if name == "$spec" or f"= {name}\n" in source or f"= {name} " in source:
                known[name] = _Reader(source, match.end(), known).value()
        return dict(known["$spec"])
    if "Parse-Args" in source:
        return {"options": _legacy(source), "supports_check_mode": "-supports_check_mode $true" in source}
    raise NotModelled("a module without a specification")


def _legacy(source: str) -> dict[str, Any]:
    options = {}
    for match in _LEGACY.finditer(source):
        if match["name"].startswith("_"):
            continue
        rest = match["rest"]
        choices = re.search(r"-validateset\s+((?:\"\w+\",?\s*)+)", rest)
        kind = re.search(r"-type\s+\"(\w+)\"", rest)
        aliases = re.search(r"-aliases\s+((?:\"\w+\",?\s*)+)", rest)
        options[match["name"]] = {
            "type": kind[1] if kind else "str",
            "required": "-failifempty $true" in rest,
            **({"choices": re.findall(r"\w+", choices[1])} if choices else {}),
            **({"aliases": re.findall(r"\w+", aliases[1])} if aliases else {}),
        }
    return options


def check(spec: Mapping[str, Any], arguments: Mapping[str, Any], module: str) -> dict[str, Any]:
    """Return the arguments as the module sees them: defaults in place, types converted.

    Raises:
        ModuleFailed: they are not what the specification allows. Legacy modules ignore options they do not know;
            here they are refused as well.
    """
    options = spec.get("options", {})
    values = _values(options, arguments, module, "")
    _together(spec, values, "")
    return values


def secret_values(spec: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Return the values that the module must not repeat."""
    options = spec.get("options", {})
    return [str(values[name]) for name, option in options.items() if option.get("no_log") and values.get(name)]


def _values(options: Mapping[str, Any], given: Mapping[str, Any], module: str, where: str) -> dict[str, Any]:
    names = {}
    for name, option in options.items():
        aliases = option.get("aliases", [])
        names.update({alias: name for alias in [name, *([aliases] if isinstance(aliases, str) else aliases)]})
    unknown = sorted(set(given) - set(names))
    if unknown:
        known = ", ".join(sorted(options))
        raise ModuleFailed(
            f"Unsupported parameters for ({module}) module: {', '.join(unknown)}{where}. Supported parameters: {known}"
        )
    values = {names[name]: value for name, value in given.items()}
    return {name: _value(name, option, values.get(name), (module, where)) for name, option in options.items()}


def _value(name: str, option: Mapping[str, Any], value: Any, place: tuple[str, str]) -> Any:
    value = option.get("default") if value is None else value
    if value is None:
        if option.get("required"):
            raise ModuleFailed(f"missing required arguments: {name}{place[1]}")
        return None
    value = _convert(name, option.get("type", "str"), value, place)
    choices = option.get("choices")
    if choices and str(value).lower() not in [str(choice).lower() for choice in choices]:
        raise ModuleFailed(f"value of {name} must be one of: {', '.join(choices)}. Got no match for: {value}{place[1]}")
    if option.get("type") == "list":
        wanted = option.get("elements", "str")
        value = [_element(name, option, wanted, one, place) for one in value]
    elif option.get("options"):
        value = _suboptions(name, option, value, place)
    return value


def _element(name: str, option: Mapping[str, Any], wanted: str, value: Any, place: tuple[str, str]) -> Any:
    value = _convert(name, wanted, value, place)
    return _suboptions(name, option, value, place) if option.get("options") else value


def _suboptions(name: str, option: Mapping[str, Any], value: Any, place: tuple[str, str]) -> dict[str, Any]:
    where = f" found in {name}"
    values = _values(option["options"], value, place[0], where)
    _together(option, values, where)
    return values


def _convert(name: str, wanted: str, value: Any, place: tuple[str, str]) -> Any:
    try:
        if wanted == "bool":
            if isinstance(value, bool):
                return value
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[str(value).lower()]
        if wanted == "int":
            return int(value)
        if wanted == "list":
            return value if isinstance(value, list) else str(value).split(",")
        if wanted == "dict":
            return dict(value)
    except (KeyError, ValueError, TypeError):
        raise ModuleFailed(f"argument for {name} is of type {type(value)} and not {wanted}{place[1]}") from None
    return value if wanted == "raw" else str(value)


def _together(spec: Mapping[str, Any], values: Mapping[str, Any], where: str) -> None:
    for names in spec.get("mutually_exclusive", []):
        if sum(values.get(name) not in (None, []) for name in names) > 1:
            raise ModuleFailed(f"parameters are mutually exclusive: {', '.join(names)}{where}")
    for names in spec.get("required_one_of", []):
        if all(values.get(name) is None for name in names):
            raise ModuleFailed(f"one of the following is required: {', '.join(names)}{where}")
    for name, wanted, required, *one in spec.get("required_if", []):
        missing = [other for other in required if values.get(other) is None]
        if values.get(name) == wanted and missing and not (one and one[0] and len(missing) < len(required)):
            raise ModuleFailed(f"{name} is {wanted} but all of the following are missing: {', '.join(missing)}{where}")
