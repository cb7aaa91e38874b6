# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TLS server of three sites that reads its files when it is told to, and tests them before, as web servers do.

A configuration has two lines: ``certificate`` and ``key``, each with a path. What is not good at a reload is refused,
and what was served before stays served. It knows nothing of the product.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

# Tells the server something and ends as it says; a whole Python would take longer than the run that starts it.
_TELL = 'echo "$1" >"$0/ask" && read -r code text <"$0/answer" && echo "$text" && exit "$code"'


class Refused(Exception):
    """What is on the disk cannot be served."""


def pair_of(configuration: Path) -> tuple[Path, Path]:
    """Return the paths of certificate and key that a configuration names."""
    settings = dict(line.split(maxsplit=1) for line in configuration.read_text().splitlines() if line[:1] != "#")
    return Path(settings["certificate"]), Path(settings["key"])


class Sites:
    """Serves each configuration behind a port of its own, inside a ``with`` block."""

    def __init__(self, directory: Path, configurations: Sequence[Path]) -> None:
        self._directory = directory
        self._configurations = configurations
        self._contexts: list[ssl.SSLContext] = []
        # The same bytes load again and again: a thousand runs look at a few pairs.
        self._loaded: dict[tuple[bytes, bytes], ssl.SSLContext] = {}
        self.serving: list[bytes] = []
        self.refuses: bytes | None = None
        self._sockets: list[socket.socket] = []
        self._obeys = threading.Thread(target=self._obey, daemon=True)
        self._open = contextlib.ExitStack()
        self.ports: list[int] = []

    def __enter__(self) -> Sites:
        # Open at both ends, and for good: nobody waits for the other one to open it, and nothing is lost.
        asked, self._answers = (self._fifo(name) for name in ("ask", "answer"))
        self._asked = self._open.enter_context(os.fdopen(asked, "rb"))
        self._open.callback(os.close, self._answers)
        self._obeys.start()
        for index in range(len(self._configurations)):
            self.ports.append(self._listen(functools.partial(self._shake_hands, index)))
        return self

    def __exit__(self, *exception: object) -> None:
        os.write(self._asked.fileno(), b"end\n")
        self._obeys.join()
        self._open.close()
        for listener in self._sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _fifo(self, name: str) -> int:
        os.mkfifo(self._directory / name)
        return os.open(self._directory / name, os.O_RDWR | os.O_CLOEXEC)

    def command(self, word: str) -> list[str]:
        """Return the command that tests the configuration, or reloads it."""
        return ["sh", "-c", _TELL, str(self._directory), word]

    def load(self) -> tuple[list[ssl.SSLContext], list[bytes]]:
        """Read everything as a server does that starts now; Refused if it would not start."""
        contexts, contents = [], []
        for configuration in self._configurations:
            try:
                certificate, key = pair_of(configuration)
                read = certificate.read_bytes(), key.read_bytes()
                if read not in self._loaded:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(certificate, key, lambda: "")
                    self._loaded[read] = context
                contexts.append(self._loaded[read])
                contents.append(read[0])
            except (OSError, ValueError, KeyError) as error:
                raise Refused(f"{configuration}: {error}") from None
        if self.refuses is not None and self.refuses in contents:
            raise Refused("told to refuse")
        return contexts, contents

    def reload(self) -> None:
        self._contexts, self.serving = self.load()

    def _listen(self, answer: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        self._sockets.append(listener)
        threading.Thread(target=self._accept, args=(listener, answer), daemon=True).start()
        return int(listener.getsockname()[1])

    @staticmethod
    def _accept(listener: socket.socket, answer: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return  # closed: the test is over
            with connection:
                connection.settimeout(5)
                try:
                    answer(connection)
                except OSError:
                    pass  # the client was killed, as it may be

    def _shake_hands(self, index: int, connection: socket.socket) -> None:
        with self._contexts[index].wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    def _obey(self) -> None:
        for line in self._asked:
            if line == b"end\n":
                return
            os.write(self._answers, f"{self._answer(line.decode().strip())}\n".encode())

    def _answer(self, word: str) -> str:
        try:
            if word == "reload":
                self.reload()
            else:
                self.load()
        except Refused as error:
            return f"1 {error}"
        return "0 good"
