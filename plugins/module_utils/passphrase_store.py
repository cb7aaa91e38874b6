# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passphrases in Secrets Manager: one secret for a certificate, one version for each of its serials.

A host that still serves the old bundle can always read the passphrase of its old key, because the version of
a serial is never written twice. Its staging label is ``serial-<hex>``.
"""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ansible_collections.certops.acm.plugins.module_utils import passphrase, secrets_manager
from ansible_collections.certops.acm.plugins.module_utils.certificate import CertificateArn
from ansible_collections.certops.acm.plugins.module_utils.errors import PassphraseError
from ansible_collections.certops.acm.plugins.module_utils.secrets_manager import (
    Missing,
    SecretScheduledForDeletion,
    SecretVersion,
)

LABEL = "serial-"
CURRENT = "AWSCURRENT"
DESCRIPTION = "Passphrases of the private key of an ACM certificate, one version for each serial (certops.acm)"


@dataclass(frozen=True)
class SecretOptions:
    """What the secret shall be like. None leaves a thing as it is.

    Attributes:
        purge_tags: remove tags that are not in ``tags``.
        resource_policy: a policy document.
        keep_versions: serials whose passphrase stays readable.
    """

    tags: Mapping[str, str] | None = None
    purge_tags: bool = False
    kms_key_id: str | None = None
    resource_policy: Mapping[str, Any] | None = None
    keep_versions: int = 10

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> SecretOptions:
        """Read the options of a module, and check their ranges.

        Raises:
            PassphraseError: a number is out of its range.
        """
        for name, low, high in (("keep_versions", 1, 15), ("recovery_window_days", 7, 30), ("length", 32, 128)):
            if not low <= params[name] <= high:
                raise PassphraseError(f"{name} is {params[name]}: give a number from {low} to {high}")
        tags = params["tags"]
        return cls(
            tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
            purge_tags=params["purge_tags"],
            kms_key_id=params["kms_key_id"],
            resource_policy=params["resource_policy"],
            keep_versions=params["keep_versions"],
        )

    @property
    def asks_for_properties(self) -> bool:
        """Tell whether the properties of an existing secret have to be looked at."""
        return self.tags is not None or bool(self.kms_key_id) or self.resource_policy is not None


@dataclass
class Outcome:
    """What ``PassphraseStore.ensure`` found and did. ``version`` is None in check mode when it would be made."""

    version: SecretVersion | None
    created: bool = False
    actions: list[str] = field(default_factory=list)


def secret_name(name: str | None, arn: CertificateArn | None) -> str:
    """Return the name of a secret; its certificate gives it when nobody else does.

    Raises:
        PassphraseError: there is neither.
    """
    if name:
        return name
    if arn is None:
        raise PassphraseError("the secret has no name: give name or certificate_arn")
    return f"certops/acm/{arn.account}/{arn.id}"


def label(serial: str) -> str:
    """Return the staging label of a serial."""
    return LABEL + serial


def version_token(name: str, serial: str) -> str:
    """Return the id of the version of a serial. Two runs at once make the same, so only one of them wins."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"certops.acm/{name}/{serial}"))


