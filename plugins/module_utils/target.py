# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A target: where a certificate is meant to be. Desired state. No boto3, no Ansible."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils import item_fields
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.text import shown

SORT_KEY = "target#"
# Attribute of an item that is no field of the target: see target_signature.py.
SIGNATURE = "signature"


@dataclass(frozen=True)
class Target:
    """The hosts of an account that carry a tag shall serve a certificate with a service.

    Attributes:
        certificate_name: name of the certificate on the hosts, part of paths.
        account: the AWS account of the hosts, 12 digits.
        options: options of the service's role; no secrets.
    """

    certificate_arn: str
    certificate_name: str
    account: str
    tag_key: str
    tag_value: str
    service: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells a target from the others of its certificate."""
        return f"{self.account}#{self.tag_key}={self.tag_value}#{self.service}#{self.certificate_name}"

    @property
    def options_digest(self) -> str:
        """Changes when the options change, whatever the order they are written in."""
        text = json.dumps(self.options, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]

    def validate(self) -> None:
        """Check every field: what the table holds is no more trusted than what a user gives.

        What the options mean is judged where the roles are (plugin_utils/target_options.py).

        Raises:
            PlanError: a field is wrong; the message says what it has to be.
            CertificateError: ``certificate_arn`` is not the ARN of an ACM certificate.
        """
        self.validate_fields()
        if not isinstance(self.options, Mapping):
            raise PlanError(f"options '{shown(self.options)}' must be a dictionary")
        item_fields.check_json("options", self.options)

    def validate_fields(self) -> None:
        """Check every field but the options, as ``validate`` does."""
        item_fields.check_arn("certificate_arn", self.certificate_arn)
        _name("certificate_name", self.certificate_name, "cannot name a certificate on a host: use", item_fields.NAME)
        if not isinstance(self.account, str) or not item_fields.ACCOUNT.pattern.fullmatch(self.account):
            raise PlanError(
                f"account '{shown(self.account)}' is not an AWS account: "
                "give its 12 digits, in quotes when it begins with 0"
            )
        if self.tag_key == "":
            raise PlanError("tag_key is empty: name the AWS tag that chooses the hosts, such as tag_key: Role")
        item_fields.check_plain("tag_key", self.tag_key, item_fields.TAG_KEY)
        if self.tag_value == "":
            raise PlanError(
                f"tag {shown(self.tag_key, 128)} has no value: give tag_value, a target never means every host "
                f"that carries the tag {shown(self.tag_key, 128)}"
            )
        item_fields.check_plain("tag_value", self.tag_value, item_fields.TAG_VALUE)
        _name("service", self.service, "is not the name of a service: it must be", item_fields.SERVICE)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Target:
        """Read an item of the table.

        Raises:
            PlanError, CertificateError: a field is missing or wrong, or the item's key says something else.
        """
        item_fields.require(item, _REQUIRED)
        target = cls.from_result({**item, "certificate_arn": item["pk"]})
        target.validate()
        if item["sk"] != SORT_KEY + target.key:
            raise PlanError(f"its fields belong to the key {item_fields.shown_key(SORT_KEY + target.key, 200)}")
        return target

    def to_item(self) -> dict[str, Any]:
        """Return the item of the table."""
        fields = asdict(self)
        return {"pk": fields.pop("certificate_arn"), "sk": SORT_KEY + self.key, **fields}

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Target:
        """Read what ``to_result`` returned, or the option of a module; unknown keys are ignored.

        Raises:
            PlanError: a field is missing.
        """
        item_fields.require(result, ("certificate_arn", *_REQUIRED[2:]))
        known = {name: result[name] for name in cls.__dataclass_fields__ if result.get(name) is not None}
        return cls(**known)

    def to_result(self) -> dict[str, Any]:
        """Return the target as a module returns it."""
        # Not asdict: it copies the options, and Ansible's own kind of dictionary cannot be copied so.
        return dict(vars(self))


_REQUIRED = ("pk", "sk", "certificate_name", "account", "tag_key", "tag_value", "service")


def _name(field_name: str, value: Any, complaint: str, rule: item_fields.Rule) -> None:
    if not isinstance(value, str) or not rule.pattern.fullmatch(value):
        raise PlanError(f"{field_name} '{shown(value)}' {complaint} {rule.says}")
