# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to DynamoDB: one function per API call. Items are plain Python values."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

try:
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
    from botocore.exceptions import ClientError
except ImportError:  # AnsibleAWSModule reports the missing library
    pass

from ansible_collections.certops.acm.plugins.module_utils.errors import ServiceError
from ansible_collections.certops.acm.plugins.module_utils.service_errors import ServiceErrorHandler

BATCH = 25
BATCH_TRIES = 8
BY_HOST = "by_host"

Item = dict[str, Any]


class DynamodbErrorHandler(ServiceErrorHandler):
    """Sentences for DynamoDB."""

    SERVICE = "dynamodb"
    SENTENCES: ClassVar[Mapping[str, str]] = {
        "ResourceNotFoundException": (
            "table {resource} does not exist in {region} of this account: run ansible-playbook certops.acm.setup_aws "
            "or set create_table: true; or check table_name, region and assume_role_arn"
        ),
        "ResourceInUseException": "table {resource} is being created or changed: run again in a minute",
        "LimitExceededException": "too many tables are being created or changed at once: run again in a minute",
        "ItemCollectionSizeLimitExceededException": "certificate has too many records in table {resource}: {message}",
    }

    @classmethod
    def _raise(cls, error: Exception, *, operation: str, resource: str | None, client: Any) -> NoReturn:
        # A transaction needs several actions; AWS names the one that is missing.
        named = re.search(r"perform: dynamodb:(\w+)", str(error))
        super()._raise(error, operation=named.group(1) if named else operation, resource=resource, client=client)


def _plain(value: Any) -> Any:
    """Turn what boto3 deserialized into plain Python: numbers come as Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def _storable(value: Any) -> Any:
    """Turn plain Python into what boto3 serializes: it refuses float and subclasses of str."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _storable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(entry) for entry in value]
    return value


def encode(item: Mapping[str, Any]) -> Item:
    """Return an item in DynamoDB's notation."""
    serializer = TypeSerializer()
    return {name: serializer.serialize(_storable(value)) for name, value in item.items()}


def decode(item: Mapping[str, Any]) -> Item:
    """Return an item as plain Python."""
    deserializer = TypeDeserializer()
    return {name: _plain(deserializer.deserialize(value)) for name, value in item.items()}


@DynamodbErrorHandler.call("GetItem", resource="table")
def get_item(client: Any, table: str, key: Mapping[str, str]) -> Item | None:
    """Return an item, or None."""
    answer = client.get_item(TableName=table, Key=encode(key), ConsistentRead=True)
    return decode(answer["Item"]) if "Item" in answer else None


@DynamodbErrorHandler.call("PutItem", resource="table")
def put_item(client: Any, table: str, item: Mapping[str, Any]) -> Item | None:
    """Write an item; return what it replaced, or None."""
    old = client.put_item(TableName=table, Item=encode(item), ReturnValues="ALL_OLD").get("Attributes")
    return decode(old) if old else None


@DynamodbErrorHandler.call("UpdateItem", resource="table")
def update_item_if(client: Any, table: str, key: Mapping[str, str], update: Mapping[str, Any]) -> tuple[bool, Item]:
    """Update an item, or make it, if a condition holds; tell whether it did, and return the item as it is then."""
    handed = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    try:
        answer = client.update_item(TableName=table, Key=encode(key), **handed, **update)
    except ClientError as error:
        refusal: dict[str, Any] = error.response
        if refusal["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False, decode(refusal.get("Item", {}))
    return True, decode(answer["Attributes"])


@DynamodbErrorHandler.call("DeleteItem", resource="table")
def delete_item(client: Any, table: str, key: Mapping[str, str]) -> Item | None:
    """Delete an item; return what it was, or None when there was none."""
    old = client.delete_item(TableName=table, Key=encode(key), ReturnValues="ALL_OLD").get("Attributes")
    return decode(old) if old else None


@DynamodbErrorHandler.call("Query", resource="table")
def query_page(client: Any, table: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page of a query."""
    return client.query(TableName=table, **request)


@DynamodbErrorHandler.call("Scan", resource="table")
def scan_page(client: Any, table: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page of the whole table."""
    return client.scan(TableName=table, **request)


@DynamodbErrorHandler.call("BatchWriteItem", resource="table")
def batch_write(client: Any, table: str, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write up to 25 requests; return those DynamoDB did not take."""
    answer = client.batch_write_item(RequestItems={table: list(requests)})
    return answer.get("UnprocessedItems", {}).get(table, [])


@dataclass(frozen=True)
class Refused:
    """Why an operation of a transaction was not done; ``code`` is ``None`` (the text) for one that could have been."""

    code: str
    message: str
    item: Item


# There is no IAM action TransactWriteItems: each part needs its own.
@DynamodbErrorHandler.call("ConditionCheckItem", resource="table")
def transact_write(client: Any, table: str, operations: Sequence[Mapping[str, Any]]) -> list[Refused]:
    """Do up to 100 operations on ``table``, all or none; return nothing, or for each operation why it was not done."""
    try:
        client.transact_write_items(TransactItems=list(operations))
    except ClientError as error:
        answer: dict[str, Any] = error.response
        if answer["Error"]["Code"] != "TransactionCanceledException" or not answer.get("CancellationReasons"):
            raise
        return [
            Refused(str(reason.get("Code")), str(reason.get("Message")), decode(reason.get("Item") or {}))
            for reason in answer["CancellationReasons"]
        ]
    return []


def query_certificate(client: Any, table: str, certificate_arn: str) -> list[Item]:
    """Return all items of a certificate."""
    request = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": encode({":pk": certificate_arn}),
        "ConsistentRead": True,
    }
    return list(_pages(query_page, client, table, request))


def query_host(client: Any, table: str, host: str) -> list[Item]:
    """Return the deployments of a host. The index follows the table within a second or so."""
    request = {
        "IndexName": BY_HOST,
        "KeyConditionExpression": "#host = :host",
        "ExpressionAttributeNames": {"#host": "host"},
        "ExpressionAttributeValues": encode({":host": host}),
    }
    return list(_pages(query_page, client, table, request))


def scan(client: Any, table: str) -> list[Item]:
    """Return all items of the table."""
    return list(_pages(scan_page, client, table, {"ConsistentRead": True}))


def _pages(call: Any, client: Any, table: str, request: dict[str, Any]) -> Iterator[Item]:
    while True:
        page = call(client, table, request)
        yield from map(decode, page.get("Items", ()))
        if not page.get("LastEvaluatedKey"):
            return
        request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def write_all(client: Any, table: str, requests: Sequence[Mapping[str, Any]]) -> None:
    """Write any number of requests, 25 a call; what DynamoDB did not take is tried again, bounded.

    Raises:
        ServiceError: something was still not taken after the last try.
    """
    for start in range(0, len(requests), BATCH):
        left = list(requests[start : start + BATCH])
        for attempt in range(BATCH_TRIES):
            left = batch_write(client, table, left)  # type: ignore[assignment]
            if not left:
                break
            time.sleep(min(5, 0.1 * 2**attempt))
        else:
            raise ServiceError(
                f"DynamoDB did not take {len(left)} of {len(requests)} records of table {table} in {BATCH_TRIES} "
                "tries: run again, records already written stay as they are",
                operation="dynamodb:BatchWriteItem",
                code="UnprocessedItems",
            )
