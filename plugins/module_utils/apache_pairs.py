# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Apache's own configuration test leaves out: whether each certificate fits its key.

With one pair that does not match, of whichever site, the test says "Syntax OK", and Apache ends at the next
reload and does not start again.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Iterator

from ansible_collections.certops.acm.plugins.module_utils.regular_file import (
    FILE_LIMIT,
    PEM_LIMIT,
    Unreadable,
    in_memory,
    read_regular,
)

PROGRAMS = ("apachectl", "apache2ctl", "apache2", "httpd")
_INCLUDED = re.compile(r"\((?:\*|\d+)\)\s+(/.*)")
_DIRECTIVE = re.compile(r"^\s*(SSLCertificateFile|SSLCertificateKeyFile)\s+(\"[^\"]+\"|\S+)", re.IGNORECASE)
_SECTION = re.compile(r"^\s*<(/?)VirtualHost\b", re.IGNORECASE)


class _NeedsPassword(Exception):
    """The key is encrypted: only Apache's own dialog can open it."""


def is_apache(argv: tuple[str, ...]) -> bool:
    """Tell whether a configuration test is one of Apache's."""
    return bool(argv) and os.path.basename(argv[0]) in PROGRAMS


def list_command(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that lists the files an Apache reads, for the program of its configuration test."""
    return (argv[0], "-t", "-D", "DUMP_INCLUDES")


def mismatched(listing: str) -> str | None:
    """Return what is wrong with the first pair that does not load; None if all do.

    Args:
        listing: output of ``list_command``.
    """
    for path in _included(listing):
        try:
            text = read_regular(path, FILE_LIMIT, follow=True).data.decode("utf-8", "replace")
        except OSError:
            continue  # the configuration test has read it a moment ago; what is gone is none of our business
        except Unreadable as error:
            return str(error)
        for certificate, key in _pairs(text.splitlines()):
            problem = _problem(certificate, key)
            if problem is not None:
                return f"{path}: {problem}; Apache would end at the next reload"
    return None


def _included(listing: str) -> Iterator[str]:
    for line in listing.splitlines():
        found = _INCLUDED.match(line.strip())
        if found is not None:
            yield found.group(1)


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield certificate and key as Apache puts them together: in their order, within one virtual host."""
    certificates: list[str] = []
    keys: list[str] = []
    for line in [*lines, "</VirtualHost>"]:
        if _SECTION.match(line):
            for number, certificate in enumerate(certificates):
                yield certificate, keys[number] if number < len(keys) else certificate
            certificates, keys = [], []
        directive = _DIRECTIVE.match(line)
        if directive is not None:
            path = directive.group(2).strip('"')
            (certificates if directive.group(1).lower() == "sslcertificatefile" else keys).append(path)


def _problem(certificate: str, key: str) -> str | None:
    if not all(os.path.exists(path) and os.path.isabs(path) for path in (certificate, key)):
        return None  # a variable, a path below ServerRoot or a token: not for us to resolve

    def no_password() -> str:
        raise _NeedsPassword

    try:
        contents = [read_regular(path, PEM_LIMIT, follow=True).data for path in (certificate, key)]
        with in_memory(contents[0], certificate) as certificate_path, in_memory(contents[1], key) as key_path:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate_path, key_path, no_password)
    except _NeedsPassword:
        return None
    except Unreadable as error:
        return str(error)
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror
        mixed = reason in ("KEY_VALUES_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
        return f"{key} is not the key of {certificate}" if mixed else f"{certificate} with {key}: {reason}"
    return None
