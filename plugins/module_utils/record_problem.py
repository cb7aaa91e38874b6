# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A record of the table that is not used, because it is malformed, not signed or refused. No boto3, no Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.item_fields import shown_key
from ansible_collections.certops.acm.plugins.module_utils.target import SORT_KEY as TARGET
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.module_utils.text import shown

_REMEDIES = {
    "target": "run certops.acm.deploy for it again, or delete the item",
    "deployment": (
        "the host counts as one without a record, and the next run that installs there writes it anew; if the host is "
        "gone, delete the item"
    ),
    "lease": "delete the item",
    "export": "the certificate counts as not exported, and the next export writes it anew",
}
_UNKNOWN = "delete the item, or update the collection if a newer one wrote it"


# Whoever writes the table could write thousands.
MOST = 50


@dataclass(frozen=True)
class RecordProblem:
    """Why a record is left alone, while all others are used.

    Attributes:
        certificate_arn, record: partition key and sort key of the item, as they are in the table.
        msg: one sentence with the remedy.
    """

    certificate_arn: str
    record: str
    msg: str

    @classmethod
    def of_item(cls, item: Mapping[str, Any], reason: str) -> RecordProblem:
        """Say why an item cannot be read."""
        pk, sk = (item.get(name) if isinstance(item.get(name), str) else "" for name in ("pk", "sk"))
        arn, record = str(pk), str(sk)
        remedy = _REMEDIES.get(record.partition("#")[0], _UNKNOWN)
        what = f"the record {shown_key(record, 200)} of {shown(arn, 120)}"
        said = f"{what} cannot be used, {shown_key(reason, 400)}: {remedy}"
        return cls(arn, record, said)

    @classmethod
    def of_target(cls, target: Target, reason: str) -> RecordProblem:
        """Say why a target is refused; the reason holds the remedy."""
        tag = f"{shown(target.tag_key, 128)}={shown(target.tag_value, 256)}"
        said = (
            f"the target of {target.certificate_name} ({target.certificate_arn}) for {target.service} on hosts tagged "
            f"{tag} is left alone: {reason}"
        )
        return cls(target.certificate_arn, TARGET + target.key, said)

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> RecordProblem:
        """Read what ``to_result`` returned."""
        return cls(*(str(result[name]) for name in ("certificate_arn", "record", "msg")))

    def to_result(self) -> dict[str, str]:
        """Return it as a module returns it."""
        return dict(vars(self))

    @property
    def is_target(self) -> bool:
        """Tell whether a target is missing because of it."""
        return self.record.startswith(TARGET)

    def speaks_for(self, certificate_arn: str, service: str, certificate_name: str) -> bool:
        """Tell whether a target of this service and name is missing because of it."""
        ending = f"#{service}#{certificate_name}"
        return self.is_target and self.certificate_arn == certificate_arn and self.record.endswith(ending)


def sentences(problems: Sequence[RecordProblem]) -> list[str]:
    """Return what is told of problems, targets first: of many a part, and how many there are."""
    told = sorted(problems, key=lambda problem: not problem.is_target)
    more = [f"{len(told) - MOST} more records cannot be used: delete them, or look at them one certificate at a time"]
    return [problem.msg for problem in told[:MOST]] + (more if len(told) > MOST else [])
