# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handshakes on connections that begin without TLS: the mail protocols, spoken by Python's own libraries."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import socket
import ssl
from typing import Any


def secured_leaf(protocol: str, address: tuple[str, int], timeout: float, context: ssl.SSLContext) -> bytes | None:
    """Return the leaf (DER) that is shown after STARTTLS.

    Args:
        protocol: one of ``PROTOCOLS``.
        timeout: seconds for each answer.

    Raises:
        OSError: no connection, no handshake, or no STARTTLS.
    """
    try:
        return PROTOCOLS[protocol](address, timeout, context)
    except smtplib.SMTPServerDisconnected as error:
        if isinstance(error.__context__, socket.timeout):  # smtplib says that of silence, too
            raise error.__context__ from None
        raise
    except (imaplib.IMAP4.error, poplib.error_proto, EOFError) as error:  # smtplib's are OSErrors
        raise OSError(str(error)) from None


def _smtp(address: tuple[str, int], timeout: float, context: ssl.SSLContext) -> bytes | None:
    # With a name of its own for us: otherwise it looks one up, which takes long where DNS does not answer.
    with smtplib.SMTP(*address, "localhost", timeout) as client:
        client.starttls(context=context)
        return _peer(client.sock)


def _imap(address: tuple[str, int], timeout: float, context: ssl.SSLContext) -> bytes | None:
    with imaplib.IMAP4(*address, timeout) as client:
        client.starttls(context)
        return _peer(client.sock)


def _pop3(address: tuple[str, int], timeout: float, context: ssl.SSLContext) -> bytes | None:
    client = poplib.POP3(*address, timeout)
    try:
        client.stls(context)
        return _peer(client.sock)
    finally:
        client.close()


def _peer(secured: Any) -> bytes | None:
    leaf: bytes | None = secured.getpeercert(binary_form=True)
    return leaf


PROTOCOLS = {"smtp": _smtp, "imap": _imap, "pop3": _pop3}
