# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of targets: whoever may write the table but not sign with a KMS key can change no target.

A signature covers every field of a target and the name of its table. It does not cover that the target is there at
all: deleting one, or putting back what was signed once, needs no key.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.certops.acm.plugins.module_utils import dynamodb, kms
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.target import SIGNATURE, Target
from ansible_collections.certops.acm.plugins.module_utils.text import shown

if TYPE_CHECKING:
    from ansible_collections.certops.acm.plugins.module_utils.session import Session

# Whoever changes what is signed changes this, too: an old signature must not fit a new meaning.
VERSION = "certops.acm target 1"
_LENGTH = 200


def statement(target: Target, table: str) -> bytes:
    """Return what is signed: the digest of all fields as the table gives them back, and of the table's name."""
    fields = dynamodb.decode(dynamodb.encode(target.to_item()))
    text = json.dumps([VERSION, table, fields], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{VERSION} {hashlib.sha256(text.encode('ascii')).hexdigest()}".encode("ascii")


@dataclass
class TargetSigner:
    """Signs targets of a table with a KMS key, and tells right signatures from wrong ones.

    The public key is asked for once, by the first check.
    """

    client: Any
    key: str
    table: str
    _public_key: Any = None

    def sign(self, target: Target) -> str:
        """Return the signature of a target: one call."""
        return base64.b64encode(kms.sign(self.client, key=self.key, message=statement(target, self.table))).decode()

    def check(self, item: Mapping[str, Any], target: Target) -> None:
        """Check the signature of an item.

        Raises:
            PlanError: it has none, or a wrong one.
        """
        signature = item.get(SIGNATURE)
        if signature is None:
            raise PlanError("it is not signed, though certops_signing_key asks for signatures")
        if not self._is_right(signature, target):
            raise PlanError(
                "its signature does not fit: somebody changed it without certops.acm.deploy, or it was signed with "
                "another key than certops_signing_key or for another table"
            )

    def is_signed(self, item: Mapping[str, Any], target: Target) -> bool:
        """Tell whether an item is this target, with a right signature."""
        fields = {name: value for name, value in item.items() if name != SIGNATURE}
        same = fields == dynamodb.decode(dynamodb.encode(target.to_item()))
        return same and self._is_right(item.get(SIGNATURE), target)

    def _is_right(self, signature: Any, target: Target) -> bool:
        if not isinstance(signature, str) or len(signature) > _LENGTH:
            return False
        try:
            given = base64.b64decode(signature, validate=True)
        except ValueError:
            return False
        return verifies(self.prepare(), given, statement(target, self.table))

    def prepare(self) -> Any:
        """Return the public key, asking for it first where it is not known yet.

        Raises:
            PlanError: it is of another kind, or the library is missing.
            ServiceError: KMS refused.
        """
        if self._public_key is None:
            self._public_key = load_public_key(kms.get_public_key(self.client, key=self.key), self.key)
        return self._public_key


def target_signer(session: Session, key: str | None, table: str) -> TargetSigner | None:
    """Return what signs and checks with a KMS key, in the region that its ARN names; None where there is no key.

    Raises:
        PlanError: the option names no key.
        ServiceError: no credentials or no region.
    """
    return TargetSigner(session.client("kms", kms.region_of(key)), key, table) if key else None


# cryptography is imported where it is needed: most tasks read and write no signature, and loading it takes a while.


def load_public_key(der: bytes, name: str) -> Any:
    """Return a public key.

    Raises:
        PlanError: it is of another kind, or the library is missing.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError:
        raise PlanError(
            "signatures need the Python library cryptography where this task runs: pip install cryptography"
        ) from None
    try:
        public_key: Any = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        public_key = None
    if not isinstance(public_key, ec.EllipticCurvePublicKey) or not isinstance(public_key.curve, ec.SECP256R1):
        raise PlanError(
            f"{shown(name, 200)} is no key that signs targets: take an asymmetric KMS key for SIGN_VERIFY of the kind "
            f"{kms.KEY_SPEC}"
        )
    return public_key


def verifies(public_key: Any, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature was made of a message with the private half of a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        public_key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
