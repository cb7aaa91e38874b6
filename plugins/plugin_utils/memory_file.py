# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes under a path that a connection plugin can read, and that no disk holds."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator

from ansible import constants


@contextlib.contextmanager
def memory_file(content: bytes) -> Iterator[str]:
    """Yield a path to ``content``, in memory where the controller's system can (Linux).

    Elsewhere it is a file in Ansible's own temporary directory, readable for its owner and removed at the end:
    put nothing here that is not encrypted.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certops")
        # By number of the process: a program that the connection starts, sftp for instance, opens it, too.
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(dir=constants.DEFAULT_LOCAL_TMP)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield path
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            os.unlink(path)
