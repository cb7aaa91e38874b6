# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DynamoDB table of the inventory: what it looks like, and how it is made, completed and removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

try:
    from botocore.exceptions import ClientError, WaiterError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.certops.acm.plugins.module_utils.dynamodb import BY_HOST, DynamodbErrorHandler
from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError, ServiceError

KEY_SCHEMA = {"pk": "HASH", "sk": "RANGE"}


@dataclass(frozen=True)
class TableOptions:
    """What can be chosen about the table.

    Attributes:
        kms_key_id: key that encrypts it; None is the key DynamoDB owns.
    """

    kms_key_id: str | None = None
    deletion_protection: bool = True


@DynamodbErrorHandler.call("DescribeTable", resource="table")
def describe_table(client: Any, table: str) -> dict[str, Any] | None:
    """Return the description of the table, or None when there is none."""
    try:
        return client.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None


@DynamodbErrorHandler.call("CreateTable", resource="table")
def create_table(client: Any, table: str, definition: Mapping[str, Any]) -> None:
    """Ask for a table; use ``wait_for_table`` then."""
    client.create_table(TableName=table, **definition)


@DynamodbErrorHandler.call("DescribeTable", resource="table")
def wait_for_table(client: Any, table: str, waiter: str = "table_exists") -> None:
    """Wait until a table is there, or gone (``table_not_exists``): at most 5 minutes."""
    try:
        client.get_waiter(waiter).wait(TableName=table, WaiterConfig={"Delay": 3, "MaxAttempts": 100})
    except WaiterError:
        wanted = "ready" if waiter == "table_exists" else "deleted"
        raise ServiceError(
            f"table {table} is not {wanted} after 5 minutes: look at it in the AWS console and run again",
            operation="dynamodb:DescribeTable",
        ) from None


@DynamodbErrorHandler.call("DescribeContinuousBackups", resource="table")
def has_point_in_time_recovery(client: Any, table: str) -> bool:
    """Tell whether point-in-time recovery is on."""
    backups = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    status = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return bool(status == "ENABLED")


@DynamodbErrorHandler.call("UpdateContinuousBackups", resource="table")
def enable_point_in_time_recovery(client: Any, table: str) -> None:
    """Turn point-in-time recovery on."""
    client.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


@DynamodbErrorHandler.call("UpdateTable", resource="table")
def update_table(client: Any, table: str, changes: Mapping[str, Any]) -> None:
    """Change settings of a table, such as its deletion protection."""
    client.update_table(TableName=table, **changes)


@DynamodbErrorHandler.call("DeleteTable", resource="table")
def delete_table(client: Any, table: str) -> None:
    """Delete a table with all it holds."""
    client.delete_table(TableName=table)


def definition(options: TableOptions) -> dict[str, Any]:
    """Return the parameters of CreateTable."""
    request: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "host")],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in KEY_SCHEMA.items()],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": BY_HOST,
                "KeySchema": [
                    {"AttributeName": "host", "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "DeletionProtectionEnabled": options.deletion_protection,
    }
    if options.kms_key_id:
        request["SSESpecification"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": options.kms_key_id}
    return request


def ensure_table(client: Any, table: str, options: TableOptions, *, check_mode: bool = False) -> list[str]:
    """Make the table what it should be and wait until it is usable.

    Returns:
        What was changed, or would be in check mode; empty when the table is complete.
    """
    found = describe_table(client, table)
    if found is None:
        if not check_mode:
            create_table(client, table, definition(options))
            wait_for_table(client, table)
            enable_point_in_time_recovery(client, table)
        return ["created the table", "turned point-in-time recovery on"]
    check_shape(table, found)
    if found.get("TableStatus") not in ("ACTIVE", "UPDATING") and not check_mode:
        wait_for_table(client, table)
    return _complete(client, table, options, found, check_mode=check_mode)


def _complete(
    client: Any, table: str, options: TableOptions, found: Mapping[str, Any], *, check_mode: bool
) -> list[str]:
    """Turn on what is off. Nothing is ever turned off, but deletion protection when asked."""
    changes = []
    if not has_point_in_time_recovery(client, table):
        changes.append("turned point-in-time recovery on")
        if not check_mode:
            enable_point_in_time_recovery(client, table)
    if bool(found.get("DeletionProtectionEnabled")) != options.deletion_protection:
        changes.append(f"turned deletion protection {'on' if options.deletion_protection else 'off'}")
        if not check_mode:
            update_table(client, table, {"DeletionProtectionEnabled": options.deletion_protection})
    return changes


def check_shape(table: str, found: Mapping[str, Any]) -> None:
    """Check that a table that exists is one of ours.

    Raises:
        PlanError: its keys or its index are others.
    """
    keys = {entry["AttributeName"]: entry["KeyType"] for entry in found.get("KeySchema", ())}
    indexes = {index["IndexName"] for index in found.get("GlobalSecondaryIndexes", ())}
    if keys != KEY_SCHEMA or BY_HOST not in indexes:
        raise PlanError(
            f"table {table} exists but is not an inventory of certops.acm (it needs the keys pk and sk and the index "
            f"{BY_HOST}): choose another table_name"
        )


def remove_table(client: Any, table: str, *, check_mode: bool = False) -> bool:
    """Delete the table with all it holds; tell whether there was one.

    Raises:
        PlanError: deletion protection is on, or the table is not one of ours.
    """
    found = describe_table(client, table)
    if found is None or found.get("TableStatus") == "DELETING":
        return False
    check_shape(table, found)
    if found.get("DeletionProtectionEnabled"):
        raise PlanError(
            f"table {table} is protected from deletion: turn that off first with create_table: true and "
            "deletion_protection: false"
        )
    if not check_mode:
        delete_table(client, table)
        wait_for_table(client, table, "table_not_exists")
    return True
