# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks: users with a password or a token, and AWX's OAuth."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from .answers import Answer, Refusal, Request, forbidden

FOREVER = 31536000000
"""Seconds a token lives unless AWX is told otherwise."""


@dataclass(frozen=True)
class User:
    """An AWX user: an administrator may do all, others may launch every template or none."""

    name: str
    password: str = field(repr=False)
    administrator: bool = False
    launches: bool = True


@dataclass(frozen=True)
class Token:
    """A token and what it is good for: ``read`` or ``write``."""

    id: int
    user: User
    value: str = field(repr=False)
    scope: str = "write"


class Users:
    """Users and tokens. ``client`` is an OAuth application's id and secret."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._tokens: dict[str, Token] = {}
        self.client = ("standin-application", secrets.token_urlsafe(24))

    def add(self, user: User) -> User:
        self._users[user.name] = user
        return user

    def token(self, user: User, scope: str = "write") -> Token:
        made = Token(len(self._tokens) + 1, user, secrets.token_urlsafe(24), scope)
        self._tokens[made.value] = made
        return made

    def revoke(self, number: int) -> None:
        self._tokens = {value: token for value, token in self._tokens.items() if token.id != number}

    def ask(self, request: Request) -> User:
        """The user of a request.

        Raises:
            Refusal: 401 for nobody, 403 for a token that may only read.
        """
        word, _space, rest = request.headers.get("authorization", "").partition(" ")
        if word == "Bearer" and rest in self._tokens:
            token = self._tokens[rest]
            if token.scope == "read" and request.method != "GET":
                raise forbidden()
            return token.user
        user = self._by_password(*_pair(rest)) if word == "Basic" else None
        if user is None:
            detail = "Authentication credentials were not provided. To establish a login session, visit /api/login/."
            raise Refusal(401, {"detail": detail})
        return user

    def oauth(self, request: Request) -> Answer:
        """POST /api/o/token/: a password is good for a token, client credentials are not."""
        sent = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        word, _space, rest = request.headers.get("authorization", "").partition(" ")
        client = _pair(rest) if word == "Basic" else (sent.get("client_id", ""), sent.get("client_secret", ""))
        grant = sent.get("grant_type")
        if grant == "client_credentials":
            return Answer(400, {"error": "unauthorized_client"})
        if grant != "password":
            return Answer(400, {"error": "unsupported_grant_type"})
        if client != self.client:
            return Answer(401, {"error": "invalid_client"})
        user = self._by_password(sent.get("username", ""), sent.get("password", ""))
        if user is None:
            return Answer(400, {"error": "invalid_grant", "error_description": "Invalid credentials given."})
        token = self.token(user, sent.get("scope", "write"))
        facts = {"access_token": token.value, "expires_in": FOREVER, "token_type": "Bearer", "scope": token.scope}
        return Answer(200, {**facts, "refresh_token": secrets.token_urlsafe(24)})

    def _by_password(self, name: str, password: str) -> User | None:
        user = self._users.get(name)
        return user if user and hmac.compare_digest(user.password, password) else None


def _pair(encoded: str) -> tuple[str, str]:
    try:
        name, _colon, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password
