# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARNs of certificates, judged the way ACM judges them."""

from __future__ import annotations

import re
import uuid
from typing import NamedTuple

from .refusal import Refusal

_CERTIFICATE = re.compile(r"arn:(aws[a-z-]*):acm:([a-z0-9-]+):(\d{12}):certificate/([A-Za-z0-9-]+)")


class Arn(NamedTuple):
    partition: str
    region: str
    account: str
    id: str


def new_arn(region: str, account: str) -> str:
    from moto.utilities.utils import get_partition

    return f"arn:{get_partition(region)}:acm:{region}:{account}:certificate/{uuid.uuid4()}"


def parse_arn(text: str) -> Arn:
    """Raises InvalidArnException for an ARN that is well formed and no certificate's.

    Text that is no ARN at all never gets here: the API's own pattern refuses it with a
    ValidationException (see ``validation.py``).
    """
    match = _CERTIFICATE.fullmatch(text)
    if not match:
        raise Refusal("InvalidArnException", f"The certificate ARN {text} is invalid.")
    return Arn(*match.groups())
