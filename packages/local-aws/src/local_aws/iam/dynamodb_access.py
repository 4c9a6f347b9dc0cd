"""The tables, indexes and partition keys of a DynamoDB call, as IAM sees them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from local_aws.aws_call import AwsCall
from local_aws.iam.access import Access, arn, parameters
from local_aws.iam.context import UNKNOWN
from local_aws.settings import ACCOUNT_ID

_WRITES = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
Parts = Iterable[tuple[str, str, Mapping[str, Any]]]  # (action, table, the item or its key)


def accesses(call: AwsCall) -> list[Access]:
    content, action = parameters(call), call.action or ""
    match action:
        case "BatchGetItem":
            return _by_table(call, _batch_reads(content), content)
        case "BatchWriteItem":
            return _by_table(call, _batch_writes(content), content)
        case "TransactGetItems" | "TransactWriteItems":
            return _by_table(call, _transaction(content), content, enclosing=action)
        case "GetItem" | "DeleteItem" | "UpdateItem":
            return _by_table(
                call, [(action, content.get("TableName", ""), content.get("Key", {}))], content
            )
        case "PutItem":
            return _by_table(
                call, [(action, content.get("TableName", ""), content.get("Item", {}))], content
            )
        case "Query" | "Scan":
            return [_read_many(call, action, content)]
    resource = content.get("StreamArn") or content.get("ResourceArn")
    table = content.get("TableName")
    return [
        Access(f"dynamodb:{action}", str(resource or (_table_arn(call, table) if table else "*")))
    ]


def _batch_reads(content: Mapping[str, Any]) -> Parts:
    for table, wanted in content.get("RequestItems", {}).items():
        for key in wanted.get("Keys", []):
            yield "BatchGetItem", table, key


def _batch_writes(content: Mapping[str, Any]) -> Parts:
    for table, requests in content.get("RequestItems", {}).items():
        for request in requests:
            yield "BatchWriteItem", table, _written(request)


def _written(request: Mapping[str, Any]) -> Mapping[str, Any]:
    put = request.get("PutRequest", {}).get("Item")
    deleted = request.get("DeleteRequest", {}).get("Key")
    return put or deleted or {}


def _transaction(content: Mapping[str, Any]) -> Parts:
    """Map TransactWriteItems to the actions of its parts; IAM has no action for the call itself."""
    for part in content.get("TransactItems", []):
        for kind, operation in part.items():
            item = operation.get("Item") or operation.get("Key") or {}
            yield (
                "GetItem" if kind == "Get" else _WRITES.get(kind, kind),
                operation.get("TableName", ""),
                item,
            )


def _by_table(
    call: AwsCall, parts: Parts, content: Mapping[str, Any], enclosing: str = ""
) -> list[Access]:
    """Return one access per action and table, with all partition keys that the call touches.

    One key that cannot be read makes them all unknown, so that a condition on them fails closed.
    """
    leading: dict[tuple[str, str], dict[str | None, None]] = {}
    for action, table, item in parts:
        key = _plain(item.get(_hash_key(call, table, None), {}))
        leading.setdefault((action, table), {})[key] = None
    return [
        Access(
            f"dynamodb:{action}",
            _table_arn(call, table),
            _context(content, _known(keys), enclosing),
        )
        for (action, table), keys in leading.items()
    ] or [Access(f"dynamodb:{call.action}")]


def _known(keys: Iterable[str | None]) -> tuple[str, ...] | None:
    found = tuple(key for key in keys if key is not None)
    return UNKNOWN if len(found) < len(list(keys)) else found


def _read_many(call: AwsCall, action: str, content: Mapping[str, Any]) -> Access:
    table, index = content.get("TableName", ""), content.get("IndexName")
    resource = _table_arn(call, table) + (f"/index/{index}" if index else "")
    context = _context(content, _queried(call, content) if action == "Query" else ())
    if action == "Scan":
        # AWS sends no keys for a Scan, so `ForAllValues` on them is true.
        # A policy must not allow Scan.
        del context["dynamodb:LeadingKeys"]
    context["dynamodb:Select"] = content.get(
        "Select", "ALL_PROJECTED_ATTRIBUTES" if index else "ALL_ATTRIBUTES"
    )
    return Access(f"dynamodb:{action}", resource, context)


def _queried(call: AwsCall, content: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the partition key's value in a KeyConditionExpression.

    The value is unknown if it cannot be parsed.
    """
    wanted = _hash_key(call, content.get("TableName", ""), content.get("IndexName"))
    names = content.get("ExpressionAttributeNames", {})
    for name, value in re.findall(
        r"([#\w.-]+)\s*=\s*(:\w+)", content.get("KeyConditionExpression", "")
    ):
        if names.get(name, name) == wanted:
            key = _plain(content.get("ExpressionAttributeValues", {}).get(value, {}))
            return UNKNOWN if key is None else (key,)
    return UNKNOWN


def _context(
    content: Mapping[str, Any], leading: tuple[str, ...] | None, enclosing: str = ""
) -> dict[str, str | tuple[str, ...] | None]:
    context: dict[str, str | tuple[str, ...] | None] = {
        "dynamodb:LeadingKeys": leading or UNKNOWN,
        "dynamodb:Attributes": UNKNOWN,  # projection and update expressions are not parsed here
        "dynamodb:ReturnValues": content.get("ReturnValues", "NONE"),
        "dynamodb:ReturnConsumedCapacity": content.get("ReturnConsumedCapacity", "NONE"),
    }
    return context | ({"dynamodb:EnclosingOperation": enclosing} if enclosing else {})


def _plain(value: Any) -> str | None:
    """Return `U#1` for `{"S": "U#1"}`; numbers and base64 stay as they are written."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    kind, content = next(iter(value.items()))
    return str(content) if kind in ("S", "N", "B") else None


def _hash_key(call: AwsCall, table: str, index: str | None) -> str:
    """Return the partition key's name; empty if moto has no such table or index."""
    from moto.dynamodb.models import dynamodb_backends

    found = dynamodb_backends[ACCOUNT_ID][call.region].tables.get(table.rsplit("/", 1)[-1])
    if found is None:
        return ""
    if index is None:
        return str(found.hash_key_attr)
    schemas = [
        each.schema for each in (*found.global_indexes, *found.indexes) if each.name == index
    ]
    return next(
        (key["AttributeName"] for schema in schemas for key in schema if key["KeyType"] == "HASH"),
        "",
    )


def _table_arn(call: AwsCall, table: str) -> str:
    return table if table.startswith("arn:") else arn(call, f"table/{table}")
