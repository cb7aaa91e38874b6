# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to AWS Secrets Manager: one function per API call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

try:
    from botocore.exceptions import ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler


class SecretsManagerErrorHandler(ServiceErrorHandler):
    """Sentences for AWS Secrets Manager."""

    SERVICE = "secretsmanager"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "ResourceNotFoundException": (
            "no secret {resource} in this account and {region}: check name, region and assume_role_arn"
        ),
        "EncryptionFailure": (
            "the KMS key of secret {resource} cannot encrypt ({message}): allow kms:GenerateDataKey and kms:Decrypt "
            "on it, and check that it is enabled (docs/iam.md)"
        ),
        "DecryptionFailure": (
            "the KMS key of secret {resource} cannot decrypt ({message}): allow kms:Decrypt on it, "
            "and check that it is enabled (docs/iam.md)"
        ),
        "LimitExceededException": "secret {resource} holds as much as AWS allows ({message}): lower keep_versions",
        "MalformedPolicyDocumentException": "resource_policy of secret {resource} is not a valid policy: {message}",
        "PublicPolicyException": (
            "resource_policy of secret {resource} would let everybody read it: name the principals that may"
        ),
    }


@dataclass(frozen=True)
class SecretVersion:
    """One version of a secret."""

    arn: str
    version_id: str
    value: str | None = field(repr=False, default=None)


class Missing(Enum):
    """What GetSecretValue did not find."""

    SECRET = "secret"
    VERSION = "version"


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


def _marked_deleted(error: Any) -> bool:
    return _code(error) == "InvalidRequestException" and "delet" in str(error.response["Error"].get("Message", ""))


class SecretScheduledForDeletion(Exception):
    """The secret is in its recovery window: nothing but restoring it works."""


@SecretsManagerErrorHandler.call("GetSecretValue", resource="name")
def get_secret_value(client: Any, name: str, stage: str) -> SecretVersion | Missing:
    """Return the version with a staging label, or what is missing.

    Raises:
        SecretScheduledForDeletion: the secret is in its recovery window.
    """
    try:
        answer = client.get_secret_value(SecretId=name, VersionStage=stage)
    except ClientError as error:
        if _marked_deleted(error):
            raise SecretScheduledForDeletion from None
        if _code(error) != "ResourceNotFoundException":
            raise
        # "can't find the specified secret value for staging label: ..." as opposed to "... specified secret."
        return Missing.VERSION if "secret value" in error.response["Error"].get("Message", "") else Missing.SECRET
    return SecretVersion(answer["ARN"], answer["VersionId"], answer.get("SecretString"))


@SecretsManagerErrorHandler.call("CreateSecret", resource="name")
def create_secret(client: Any, name: str, options: Mapping[str, Any]) -> bool:
    """Create a secret without a version; False when a secret of this name is there already."""
    try:
        client.create_secret(Name=name, **options)
    except ClientError as error:
        if _code(error) != "ResourceExistsException":
            raise
        return False
    return True


@SecretsManagerErrorHandler.call("PutSecretValue", resource="name")
def put_secret_value(client: Any, name: str, version: Mapping[str, str], stages: Sequence[str]) -> SecretVersion | None:
    """Add a version with its staging labels; None when this version is there already, with another value."""
    try:
        answer = client.put_secret_value(SecretId=name, VersionStages=list(stages), **version)
    except ClientError as error:
        if _code(error) != "ResourceExistsException":
            raise
        return None
    return SecretVersion(answer["ARN"], answer["VersionId"], version["SecretString"])


@SecretsManagerErrorHandler.call("UpdateSecretVersionStage", resource="name")
def remove_stage(client: Any, name: str, stage: str, version_id: str) -> None:
    """Take a staging label off a version. A version without a label is deleted by AWS in time."""
    client.update_secret_version_stage(SecretId=name, VersionStage=stage, RemoveFromVersionId=version_id)


@SecretsManagerErrorHandler.call("ListSecretVersionIds", resource="name")
def list_labelled_versions(client: Any, name: str) -> list[dict[str, Any]]:
    """Return the versions that carry a label. One page holds 100, a secret has at most 20 labels."""
    return client.list_secret_version_ids(SecretId=name, MaxResults=100).get("Versions", [])


@SecretsManagerErrorHandler.call("DescribeSecret", resource="name")
def describe_secret(client: Any, name: str) -> dict[str, Any] | None:
    """Return a secret without its value, or None."""
    try:
        return client.describe_secret(SecretId=name)
    except ClientError as error:
        if _code(error) != "ResourceNotFoundException":
            raise
        return None


@SecretsManagerErrorHandler.call("UpdateSecret", resource="name")
def set_kms_key(client: Any, name: str, kms_key_id: str) -> None:
    """Encrypt the secret with another KMS key."""
    client.update_secret(SecretId=name, KmsKeyId=kms_key_id)


@SecretsManagerErrorHandler.call("TagResource", resource="name")
def tag_resource(client: Any, name: str, tags: Mapping[str, str]) -> None:
    """Set tags."""
    client.tag_resource(SecretId=name, Tags=tag_list(tags))


@SecretsManagerErrorHandler.call("UntagResource", resource="name")
def untag_resource(client: Any, name: str, keys: Sequence[str]) -> None:
    """Remove tags."""
    client.untag_resource(SecretId=name, TagKeys=list(keys))


@SecretsManagerErrorHandler.call("GetResourcePolicy", resource="name")
def get_resource_policy(client: Any, name: str) -> str | None:
    """Return the resource policy as JSON text, or None."""
    return client.get_resource_policy(SecretId=name).get("ResourcePolicy")


@SecretsManagerErrorHandler.call("PutResourcePolicy", resource="name")
def put_resource_policy(client: Any, name: str, policy: str) -> None:
    """Set the resource policy; AWS refuses one that lets everybody read."""
    client.put_resource_policy(SecretId=name, ResourcePolicy=policy, BlockPublicPolicy=True)


@SecretsManagerErrorHandler.call("DeleteSecret", resource="name")
def delete_secret(client: Any, name: str, recovery_window_days: int) -> None:
    """Schedule the secret for deletion."""
    client.delete_secret(SecretId=name, RecoveryWindowInDays=recovery_window_days)


@SecretsManagerErrorHandler.call("RestoreSecret", resource="name")
def restore_secret(client: Any, name: str) -> None:
    """Call a scheduled deletion off."""
    client.restore_secret(SecretId=name)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the notation of the API."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
