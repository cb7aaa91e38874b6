# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS clients that hammer a server: some connect anew for each request, some keep their connection."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from faults.judge import NAME

TIMEOUT = 10.0
BODY = b"served\n"


@dataclass(frozen=True)
class Handshake:
    """What one connection was shown, and when it was begun and done (monotonic clock)."""

    fingerprint: str
    begin: float
    end: float


@dataclass
class Tally:
    """What all clients saw.

    Attributes:
        requests: complete answers.
        closed: requests on a connection that was kept and that the server had closed before any byte of the
            answer; they are made again on a new connection, as RFC 9110 (9.2.2) and RFC 9112 (9.3.1) have it.
        failures: everything else that went wrong.
    """

    requests: int = 0
    closed: int = 0
    handshakes: list[Handshake] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class ClosedUnanswered(Exception):
    """The connection ended before the first byte of an answer."""


def _end(connection: ssl.SSLSocket | None) -> ssl.SSLSocket | None:
    """Close a connection, if there is one; what is left: none."""
    if connection is not None:
        connection.close()
    return None


class Client(threading.Thread):
    """Makes requests until it is told to stop; the chain and the name are verified at each handshake."""

    def __init__(self, address: str, roots: Path, *, keep_alive: bool) -> None:
        super().__init__(daemon=True)
        self.tally = Tally()
        self._address = address
        self._keep_alive = keep_alive
        self._context = ssl.create_default_context(cafile=str(roots))
        self._over = threading.Event()

    def stop(self) -> Tally:
        self._over.set()
        self.join(2 * TIMEOUT)
        return self.tally

    def run(self) -> None:
        connection: ssl.SSLSocket | None = None
        while not self._over.is_set():
            reused = connection is not None
            try:
                connection = connection or self._connect()
                more = self._request(connection)
                self.tally.requests += 1
                if not more:
                    connection = _end(connection)
            except ClosedUnanswered as error:
                if reused:
                    self.tally.closed += 1
                else:
                    self.tally.failures.append(f"a new connection was closed: {error}")
                connection = _end(connection)
            except (OSError, ValueError) as error:
                self.tally.failures.append(f"{'kept' if reused else 'new'} connection: {error!r}")
                connection = _end(connection)
            # Room for the server and the renewals: the load is steady, it is no flood.
            time.sleep(0.004)
        _end(connection)

    def _connect(self) -> ssl.SSLSocket:
        begin = time.monotonic()
        plain = socket.create_connection((self._address, 443), timeout=TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = self._context.wrap_socket(plain, server_hostname=NAME)
        leaf = secured.getpeercert(binary_form=True)
        assert leaf is not None
        self.tally.handshakes.append(Handshake(hashlib.sha256(leaf).hexdigest(), begin, time.monotonic()))
        return secured

    def _request(self, connection: ssl.SSLSocket) -> bool:
        """Make one request; return whether the connection can be used again."""
        close = "" if self._keep_alive else "Connection: close\r\n"
        try:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{close}\r\n".encode())
            received = connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            # Our request and the server's end of the connection crossed on the way.
            raise ClosedUnanswered(repr(error)) from error
        if not received:
            raise ClosedUnanswered("end of the connection")
        while not received.endswith(BODY):
            more = connection.recv(65536)
            if not more:
                raise ValueError(f"the answer is cut short: {received!r}")
            received += more
        if not received.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"the answer is {received!r}")
        return b"\r\nconnection: close\r\n" not in received.lower()
