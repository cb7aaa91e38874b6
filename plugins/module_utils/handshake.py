# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who speaks TLS behind an address: the proof that a certificate is served."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

CONNECT_TIMEOUT = 3.0
IN_A_ROW = 3
_CIPHERS = {"RSA": "aRSA", "EC": "aECDSA"}
_KEY_OIDS = {"RSA": bytes.fromhex("06092a864886f70d010101"), "EC": bytes.fromhex("06072a8648ce3d0201")}


@dataclass(frozen=True)
class Listener:
    """An address and port where a server speaks TLS.

    Attributes:
        server_name: what to ask it for (SNI).
        starttls: ``smtp``, ``imap`` or ``pop3`` when the connection turns to TLS only after a command of that protocol.
        key_type: ``RSA`` or ``EC``, to see that one of two certificates served side by side for one name.
    """

    address: str
    port: int
    server_name: str | None = None
    starttls: str | None = None
    key_type: str | None = None

    def __str__(self) -> str:
        place = f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
        details = ", ".join(detail for detail in (self.server_name, self.starttls) if detail)
        return f"{place} ({details})" if details else place

    def for_certificate(self, info: Mapping[str, Any]) -> Listener:
        """Return the listener with what it leaves open taken from what a leaf says."""
        key_type = str(info.get("key_algorithm") or "").partition("_")[0]
        return replace(
            self,
            server_name=self.server_name or name_to_ask(info.get("names") or []),
            key_type=key_type if key_type in _CIPHERS else None,
        )


def name_to_ask(names: Sequence[str]) -> str | None:
    """Return the first name that is no wildcard, or else one that the first wildcard covers."""
    plain = [name for name in names if not name.startswith("*.")]
    return next(iter([*plain, *(name.replace("*", "www", 1) for name in names)]), None)


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
            "starttls": self.listener.starttls,
            "fingerprint": self.fingerprint,
            "error": self.error,
        }


Look = Callable[[Listener], Seen]


def look(listener: Listener, timeout: float = CONNECT_TIMEOUT) -> Seen:
    """Shake hands and return the fingerprint of the served leaf; never raises.

    With a ``key_type``, what a client gets that can use no other certificate; if there is none, what any gets.
    """
    try:
        leaf = _leaf_of_kind(listener, timeout) if listener.key_type else _leaf(listener, timeout, _context(listener))
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


@dataclass(frozen=True)
class Expected:
    """What a listener should show.

    Attributes:
        fingerprint: of the leaf; None for whatever it is.
        label: what messages call it, before its address.
    """

    listener: Listener
    fingerprint: str | None = None
    label: str = ""


@dataclass(frozen=True)
class Proof:
    """What was seen where something was expected; ``problem`` says in a sentence why it is not that."""

    seen: Seen
    problem: str | None


def prove(expected: Sequence[Expected], timeout: float, connect_timeout: float = CONNECT_TIMEOUT) -> list[Proof]:
    """Look at each listener until it shows what it should.

    Args:
        timeout: seconds for all together.
        connect_timeout: seconds for a single look.
    """
    deadline = time.monotonic() + timeout
    look_at = partial(look, timeout=connect_timeout)
    proofs = []
    for one in expected:
        if one.fingerprint is None:
            seen = look_at(one.listener)
            missed = seen.fingerprint is None
        else:
            seen = await_fingerprint(one.listener, one.fingerprint, deadline, look_at=look_at)
            missed = seen.fingerprint != one.fingerprint
        proofs.append(Proof(seen, _problem(one, seen) if missed else None))
    return proofs


def _problem(expected: Expected, seen: Seen) -> str:
    where = f"{expected.label}: " if expected.label else ""
    where += f"the handshake with {expected.listener}"
    if seen.fingerprint is None:
        return f"{where} failed: {seen.error}"
    return f"{where} shows {seen.fingerprint[:16]} instead of {(expected.fingerprint or '')[:16]}"


def _leaf_of_kind(listener: Listener, timeout: float) -> bytes | None:
    kind = str(listener.key_type)
    context = _context(listener)
    # With TLS 1.3 Python cannot choose; with 1.2 the cipher says which kind of certificate signs.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(f"{_CIPHERS[kind]}:@SECLEVEL=0")
        return _leaf(listener, timeout, context)
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        pass
    # No TLS 1.2, or an old worker that has only the other kind: which one, a single look would not tell.
    shown = [_leaf(listener, timeout, _context(listener)) for _unused in range(IN_A_ROW)]
    return next((leaf for leaf in shown if leaf and _KEY_OIDS[kind] not in leaf), shown[0])


def _leaf(listener: Listener, timeout: float, context: ssl.SSLContext) -> bytes | None:
    if listener.starttls is not None:
        # Only then: these libraries take as long to import as the rest of the module.
        from ansible_collections.certops.acm.plugins.module_utils.starttls import secured_leaf

        return secured_leaf(listener.starttls, (listener.address, listener.port), timeout, context)
    connection = socket.create_connection((listener.address, listener.port), timeout=timeout)
    with connection, context.wrap_socket(connection) as secured:
        return secured.getpeercert(binary_form=True)


class _Context(ssl.SSLContext):
    """Asks for a name of its own: the mail libraries would ask for the address they connect to."""

    asked_for: str | None = None

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **{**kwargs, "server_hostname": self.asked_for})


def _context(listener: Listener) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.asked_for = listener.server_name or None
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
            f"connection refused at {listener}: is the server running, and does it listen there "
            f"(nginx: a server block with `listen {listener.port} ssl`)?"
        )
    if isinstance(error, socket.timeout):
        return f"no answer from {listener} within {timeout:g} s: is the address right, and no firewall in between?"
    if isinstance(error, socket.gaierror):
        return f"the address {listener.address} cannot be resolved on this host: use an IP address"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"):
        return f"the listener at {listener} does not speak TLS: turn it on there (nginx: `ssl` in its `listen` line)"
    if "UNRECOGNIZED_NAME" in reason:
        return f"the listener at {listener} knows no server of that name: correct server_name of the listener"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)) or "EOF" in reason:
        return f"the listener at {listener} closed the connection during the handshake: see the server's error log"
    if listener.starttls and not isinstance(error, ssl.SSLError):
        return f"{listener} does not offer STARTTLS: is {listener.starttls} spoken there, and TLS turned on? ({error})"
    return f"no TLS handshake with {listener}: {reason or error}"
