# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients of AWS services for one module run: credentials, region, assumed role.

What ``AnsibleAWSModule.client`` lacks is here: another account's role, and errors that are raised
instead of failing the module on the spot.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn, get_aws_connection_info

from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.errors import CertificateError, PlanError, ServiceError
from ansible_collections.certops.acm.plugins.module_utils.service_errors import (
    ServiceErrorHandler,
    sentence_for_connection,
)

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

SESSION_NAME = "certops-acm"

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+")

# An address that swallows packets must not cost 5 tries of 60 seconds, boto3's default.
CONNECT_TIMEOUT = 10
CONNECT_ATTEMPTS = 3

ASSUME_ROLE_SPEC: dict[str, dict[str, Any]] = {
    "assume_role_arn": {"type": "str"},
    "assume_role_external_id": {"type": "str"},
}


class StsErrorHandler(ServiceErrorHandler):
    """Sentences for AWS STS."""

    SERVICE = "sts"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "AccessDenied": (
            "{who} may not assume the role {resource}: allow sts:AssumeRole on it in the IAM policy, and name the "
            "caller (and the external id, if the role asks for one) in the trust policy of the role (docs/iam.md)"
        ),
        "RegionDisabledException": "the region of {resource} is not enabled: enable it in the account, or set region",
    }


@StsErrorHandler.call("AssumeRole", resource="role_arn")
def assume_role(client: Any, role_arn: str, external_id: str | None) -> dict[str, str]:
    """Return the credentials of an assumed role as keyword arguments of a boto3 client."""
    extra = {"ExternalId": external_id} if external_id else {}
    answer = client.assume_role(RoleArn=role_arn, RoleSessionName=SESSION_NAME, **extra)["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


class Session:
    """The clients of one module run. A role is assumed once, and only when the first client is asked for."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._module = module
        self._role_arn: str | None = module.params.get("assume_role_arn")
        self._external_id: str | None = module.params.get("assume_role_external_id")
        self._credentials: dict[str, str] | None = None
        self._clients: dict[tuple[str, str | None], Any] = {}

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a boto3 client.

        Args:
            service: boto3's name of the service, such as ``acm``.
            region: the region to talk to; None is the region of the task or of the environment.

        Raises:
            ServiceError: no credentials, no region, or the role cannot be assumed.
            PlanError: the option names no role.
        """
        key = (service, region or self.region)
        if key not in self._clients:
            self._clients[key] = self._connect(service, key[1], self._assumed(key[1]))
        return self._clients[key]

    @property
    def region(self) -> str | None:
        """The region of the task or of the environment."""
        return get_aws_connection_info(self._module)[0]

    @property
    def explicit_region(self) -> str | None:
        """The option ``region``, and None where it merely repeats the environment."""
        value: str | None = self._module.params.get("region")
        return None if value in (os.environ.get("AWS_REGION"), os.environ.get("AWS_DEFAULT_REGION")) else value

    def region_of(self, arn: CertificateArn) -> str:
        """Return the region of a certificate; an option ``region`` that names another one is a mistake.

        Raises:
            CertificateError: the option ``region`` and the ARN disagree.
        """
        asked = self.explicit_region
        if asked and asked != arn.region:
            raise CertificateError(
                f"certificate {arn} lives in {arn.region}, this task asks {asked}: "
                f"set region: {arn.region} or leave it out"
            )
        return arn.region

    def _assumed(self, region: str | None) -> dict[str, str]:
        if not self._role_arn:
            return {}
        if self._credentials is None:
            if not _ROLE_ARN.fullmatch(self._role_arn):
                raise PlanError(
                    f"assume_role_arn '{self._role_arn}' is not the ARN of a role: "
                    "expected arn:aws:iam::<account>:role/<name>"
                )
            sts = self._connect("sts", region, {})
            self._credentials = assume_role(sts, role_arn=self._role_arn, external_id=self._external_id)
        return self._credentials

    def _connect(self, service: str, region: str | None, credentials: dict[str, str]) -> Any:
        _region, endpoint, options = get_aws_connection_info(self._module)
        if credentials:
            options = {**options, **credentials}
            options.pop("profile_name", None)
        config = Config(
            connect_timeout=CONNECT_TIMEOUT, retries={"mode": "standard", "total_max_attempts": CONNECT_ATTEMPTS}
        )
        try:
            return boto3_inventory_conn(
                conn_type="client", resource=service, region=region, endpoint=endpoint, config=config, **options
            )
        except (BotoCoreError, ValueError) as error:
            raise ServiceError(sentence_for_connection(error, service), operation=f"{service}:connect") from None
