# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handshakes that begin with a word of a mail protocol, and listeners that have two certificates for one name.

Here the servers are a few scripted lines; Postfix and Dovecot themselves are in the end-to-end tests.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from unit.certificates import Leaf, authority

from ansible_collections.certops.acm.plugins.module_utils.handshake import Listener, look

EC, RSA = authority().leaf(), authority("rsa").leaf(kind="rsa")
SCRIPTS = {
    "smtp": [b"220 mail ESMTP\r\n", b"250-mail\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"],
    "imap": [b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK done\r\n", b"{tag} OK begin\r\n"],
    "pop3": [b"+OK ready\r\n", b"+OK\r\nSTLS\r\n.\r\n", b"+OK begin\r\n"],
}
WITHOUT = {
    "smtp": [b"220 mail ESMTP\r\n", b"250 mail\r\n", b"221 bye\r\n"],
    "imap": [b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n", b"{tag} OK bye\r\n"],
    "pop3": [b"+OK ready\r\n", b"+OK\r\n.\r\n", b"-ERR no\r\n"],
}


def context(directory: Path, *leaves: Leaf) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for leaf in leaves:
        path = directory / f"{leaf.fingerprint}.pem"
        path.write_text(leaf.fullchain + leaf.private_key)
        made.load_cert_chain(path)
    return made


@contextlib.contextmanager
def serving(
    tls: ssl.SSLContext | None, script: Sequence[bytes] = (), asked_for: str | None = "www.example.com"
) -> Iterator[int]:
    """A port that says the lines of a script, one for each line it hears, and then begins TLS."""
    names: list[str | None] = []
    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: names.append(name)

    imap = b"* OK" in b"".join(script)

    def talk(connection: socket.socket) -> None:
        tag = b""
        for number, line in enumerate(script):
            if number:
                tag = connection.recv(500).split()[0]
            connection.sendall(line.replace(b"{tag}", tag))
        if tls is not None:
            with tls.wrap_socket(connection, server_side=True) as secured:
                while words := secured.recv(500).split():
                    done = b"* CAPABILITY IMAP4rev1\r\n" + words[0] + b" OK done\r\n"
                    secured.sendall(done if imap else b"221 bye\r\n")

    def serve() -> None:
        for _time in range(4):
            with contextlib.suppress(OSError):
                connection, _address = server.accept()
                with connection, contextlib.suppress(OSError, IndexError):
                    connection.settimeout(5)
                    talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    assert set(names) <= {asked_for}, "it is asked for the server's name, not for its address"


@pytest.mark.parametrize("protocol", SCRIPTS)
def test_the_certificate_behind_starttls_is_seen(tmp_path: Path, protocol: str) -> None:
    with serving(context(tmp_path, EC), SCRIPTS[protocol]) as port:
        listener = Listener("127.0.0.1", port, "www.example.com", protocol)
        seen = look(listener)
    assert (seen.fingerprint, seen.error) == (EC.fingerprint, None)
    assert str(listener) == f"127.0.0.1:{port} (www.example.com, {protocol})"


@pytest.mark.parametrize("protocol", SCRIPTS)
def test_a_server_without_starttls_is_explained(protocol: str) -> None:
    with serving(None, WITHOUT[protocol]) as port:
        seen = look(Listener("127.0.0.1", port, None, protocol))
    assert seen.fingerprint is None
    assert "does not offer STARTTLS" in str(seen.error)


@pytest.mark.parametrize("protocol", SCRIPTS)
def test_silence_before_starttls_ends_in_time(protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen = look(Listener("127.0.0.1", server.getsockname()[1], None, protocol), timeout=0.2)
    assert "no answer" in str(seen.error)


@pytest.mark.parametrize(("key_type", "leaf"), [("RSA", RSA), ("EC", EC)])
@pytest.mark.parametrize("protocol", [None, "smtp"])
def test_one_of_two_certificates_is_seen(tmp_path: Path, key_type: str, leaf: Leaf, protocol: str | None) -> None:
    script = SCRIPTS[protocol] if protocol else ()
    with serving(context(tmp_path, RSA, EC), script) as port:
        listener = Listener("127.0.0.1", port, "www.example.com", protocol, key_type)
        assert look(listener).fingerprint == leaf.fingerprint


def test_a_certificate_of_another_kind_is_seen_where_there_is_no_other(tmp_path: Path) -> None:
    with serving(context(tmp_path, RSA), asked_for=None) as port:
        assert look(Listener("127.0.0.1", port, None, None, "EC")).fingerprint == RSA.fingerprint
    tls = context(tmp_path, EC)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    with serving(tls, asked_for=None) as port:
        assert look(Listener("127.0.0.1", port, None, None, "EC")).fingerprint == EC.fingerprint


@pytest.mark.parametrize(
    ("info", "name", "key_type"),
    [
        ({"names": ["*.example.com", "www.example.com"], "key_algorithm": "RSA_2048"}, "www.example.com", "RSA"),
        ({"names": ["a.example.com"], "key_algorithm": "EC_prime256v1"}, "a.example.com", "EC"),
        ({"names": ["*.example.com"], "key_algorithm": "ED25519"}, "www.example.com", None),
        ({}, None, None),
    ],
)
def test_what_a_listener_leaves_open_comes_from_the_leaf(
    info: dict[str, object], name: str | None, key_type: str | None
) -> None:
    listener = Listener("127.0.0.1", 443).for_certificate(info)
    assert (listener.server_name, listener.key_type) == (name, key_type)
    assert Listener("127.0.0.1", 443, "mine").for_certificate(info).server_name == "mine"
