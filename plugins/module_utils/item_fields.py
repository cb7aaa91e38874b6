# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fields of an item of the table may hold. Whoever writes the table is not trusted: nothing is guessed.

No boto3, no Ansible.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn, parse_iso
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError, PlanError
from ansible_collections.certops.acm.plugins.module_utils.text import has_template_marks, shown

# Seconds since 1970 of the last moment that Python and ISO 8601 can name.
LAST_SECOND = 253_402_300_799
JSON_DEPTH = 8
JSON_LENGTH = 128 * 1024

# Neither control characters nor what ends a line; tags and names may hold any other sign of any language.
_PRINTABLE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Rule:
    """What a text has to look like, in code and in words."""

    pattern: re.Pattern[str]
    says: str

    def check(self, name: str, value: Any) -> None:
        """Check a value.

        Raises:
            PlanError: it is no text, or another one.
        """
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise PlanError(f"{name} {_quoted(value)} must be {self.says}")


def printable(length: int) -> Rule:
    """Return the rule for a text that people read."""
    return Rule(re.compile(f"{_PRINTABLE}{{1,{length}}}"), f"1 to {length} characters without control characters")


NAME = Rule(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    "1 to 64 letters, digits, '.', '_' and '-', and begin with a letter or digit",
)
ACCOUNT = Rule(re.compile(r"[0-9]{12}"), "the 12 digits of an AWS account")
SERVICE = Rule(re.compile(r"[a-z][a-z0-9_]{0,63}"), "the name of a service, such as nginx")
HEXADECIMAL = Rule(re.compile(r"[0-9a-f]{1,64}"), "1 to 64 hexadecimal digits, lowercase")
TAG_KEY = printable(128)
TAG_VALUE = printable(256)
# The tag Name of an instance may have 256 characters; its id follows.
HOST = printable(512)
SHORT = printable(256)
_TIME = Rule(
    re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?"),
    "a time such as 2026-10-02T08:15:42Z",
)


def check_plain(name: str, value: Any, rule: Rule) -> None:
    """Check a text that people read and that no template engine may take for one of its own.

    Raises:
        PlanError: it is another one, or holds template marks.
    """
    rule.check(name, value)
    if has_template_marks(value):
        raise PlanError(f"{name} {_quoted(value)} must not hold template marks, such as two braces")


def check_arn(name: str, value: Any) -> None:
    """Check the ARN of a certificate, as ACM writes it: nothing around it.

    Raises:
        CertificateError: it is no text, or no such ARN.
    """
    text = value if isinstance(value, str) else ascii(value)
    if len(text) > 256 or str(CertificateArn.parse(text)) != text:
        raise CertificateError(f"{name} {_quoted(value)} must be the ARN of a certificate and nothing else")


def check_time(name: str, value: Any) -> None:
    """Check a time.

    Raises:
        PlanError: it is no text, or no time in ISO 8601.
    """
    _TIME.check(name, value)
    try:
        year = parse_iso(value).year
    except ValueError:
        year = 0
    # In the first and the last year a time of another zone may have none in UTC.
    if not 1970 <= year < 9999:
        raise PlanError(f"{name} {_quoted(value)} must be {_TIME.says}")


def check_seconds(name: str, value: Any) -> None:
    """Check a moment in seconds since 1970.

    Raises:
        PlanError: it is no whole number, or no moment.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST_SECOND:
        raise PlanError(f"{name} {_quoted(value)} must be seconds since 1970, a whole number")


def check_json(name: str, value: Any) -> None:
    """Check that a value is JSON of a bounded size: text, numbers, booleans, null, lists, and dictionaries of text.

    Raises:
        PlanError: it is something else.
    """
    _check_json(name, value, 1)
    if len(json.dumps(value, default=str)) > JSON_LENGTH:
        raise PlanError(f"{name} must not be longer than {JSON_LENGTH >> 10} KiB")


def _check_json(name: str, value: Any, depth: int) -> None:
    if value is None or isinstance(value, (str, bool)) or _is_number(value):
        return
    if depth > JSON_DEPTH:
        raise PlanError(f"{name} must not be nested deeper than {JSON_DEPTH} levels")
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if not isinstance(key, str):
                raise PlanError(f"{name} has the key {_quoted(key)}, which must be text")
            _check_json(name, entry, depth + 1)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            _check_json(name, entry, depth + 1)
    else:
        raise PlanError(
            f"{name} holds {_quoted(type(value).__name__)}: it must be text, numbers, lists and dictionaries"
        )


def _is_number(value: Any) -> bool:
    """Tell whether DynamoDB can hold it; Python refuses to write a number of some thousand digits."""
    return (isinstance(value, int) and abs(value) < 10**126) or (isinstance(value, float) and math.isfinite(value))


def require(item: Mapping[str, Any], names: Collection[str]) -> None:
    """Check that fields are there.

    Raises:
        PlanError: some are not.
    """
    missing = [name for name in names if item.get(name) is None]
    if missing:
        raise PlanError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")


def readable(text: str, length: int) -> str:
    """Return text for people: at most ``length`` characters, none of which moves a terminal's cursor."""
    return _UNPRINTABLE.sub("?", text[:length])


def shown_key(text: str, length: int) -> str:
    """Return a sort key, or a sentence that holds one, for a message: ``shown`` in each of its parts."""
    return "#".join(shown(part, length) for part in text[:length].split("#"))


def _quoted(value: Any) -> str:
    return f"'{shown(value)}'"
