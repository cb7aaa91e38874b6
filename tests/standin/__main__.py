# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m standin --port P``: run the stand-in in the foreground."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
import time
from pathlib import Path

from .server import make_server


def main() -> None:
    options = _options()
    server = make_server(options.host, options.port)
    url = f"http://{options.host}:{server.server_port}"
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if options.exit_with_parent:
        threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    if options.ready_file:
        _announce(Path(options.ready_file), url)
    print(f"ACM stand-in on {url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m standin", description="The ACM stand-in.")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: this machine only)")
    parser.add_argument("--port", type=int, default=0, help="port to bind (default: a free one)")
    parser.add_argument("--ready-file", help="where to write url and pid as JSON once it answers")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the process that started it ends")
    return parser.parse_args()


def _announce(path: Path, url: str) -> None:
    """Written whole, so that whoever waits for the file never reads half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
    part.replace(path)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    main()
