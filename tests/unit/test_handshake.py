# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handshakes: what is served is seen, and what is not is explained."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from unit.certificates import KINDS, authority
from unit.host import Host

from ansible_collections.certops.acm.plugins.module_utils.handshake import (
    Expected,
    Listener,
    Seen,
    await_fingerprint,
    look,
    prove,
)

LISTENER = Listener("127.0.0.1", 443, "www.example.com")
OLD, NEW = "0" * 64, "1" * 64


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[Listener]:
    """A listener that does something else than TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _address = server.accept()
                with connection:
                    connection.recv(10)
                    answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Listener("127.0.0.1", server.getsockname()[1])
        thread.join(5)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_served_is_seen(host: Host, kind: str) -> None:
    leaf = authority().leaf(kind=kind)
    host.own_pair(leaf)
    host.start()
    for server_name in ("www.example.com", None, "", "192.0.2.1"):
        seen = look(Listener("127.0.0.1", host.port, server_name))
        assert (seen.fingerprint, seen.error) == (leaf.fingerprint, None)


def test_an_expired_certificate_is_seen_too(host: Host) -> None:
    leaf = authority().leaf(age=300)
    host.own_pair(leaf)
    host.start()
    assert host.served() == leaf.fingerprint


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = look(Listener("127.0.0.1", port)).error
    assert error is not None
    assert error.startswith(f"connection refused at 127.0.0.1:{port}: is the server running, and does it listen there")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak TLS"),
        (lambda connection: connection.sendall(b"220 mail.example.com ESMTP\r\n"), "does not speak TLS"),
        (lambda connection: None, "closed the connection"),
        (reset, "closed the connection"),
        (lambda connection: connection.sendall(bytes([21, 3, 3, 0, 2, 2, 112])), "no server of that name"),
        (lambda connection: connection.sendall(bytes([21, 3, 3, 0, 2, 2, 40])), "no TLS handshake with"),
    ],
)
def test_what_is_no_handshake_is_explained(answer: Callable[[socket.socket], None], reason: str) -> None:
    with answering(answer) as listener:
        seen = look(listener)
    assert seen.fingerprint is None
    assert reason in str(seen.error)


def test_silence_ends_in_time() -> None:
    with answering(lambda connection: time.sleep(0.6)) as listener:
        started = time.monotonic()
        seen = look(listener, timeout=0.3)
        assert time.monotonic() - started < 0.6
    assert "no answer from" in str(seen.error)


def test_a_name_that_does_not_resolve() -> None:
    assert "cannot be resolved" in str(look(Listener("nowhere.invalid", 443)).error)


def test_how_a_listener_is_named() -> None:
    assert str(LISTENER) == "127.0.0.1:443 (www.example.com)"
    assert str(Listener("::1", 8443)) == "[::1]:8443"


@pytest.mark.parametrize(
    ("shown", "looks", "end"),
    [
        ([NEW, NEW, NEW], 3, NEW),
        ([OLD, OLD, NEW, NEW, NEW], 5, NEW),
        ([NEW, OLD, NEW, NEW, OLD, NEW, NEW, NEW], 8, NEW),  # an old worker answers now and then
        ([None, NEW, NEW, None, NEW, NEW, NEW], 7, NEW),
        ([OLD] * 50, 11, OLD),  # one look a second, ten seconds
        ([None] * 50, 11, None),
        ([NEW, OLD] * 25, 12, OLD),  # a row that began in time may end after it
        ([OLD] * 10 + [NEW] * 3, 13, NEW),
    ],
)
def test_the_new_certificate_must_be_seen_three_times_in_a_row(
    shown: list[str | None], looks: int, end: str | None
) -> None:
    clock, made = [0.0], 0

    def look_at(listener: Listener) -> Seen:
        nonlocal made
        made += 1
        clock[0] += 1
        return Seen(listener, shown[made - 1], None if shown[made - 1] else "refused")

    seen = await_fingerprint(
        LISTENER, NEW, 10.5, look_at=look_at, clock=lambda: clock[0], sleep=lambda seconds: None
    )  # fmt: skip
    assert (made, seen.fingerprint) == (looks, end)


def test_what_is_shown_is_compared_with_what_is_expected(host: Host) -> None:
    leaf = authority().leaf()
    host.own_pair(leaf)
    host.start()
    listener = Listener("127.0.0.1", host.port, "www.example.com")
    expected = [Expected(listener), Expected(listener, leaf.fingerprint), Expected(listener, OLD, "shop")]
    proofs = prove(expected, 0.2)
    assert [proof.seen.fingerprint for proof in proofs] == [leaf.fingerprint] * 3
    shown = f"shop: the handshake with {listener} shows {leaf.fingerprint[:16]} instead of {OLD[:16]}"
    assert [proof.problem for proof in proofs] == [None, None, shown]


def test_all_listeners_together_have_one_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = Listener("127.0.0.1", server.getsockname()[1])
    started = time.monotonic()
    proofs = prove([Expected(nobody, NEW)] * 5 + [Expected(nobody)], 0.5)
    assert 0.5 < time.monotonic() - started < 1.5
    assert {proof.problem for proof in proofs} == {f"the handshake with {nobody} failed: {look(nobody).error}"}


def test_a_single_look_has_a_timeout_of_its_own() -> None:
    started = time.monotonic()
    with answering(lambda connection: time.sleep(1)) as listener:
        [proof] = prove([Expected(listener, NEW)], 0, connect_timeout=0.2)
    assert 0.2 < time.monotonic() - started < 3
    assert f"no answer from {listener} within 0.2 s" in str(proof.problem)