@dataclass(frozen=True)
class PassphraseStore:
    """The secret of one certificate. In check mode nothing is written and no passphrase is made."""

    client: Any
    name: str
    options: SecretOptions = SecretOptions()
    check_mode: bool = False

    def ensure(self, serial: str, *, given: str | None, length: int, restore: bool) -> Outcome:
        """Return the passphrase of a serial; make and store it when there is none.

        Calls: 1 when it is there (GetSecretValue), 3 for a new secret (and CreateSecret, PutSecretValue),
        3 for a new serial (and PutSecretValue, ListSecretVersionIds); 1 or 2 more to compare properties.

        Args:
            given: store this passphrase instead of a generated one.
            length: characters of a generated passphrase.
            restore: call a scheduled deletion off.

        Raises:
            PassphraseError: the secret is scheduled for deletion, the given passphrase breaks a rule or is not
                the stored one.
            ServiceError: AWS refused.
        """
        if given is not None:
            passphrase.validate(given)
        actions: list[str] = []
        found = self._read(label(serial), restore, actions)
        if isinstance(found, SecretVersion):
            self._check_stored(found, serial, given)
            self._complete(actions)
            return Outcome(found, actions=actions)
        actions.append("created the secret" if found is Missing.SECRET else "added a version")
        if self.check_mode:
            return Outcome(None, created=True, actions=actions)
        if found is Missing.SECRET:
            secrets_manager.create_secret(self.client, self.name, self._creation())
            self._set_policy(actions)
        else:
            self._complete(actions)
        version, created = self._add(serial, given or passphrase.generate(length))
        self._check_stored(version, serial, given)
        if found is Missing.VERSION:
            self._forget_oldest(version.version_id, actions)
        return Outcome(version, created=created, actions=actions)

    def remove(self, recovery_window_days: int) -> bool:
        """Schedule the secret for deletion; tell whether it was there and not scheduled yet."""
        found = secrets_manager.describe_secret(self.client, self.name)
        if found is None or found.get("DeletedDate"):
            return False
        if not self.check_mode:
            secrets_manager.delete_secret(self.client, self.name, recovery_window_days)
        return True

    def _read(self, stage: str, restore: bool, actions: list[str]) -> SecretVersion | Missing:
        try:
            return secrets_manager.get_secret_value(self.client, self.name, stage)
        except SecretScheduledForDeletion:
            if not restore:
                raise PassphraseError(
                    f"secret {self.name} is scheduled for deletion: set restore: true to keep it, or give another name"
                ) from None
        actions.append("restored the secret")
        if self.check_mode:
            return Missing.VERSION  # whether the serial has a version cannot be read before it is restored
        secrets_manager.restore_secret(self.client, self.name)
        return secrets_manager.get_secret_value(self.client, self.name, stage)

    def _add(self, serial: str, value: str) -> tuple[SecretVersion, bool]:
        """Write the version of a serial. Of two runs at once one writes, and the other reads what it wrote."""
        version = {"ClientRequestToken": version_token(self.name, serial), "SecretString": value}
        written = secrets_manager.put_secret_value(self.client, self.name, version, [label(serial), CURRENT])
        if written:
            return written, True
        theirs = secrets_manager.get_secret_value(self.client, self.name, label(serial))
        if isinstance(theirs, SecretVersion):
            return theirs, False
        raise PassphraseError(
            f"secret {self.name} has the version of serial {serial} without its label {label(serial)}: attach the "
            f"label to version {version['ClientRequestToken']} again, or delete the secret and let hosts be redeployed"
        )

    def _check_stored(self, version: SecretVersion, serial: str, given: str | None) -> None:
        if version.value is None:
            raise PassphraseError(
                f"secret {self.name} holds no text for serial {serial}: it was not written by this module, "
                "give another name"
            )
        if given is not None and not hmac.compare_digest(given.encode("utf-8"), version.value.encode("utf-8")):
            raise PassphraseError(
                f"secret {self.name} holds another passphrase for serial {serial}, and a version is never changed "
                "because a host may hold a key encrypted with it: leave passphrase out to use the stored one"
            )

    def _forget_oldest(self, newest: str, actions: list[str]) -> None:
        """Take the labels off the oldest serials: a secret can have no more than 20 labels."""
        labelled = [
            (version["VersionId"] != newest, -version["CreatedDate"].timestamp(), version["VersionId"], stage)
            for version in secrets_manager.list_labelled_versions(self.client, self.name)
            for stage in version.get("VersionStages", ())
            if stage.startswith(LABEL)
        ]
        for _other, _age, version_id, stage in sorted(labelled)[self.options.keep_versions :]:
            secrets_manager.remove_stage(self.client, self.name, stage, version_id)
            actions.append(f"removed the label {stage}")

    def _creation(self) -> dict[str, Any]:
        request: dict[str, Any] = {"Description": DESCRIPTION}
        if self.options.tags:
            request["Tags"] = secrets_manager.tag_list(self.options.tags)
        if self.options.kms_key_id:
            request["KmsKeyId"] = self.options.kms_key_id
        return request

    def _complete(self, actions: list[str]) -> None:
        """Make the properties of an existing secret what was asked for."""
        if not self.options.asks_for_properties:
            return
        if self.options.tags is not None or self.options.kms_key_id:
            found = secrets_manager.describe_secret(self.client, self.name) or {}
            self._set_tags({tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}, actions)
            self._set_kms_key(found.get("KmsKeyId"), actions)
        self._set_policy(actions)

    def _set_tags(self, present: Mapping[str, str], actions: list[str]) -> None:
        if self.options.tags is None:
            return
        missing = {key: value for key, value in self.options.tags.items() if present.get(key) != value}
        surplus = sorted(set(present) - set(self.options.tags)) if self.options.purge_tags else []
        if missing:
            actions.append(f"set tags {', '.join(sorted(missing))}")
            if not self.check_mode:
                secrets_manager.tag_resource(self.client, self.name, missing)
        if surplus:
            actions.append(f"removed tags {', '.join(surplus)}")
            if not self.check_mode:
                secrets_manager.untag_resource(self.client, self.name, surplus)

    def _set_kms_key(self, present: str | None, actions: list[str]) -> None:
        wanted = self.options.kms_key_id
        if not wanted or present == wanted or (present or "").endswith(f"/{wanted}"):
            return
        actions.append("changed the KMS key")
        if not self.check_mode:
            secrets_manager.set_kms_key(self.client, self.name, wanted)

    def _set_policy(self, actions: list[str]) -> None:
        wanted = self.options.resource_policy
        if wanted is None:
            return
        present = secrets_manager.get_resource_policy(self.client, self.name)
        if present and not compare_policies(json.loads(present), dict(wanted)):
            return
        actions.append("set the resource policy")
        if not self.check_mode:
            secrets_manager.put_resource_policy(self.client, self.name, json.dumps(wanted))
