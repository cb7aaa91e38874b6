# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account a request belongs to.

Access key ids of the form ``AKIA<account>STND`` name their account, so that a test can be several
accounts without setting anything up. Keys that STS handed out stay moto's business.
"""

from __future__ import annotations

import re

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"

_KEY_ID = re.compile(r"AKIA(\d{12})STND")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


def access_key_id(account: str) -> str:
    """The access key id of ``account``'s test user."""
    return f"AKIA{account}STND"


def account_of_key(key_id: str) -> str | None:
    """The account a stand-in key id names; None for any other key."""
    match = _KEY_ID.fullmatch(key_id)
    return match.group(1) if match else None


def credential_of(authorization: str) -> tuple[str, str, str] | None:
    """(access key id, region, signing name) of a SigV4 Authorization header."""
    match = _CREDENTIAL.search(authorization)
    return (match.group(1), match.group(2), match.group(3)) if match else None


def account_of(key_id: str) -> str:
    """The account of any access key, including those from AssumeRole."""
    from moto.iam.models import get_account_id_from

    return get_account_id_from(key_id)


def caller_arn(key_id: str) -> str:
    """The ARN AWS would name in an access-denied message for this key."""
    from moto.sts.models import sts_backends

    account = account_of(key_id)
    role = sts_backends[account]["aws"].get_assumed_role_from_access_key(key_id)
    return role.arn if role else f"arn:aws:iam::{account}:user/standin"


def install() -> None:
    """Teach moto the stand-in's key ids."""
    from moto.iam import models

    original = models.get_account_id_from

    def get_account_id_from(access_key: str) -> str:
        return account_of_key(access_key) or original(access_key)

    models.get_account_id_from = get_account_id_from
