# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets Manager as moto has it, with versions and staging labels put right.

What is corrected, as AWS documents it:

* a read without stage or version gives the version that carries AWSCURRENT *now*;
* moving AWSCURRENT leaves every other label of the old version where it is, and a label that a new
  version takes leaves the version that had it;
* a label in use can only be moved with RemoveFromVersionId;
* a ClientRequestToken used before with other content is refused, whatever its labels, and with the
  same content changes nothing, not even labels;
* a secret scheduled for deletion can be described and restored, not read or changed, and its name
  not be taken;
* a missing label or version is told apart from a missing secret;
* at most 20 labels a version; unlabelled versions are not described; policies must be JSON.
"""

from __future__ import annotations

import json
from typing import Any

from moto.secretsmanager import exceptions, models, urls
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
_MOST_LABELS = 20
_DELETED = "You can't perform this operation on the secret because it was marked for deletion."


class _LimitExceeded(exceptions.SecretsManagerClientError):
    def __init__(self, message: str) -> None:
        super().__init__("LimitExceededException", message)


class _MalformedPolicy(exceptions.SecretsManagerClientError):
    def __init__(self, message: str) -> None:
        super().__init__("MalformedPolicyDocumentException", message)


class SecretsBackend(SecretsManagerBackend):
    """Replaces moto's backend of the same service."""

    @property
    def _url_module(self) -> Any:
        return urls

    def get_secret_value(self, secret_id: str, version_id: str, version_stage: str) -> dict[str, Any]:
        secret = self._usable(secret_id)
        if version_id and version_id not in secret.versions:
            raise _no_value("VersionId", version_id)
        if version_id and version_stage and version_stage not in _labels(secret, version_id):
            raise exceptions.SecretStageVersionMismatchException()
        if not version_id:
            label = version_stage or CURRENT
            version_id = _holder(secret, label) or ""
            if not version_id:
                raise _no_value("staging label", label)
        return super().get_secret_value(secret_id, version_id, "")

    def create_secret(self, name: str, *args: Any, **kwargs: Any) -> str:
        existing = self.secrets.get(name)
        if existing and existing.is_deleted():
            raise exceptions.InvalidRequestException(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        return super().create_secret(name, *args, **kwargs)

    def put_secret_value(
        self,
        secret_id: str,
        secret_string: str,
        secret_binary: str,
        client_request_token: str,
        version_stages: list[str],
    ) -> str:
        secret = self._usable(secret_id)
        if len(set(version_stages)) > _MOST_LABELS:
            raise _LimitExceeded(f"A version can have at most {_MOST_LABELS} staging labels.")
        if self._is_repeated(secret, client_request_token, secret_string, secret_binary):
            return str(secret.to_short_dict(include_version_stages=True, version_id=client_request_token))
        return super().put_secret_value(
            secret_id, secret_string, secret_binary, client_request_token, list(dict.fromkeys(version_stages))
        )

    def update_secret(
        self,
        secret_id: str,
        secret_string: str | None = None,
        secret_binary: str | None = None,
        client_request_token: str | None = None,
        kms_key_id: str | None = None,
        description: str | None = None,
    ) -> str:
        secret = self._usable(secret_id)
        if secret_string or secret_binary:
            self._is_repeated(secret, client_request_token, secret_string, secret_binary)
        return super().update_secret(
            secret_id, secret_string, secret_binary, client_request_token, kms_key_id, description
        )

    def update_secret_version_stage(
        self, secret_id: str, version_stage: str, remove_from_version_id: str, move_to_version_id: str
    ) -> tuple[str, str]:
        secret = self._usable(secret_id)
        holder = _holder(secret, version_stage)
        if holder and not remove_from_version_id and holder != move_to_version_id:
            raise exceptions.InvalidParameterException(
                f"The parameter RemoveFromVersionId can't be empty. Staging label {version_stage} is currently "
                f"attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )
        if version_stage == CURRENT and not move_to_version_id:
            raise exceptions.InvalidParameterException("You can't remove AWSCURRENT without moving it to a version.")
        if holder == move_to_version_id and not remove_from_version_id:
            return secret.arn, secret.name
        _check_room(secret, move_to_version_id, version_stage)
        answer = super().update_secret_version_stage(
            secret_id, version_stage, remove_from_version_id, move_to_version_id
        )
        secret.set_default_version_id(_holder(secret, CURRENT))
        return answer

    def put_resource_policy(self, secret_id: str, policy: str) -> tuple[str, str]:
        self._usable(secret_id)
        try:
            document = json.loads(policy)
        except ValueError:
            raise _MalformedPolicy("This resource policy contains a syntax error.") from None
        if not isinstance(document, dict) or not document.get("Statement"):
            raise _MalformedPolicy("This resource policy contains no statement.")
        return super().put_resource_policy(secret_id, policy)

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        self._usable(arn)
        super().tag_resource(arn, tags)

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        self._usable(arn)
        super().untag_resource(arn, tag_keys)

    def delete_secret(self, secret_id: str, *args: Any, **kwargs: Any) -> tuple[str, str, float]:
        existing = self.secrets.get(secret_id)
        if existing and existing.is_deleted() and not kwargs.get("force_delete_without_recovery"):
            raise exceptions.InvalidRequestException(_DELETED)
        return super().delete_secret(secret_id, *args, **kwargs)

    def _usable(self, secret_id: str) -> Any:
        secret = self.secrets.get(secret_id)
        if secret is None:
            raise exceptions.SecretNotFoundException()
        if secret.is_deleted():
            raise exceptions.InvalidRequestException(_DELETED)
        return secret

    def _is_repeated(self, secret: Any, token: str | None, string: str | None, binary: str | None) -> bool:
        """Whether this very version exists; the same token with other content is refused."""
        version = secret.versions.get(token) if token else None
        if version and (version.get("secret_string"), version.get("secret_binary")) != (string, binary):
            raise exceptions.ResourceExistsException(
                f"You can't use ClientRequestToken {token} because that value is already in use for a version of "
                f"secret {secret.arn}."
            )
        return version is not None


def _reset_default_version(self: FakeSecret, secret_version: dict[str, Any], version_id: str) -> None:
    """A new version becomes current: AWSPREVIOUS goes to the one before, all other labels stay."""
    current = _holder(self, CURRENT)
    taken = [*secret_version["version_stages"], *([PREVIOUS] if current else [])]
    self.remove_version_stages_from_old_versions(taken)
    if current:
        self.versions[current]["version_stages"].append(PREVIOUS)
    self.versions[version_id] = secret_version
    self.set_default_version_id(version_id)


def _labelled_versions(self: FakeSecret) -> dict[str, Any]:
    """Versions without a label are deprecated: AWS does not describe them."""
    return {
        version_id: version["version_stages"]
        for version_id, version in self.versions.items()
        if version["version_stages"]
    }


def _labels(secret: Any, version_id: str) -> list[str]:
    labels: list[str] = secret.versions[version_id]["version_stages"]
    return labels


def _holder(secret: Any, label: str) -> str | None:
    return next((version_id for version_id in secret.versions if label in _labels(secret, version_id)), None)


def _check_room(secret: Any, version_id: str | None, label: str) -> None:
    if version_id and version_id in secret.versions and len({*_labels(secret, version_id), label}) > _MOST_LABELS:
        raise _LimitExceeded(f"A version can have at most {_MOST_LABELS} staging labels.")


def _no_value(kind: str, name: str) -> exceptions.ResourceNotFoundException:
    return exceptions.ResourceNotFoundException(
        f"Secrets Manager can't find the specified secret value for {kind}: {name}"
    )


def install() -> None:
    """Put this backend where moto looks for its own."""
    models.secretsmanager_backends.backend = SecretsBackend
    FakeSecret.reset_default_version = _reset_default_version
    FakeSecret._form_version_ids_to_stages = _labelled_versions
