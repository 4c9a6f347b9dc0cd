"""Checks that the requests of all calls share."""

from collections.abc import Mapping
from typing import Any

from local_aws.dynamodb import keys, schema
from local_aws.dynamodb.errors import DynamoDbError, invalid, invalid_values, not_emulated
from local_aws.dynamodb.schema import Keys, Table
from local_aws.dynamodb.values import MOST_BYTES, Item, Value, canonical, canonical_item

type Request = Mapping[str, Any]

_LEGACY = (
    "AttributeUpdates", "AttributesToGet", "ConditionalOperator", "Expected", "KeyConditions", "QueryFilter", "ScanFilter",
)  # fmt: skip
_LONGEST = {"HASH": 2048, "RANGE": 1024}  # bytes of a key


def table_of(region: str, request: Request) -> Table:
    """Return the table that the request names; reject fields that are not emulated."""
    for legacy in _LEGACY:
        if request.get(legacy):
            raise not_emulated(f"the legacy parameter {legacy}: use an expression")
    if not (name := request.get("TableName")):
        raise invalid(
            "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"
        )
    return schema.find(region, name)


def one_of(request: Request, field: str, allowed: tuple[str, ...], default: str) -> str:
    value = str(request.get(field, default))
    if value not in allowed:
        shown = field[0].lower() + field[1:]
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{shown}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )
    return value


def key_of(table: Table, key: Any) -> dict[str, Value]:
    """Return the canonical primary key; its attributes must be exactly the table's key."""
    given, _ = canonical_item(key or {})
    if given.keys() != table.keys.types.keys():
        raise invalid("The provided key element does not match the schema")
    for name, value in given.items():
        if table.keys.types[name] not in value:
            raise invalid("The provided key element does not match the schema")
    check_key_values(table.keys, given)
    return given


def place(table: Table, item: Item) -> tuple[bytes, bytes]:
    found = table.keys.of(item)
    assert found
    return found


def check_key_values(key_names: Keys, item: Item, index: str = "") -> None:
    """Raise a ValidationException if a key's value is empty or too long."""
    for kind, name in zip(("HASH", "RANGE"), key_names.names, strict=False):
        encoded = keys.encode(item[name])
        if not encoded:
            where = f"IndexName: {index}, IndexKey: {name}" if index else f"Key: {name}"
            secondary = (
                "A value specified for a secondary index key is not supported. " if index else ""
            )
            raise invalid(
                f"One or more parameter values are not valid. {secondary}The AttributeValue for a key attribute cannot "
                f"contain an empty string value. {where}"
            )
        if len(encoded) > _LONGEST[kind]:
            of, between = ("hashkey", "of") if kind == "HASH" else ("all range keys", "of ")
            what = "Size of" if kind == "HASH" else "Aggregated size of"
            limit = "maximum size limit" if kind == "HASH" else "size limit"
            raise invalid_values(
                f"{what} {of} has exceeded the {limit} {between}{_LONGEST[kind]} bytes"
            )


def item_of(table: Table, item: Any) -> tuple[Item, int]:
    """Return the canonical item to put, and its size."""
    given, size = canonical_item(item or {})
    for name, kind in table.keys.types.items():
        if name not in given:
            raise invalid_values(f"Missing the key {name} in the item")
        if kind not in given[name]:
            raise invalid_values(
                f"Type mismatch for key {name} expected: {kind} actual: {next(iter(given[name]))}"
            )
    check_key_values(table.keys, given)
    check_item(table, given, size)
    return given, size


def check_item(
    table: Table,
    item: Item,
    size: int,
    message: str = "Item size has exceeded the maximum allowed size",
) -> None:
    """Raise a ValidationException if the item is too large or has an index key of a wrong type."""
    if size > MOST_BYTES:
        raise invalid(message)
    for index in table.indexes.values():
        for name, kind in index.keys.types.items():
            if name in item and kind not in item[name]:
                raise invalid_values(
                    f"Type mismatch for Index Key {name} Expected: {kind} Actual: {next(iter(item[name]))} "
                    f"IndexName: {index.name}"
                )
        if index.keys.names and all(name in item for name in index.keys.names):
            check_key_values(index.keys, item, index.name)
        else:
            for name in index.keys.names:
                if name in item and not keys.encode(item[name]):
                    check_key_values(Keys(name, index.keys.types[name]), item, index.name)


def start_key(request: Request) -> Item | None:
    """Return the canonical ExclusiveStartKey."""
    given = request.get("ExclusiveStartKey")
    if given is None:
        return None
    try:
        return {name: canonical(value)[0] for name, value in given.items()}
    except DynamoDbError as error:
        raise invalid(f"The provided starting key is invalid: {error.message}") from None
