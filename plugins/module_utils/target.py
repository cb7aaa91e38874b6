# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A target: where a certificate is meant to be. Desired state. No boto3, no Ansible."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError

SORT_KEY = "target#"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SERVICE = re.compile(r"[a-z][a-z0-9_]*")
_ACCOUNT = re.compile(r"[0-9]{12}")


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
        """Check every field.

        Raises:
            PlanError: a field is wrong; the message says what it has to be.
            CertificateError: ``certificate_arn`` is not the ARN of an ACM certificate.
        """
        CertificateArn.parse(self.certificate_arn)
        if not _NAME.fullmatch(self.certificate_name):
            raise PlanError(
                f"certificate_name '{self.certificate_name}' cannot name a certificate on a host: "
                "use 1 to 64 letters, digits, '.', '_' and '-', and begin with a letter or digit"
            )
        if not _ACCOUNT.fullmatch(self.account):
            raise PlanError(
                f"account '{self.account}' is not an AWS account: give its 12 digits, in quotes when it begins with 0"
            )
        if not self.tag_key:
            raise PlanError("tag_key is empty: name the AWS tag that chooses the hosts, such as tag_key: Role")
        if not self.tag_value:
            raise PlanError(
                f"tag {self.tag_key} has no value: give tag_value, a target never means every host "
                f"that carries the tag {self.tag_key}"
            )
        if not _SERVICE.fullmatch(self.service):
            raise PlanError(f"service '{self.service}' is not the name of a service: use one such as nginx")

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Target:
        """Read an item of the table."""
        return cls.from_result({**item, "certificate_arn": item["pk"]})

    def to_item(self) -> dict[str, Any]:
        """Return the item of the table."""
        fields = asdict(self)
        return {"pk": fields.pop("certificate_arn"), "sk": SORT_KEY + self.key, **fields}

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Target:
        """Read what ``to_result`` returned, or the option of a module; unknown keys are ignored."""
        known = {name: result[name] for name in cls.__dataclass_fields__ if result.get(name) is not None}
        return cls(**known)

    def to_result(self) -> dict[str, Any]:
        """Return the target as a module returns it."""
        # Not asdict: it copies the options, and Ansible's own kind of dictionary cannot be copied so.
        return dict(vars(self))
