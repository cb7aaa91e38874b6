# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who speaks TLS behind an address: the proof that a certificate is served."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CONNECT_TIMEOUT = 3.0
IN_A_ROW = 3


@dataclass(frozen=True)
class Listener:
    """An address and port where a server speaks TLS, and the name to ask it for (SNI)."""

    address: str
    port: int
    server_name: str | None = None

    def __str__(self) -> str:
        place = f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
        return f"{place} ({self.server_name})" if self.server_name else place


@dataclass(frozen=True)
class Seen:
    """What a listener showed: a fingerprint, or the reason why there is none."""

    listener: Listener
    fingerprint: str | None
    error: str | None = None

    def to_result(self) -> dict[str, Any]:
        return {
            "address": self.listener.address,
            "port": self.listener.port,
            "server_name": self.listener.server_name,
            "fingerprint": self.fingerprint,
            "error": self.error,
        }


Look = Callable[[Listener], Seen]


def look(listener: Listener, timeout: float = CONNECT_TIMEOUT) -> Seen:
    """Shake hands once and return the fingerprint of the served leaf; never raises."""
    try:
        context, name = _context(), listener.server_name or None
        connection = socket.create_connection((listener.address, listener.port), timeout=timeout)
        with connection, context.wrap_socket(connection, server_hostname=name) as secured:
            leaf = secured.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:  # ssl.SSLError and socket.timeout are OSErrors
        return Seen(listener, None, _explain(listener, error, timeout))
    if not leaf:
        return Seen(listener, None, f"the listener at {listener} showed no certificate")
    return Seen(listener, hashlib.sha256(leaf).hexdigest())


def await_fingerprint(
    listener: Listener,
    fingerprint: str,
    deadline: float,
    *,
    look_at: Look = look,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Look until ``fingerprint`` was seen three times in a row, because old workers linger after a reload.

    Args:
        listener: where to look.
        fingerprint: what should be served.
        deadline: a time of ``clock``; at least one look is made.

    Returns:
        What was seen last; its ``fingerprint`` is the wanted one only if it was seen often enough.
    """
    row, pause = 0, 0.05
    while True:
        seen = look_at(listener)
        row = row + 1 if seen.fingerprint == fingerprint else 0
        if row == IN_A_ROW:
            return seen
        if row == 0 and clock() >= deadline:
            return seen
        # Several workers may answer: ask again at once after a hit, ever more slowly after a miss.
        sleep(0.02 if row else pause)
        pause = 0.05 if row else min(pause * 1.5, 0.5)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # What is served is compared with what was installed; trust is the business of the clients.
    context.verify_mode = ssl.CERT_NONE
    try:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # a weak old certificate must be visible, too
    except ssl.SSLError:
        context.set_ciphers("DEFAULT")
    return context


def _explain(listener: Listener, error: Exception, timeout: float) -> str:
    reason = getattr(error, "reason", None) or ""
    if isinstance(error, ConnectionRefusedError):
        return (
            f"connection refused at {listener}: is a `listen {listener.port} ssl` server block there, "
            "and is the server running?"
        )
    if isinstance(error, socket.timeout):
        return f"no answer from {listener} within {timeout:g} s: is the address right, and no firewall in between?"
    if isinstance(error, socket.gaierror):
        return f"the address {listener.address} cannot be resolved on this host: use an IP address"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"):
        return f"the listener at {listener} does not speak TLS: is `ssl` missing from its `listen` line?"
    if "UNRECOGNIZED_NAME" in reason:
        return f"the listener at {listener} knows no server of that name: correct server_name of the listener"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)) or "EOF" in reason:
        return f"the listener at {listener} closed the connection during the handshake: see the server's error log"
    return f"no TLS handshake with {listener}: {reason or error}"
