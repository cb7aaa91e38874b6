# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the pieces together: moto patched, middleware in front, a threaded server around it."""

from __future__ import annotations

import logging
from typing import Any

from . import accounts, acm, acm_urls, secrets_manager

MOTO_VERSION = "5.2.5"
"""The version whose insides are patched here; any other may differ where it matters."""


def make_server(host: str, port: int) -> Any:
    """A werkzeug server; ``serve_forever()`` runs it. Port 0 takes a free one."""
    import moto
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server as werkzeug_server

    from .middleware import Middleware

    if moto.__version__ != MOTO_VERSION:
        raise SystemExit(f"the stand-in patches moto {MOTO_VERSION} from inside and found {moto.__version__}")
    install()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = Middleware(DomainDispatcherApplication(create_backend_app))
    return werkzeug_server(host, port, application, threaded=True, request_handler=MotoRequestHandler)


def install() -> None:
    """Change moto; once, before its first backend is made."""
    from .acm_api import AcmApi

    acm_urls.url_paths["{0}/$"] = AcmApi.dispatch
    accounts.install()
    acm.install()
    secrets_manager.install()
