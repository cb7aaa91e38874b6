# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to AWS KMS: one function per API call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler
from ansible_collections.certops.acm.plugins.module_utils.text import shown

ALGORITHM = "ECDSA_SHA_256"
KEY_SPEC = "ECC_NIST_P256"

_KEY = re.compile(
    r"(?:arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:)?(?:key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+|[A-Za-z0-9-]+)"
)
_WRONG_KEY = (
    f"{{resource}} is no key that signs targets: take an asymmetric KMS key for SIGN_VERIFY of the kind {KEY_SPEC}"
)


class KmsErrorHandler(ServiceErrorHandler):
    """Sentences for AWS KMS."""

    SERVICE = "kms"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "NotFoundException": (
            "no KMS key {resource} in {region}: check signing_key (certops_signing_key), the region and the account"
        ),
        "DisabledException": "the KMS key {resource} is disabled: enable it",
        "KMSInvalidStateException": (
            "the KMS key {resource} cannot be used ({message}): enable it, or cancel its deletion"
        ),
        "InvalidKeyUsageException": _WRONG_KEY,
        "UnsupportedOperationException": _WRONG_KEY,
        "ValidationException": _WRONG_KEY,
    }


def region_of(key: str) -> str | None:
    """Return the region that the ARN of a key names; None for an alias or an id.

    Raises:
        PlanError: it names no key.
    """
    found = _KEY.fullmatch(key)
    if not found:
        raise PlanError(
            f"signing_key '{shown(key, 200)}' does not name a KMS key: give its ARN, its id or an alias, such as "
            "alias/certops-acm"
        )
    return found["region"]


@KmsErrorHandler.call("Sign", resource="key")
def sign(client: Any, key: str, message: bytes) -> bytes:
    """Return the signature of a short message (at most 4096 bytes)."""
    answer = client.sign(KeyId=key, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM)
    return bytes(answer["Signature"])


@KmsErrorHandler.call("GetPublicKey", resource="key")
def get_public_key(client: Any, key: str) -> bytes:
    """Return the public key, DER."""
    return bytes(client.get_public_key(KeyId=key)["PublicKey"])
