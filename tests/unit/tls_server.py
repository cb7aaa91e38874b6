# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small TLS server that behaves as web servers do: configuration test, reload by SIGHUP, lingering workers.

Its configuration has one word and one path a line: ``certificate``, ``key``, ``include`` and, for a file
that need not be there, ``optional``. What is not good at a reload is logged and the old certificate
stays served, as nginx does.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path


def read_settings(path: str) -> dict[str, str]:
    settings: dict[str, str] = {}
    for line in Path(path).read_text().splitlines():
        word, _space, value = line.strip().partition(" ")
        if word == "include" or (word == "optional" and os.path.exists(value)):
            settings.update(read_settings(value))
        elif word in ("certificate", "key", "linger"):
            settings[word] = value
        elif word not in ("", "optional"):
            raise ValueError(f"unknown word {word!r} in {path}")
    return settings


def load(path: str) -> tuple[ssl.SSLContext, int]:
    settings = read_settings(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings["certificate"], settings["key"], lambda: "")
    except OSError as error:
        raise ValueError(f"cannot load {settings['certificate']} and {settings['key']}: {error}") from None
    return context, int(settings.get("linger", "0"))


class TlsServer:
    """Serves until it is killed; prints its port when it is ready."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._context, _unused = load(path)
        self._old, self._lingering = self._context, 0

    def reload(self, *_signal: object) -> None:
        try:
            context, lingering = load(self._path)
        except (OSError, ValueError, KeyError) as error:
            print(f"reload failed: {error}", file=sys.stderr, flush=True)
            return
        # Every other handshake of the next ones is still answered by an old worker.
        self._old, self._context, self._lingering = self._context, context, lingering

    def serve(self, port: int) -> None:
        signal.signal(signal.SIGHUP, self.reload)
        with socket.create_server(("127.0.0.1", port)) as listener:
            print(listener.getsockname()[1], flush=True)
            while True:
                connection, _address = listener.accept()
                threading.Thread(target=self._answer, args=(connection, self._choose()), daemon=True).start()

    def _choose(self) -> ssl.SSLContext:
        if self._lingering <= 0:
            return self._context
        self._lingering -= 1
        return self._old if self._lingering % 2 else self._context

    @staticmethod
    def _answer(connection: socket.socket, context: ssl.SSLContext) -> None:
        connection.settimeout(5)
        try:
            with connection, context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            pass  # the client is gone, as it may


def main() -> None:
    action, path = sys.argv[1:3]
    if action == "serve":
        TlsServer(path).serve(int(sys.argv[3]))
    elif action == "test":
        try:
            load(path)
        except (OSError, ValueError, KeyError) as error:
            sys.exit(f"configuration {path} is bad: {error}")
        if os.path.exists(path + ".fail"):
            sys.exit(f"configuration {path} is bad: told to fail")
    elif action == "reload":
        os.kill(int(Path(path + ".pid").read_text()), signal.SIGHUP)


if __name__ == "__main__":
    main()
