# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway to DynamoDB: one function per API call. Items are plain Python values."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

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


@DynamodbErrorHandler.call("PutItem", resource="table")
def put_item_if(client: Any, table: str, item: Mapping[str, Any], condition: Mapping[str, Any]) -> Item | None:
    """Write an item if a condition holds; return the item that stands in the way, or None when written."""
    try:
        client.put_item(TableName=table, Item=encode(item), ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition)
    except ClientError as error:
        answer: dict[str, Any] = error.response
        if answer["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return decode(answer.get("Item", {}))
    return None


@DynamodbErrorHandler.call("DeleteItem", resource="table")
def delete_item(client: Any, table: str, key: Mapping[str, str]) -> Item | None:
    """Delete an item; return what it was, or None when there was none."""
    old = client.delete_item(TableName=table, Key=encode(key), ReturnValues="ALL_OLD").get("Attributes")
    return decode(old) if old else None


@DynamodbErrorHandler.call("DeleteItem", resource="table")
def delete_item_if(client: Any, table: str, key: Mapping[str, str], condition: Mapping[str, Any]) -> bool:
    """Delete an item if a condition holds; tell whether it did."""
    try:
        client.delete_item(TableName=table, Key=encode(key), **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


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
