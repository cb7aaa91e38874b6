# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What http.sys does for clients: real TLS on loopback, with the certificate the state of a host says.

Usage: python -m windows_simulation.http_sys <file>: lines of "<state file> <address> <port>". Prints "ready" when all
listen, and ends when its standard input does.
"""

from __future__ import annotations

import base64
import fnmatch
import os
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from windows_simulation import certificates, state


def chosen(host: dict[str, Any], address: str, port: int, name: str) -> tuple[str, str] | None:
    """Return certificate and key (PEM) for a client that asks for ``name``; None where nothing is served."""
    running = [
        one["info"].split(":")
        for found in host["sites"]
        if found["state"] == "Started"
        for one in found["bindings"]
        if one["protocol"] == "https"
    ]
    if not any(int(info[1]) == port and info[0] in ("*", address) for info in running):
        return None
    # Frozen: http.sys goes on with what it had, whatever it says it has.
    frozen = [fault["http_sys"] for fault in host["faults"] if fault["kind"] == "frozen"]
    held = frozen[0] if frozen else host["http_sys"]
    if not frozen and any(f"{name.lower()}:{port}" == key for key in _central(host)):
        return _from_file(host, name.lower())
    named = [key for key in held if name and fnmatch.fnmatchcase(f"{name.lower()}:{port}", key)]
    key = next(iter(sorted(named, reverse=True)), None)
    found = held.get(key or "") or held.get(f"{address}:{port}") or held.get(f"0.0.0.0:{port}")
    if not found:
        return None
    store = certificates.store_named(host, found["store"], long_names=False)
    certificate = certificates.find(store, found["thumbprint"])
    if not certificate or certificate["key"] is None:
        return None
    return certificate["pem"], host["keys"][certificate["key"]]["pem"]


def _central(host: dict[str, Any]) -> list[str]:
    """Names and ports of the bindings that use the Central Certificate Store."""
    bindings = [one for found in host["sites"] for one in found["bindings"] if one["flags"] & 2]
    return ["{2}:{1}".format(*one["info"].lower().split(":")) for one in bindings]


def _from_file(host: dict[str, Any], name: str) -> tuple[str, str] | None:
    central = host["central"]
    exact, _dot, rest = name, *name.partition(".")[1:]
    for stem in (exact, f"_.{rest}"):
        content = host["files"].get(f"{central['path']}\\{stem}.pfx")
        if content:
            read = pkcs12.load_pkcs12(base64.b64decode(content), central["password"].encode())
            assert read.cert and read.key
            key = read.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            return read.cert.certificate.public_bytes(Encoding.PEM).decode(), key.decode()
    return None


def context_for(pair: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(pair[0] + pair[1])
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
    return context


def serve(path: Path, address: str, port: int, listener: socket.socket) -> None:
    while True:
        try:
            client, _peer = listener.accept()
        except OSError:
            return
        try:
            client.settimeout(5)
            _shake(client, state.read(path), address, port)
        except (OSError, ValueError):
            pass
        finally:
            client.close()


def _shake(client: socket.socket, host: dict[str, Any], address: str, port: int) -> None:
    plain = chosen(host, address, port, "")
    refused = False

    def by_name(connection: ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> int | None:
        nonlocal refused
        pair = chosen(host, address, port, name or "")
        if pair is None:
            refused = True
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = context_for(pair)
        return None

    base = context_for(plain) if plain else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    base.sni_callback = by_name  # type: ignore[assignment]
    with base.wrap_socket(client, server_side=True):
        pass


def main(lines: list[str]) -> None:
    for line in lines:
        path, address, port = line.split("\t")
        listener = socket.create_server((address, int(port)), backlog=16)
        threading.Thread(target=serve, args=(Path(path), address, int(port), listener), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
