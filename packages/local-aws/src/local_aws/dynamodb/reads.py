"""GetItem, BatchGetItem, TransactGetItems, Query and Scan."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.dynamodb import paths
from local_aws.dynamodb.capacity import Consumed
from local_aws.dynamodb.conditions import Test, condition
from local_aws.dynamodb.errors import invalid
from local_aws.dynamodb.key_condition import KeyCondition, key_condition
from local_aws.dynamodb.layout import place_of
from local_aws.dynamodb.requests import Request, key_of, one_of, place, start_key, table_of
from local_aws.dynamodb.schema import Index, Table
from local_aws.dynamodb.store import Data
from local_aws.dynamodb.syntax import Placeholders, projection
from local_aws.dynamodb.values import Item

MOST_KEYS = 100
PAGE_BYTES = 1024 * 1024
BATCH_BYTES = 16 * 1024 * 1024
_SELECTS = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")


def get_item(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer GetItem.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    """
    table, consumed = table_of(region, request), Consumed(request)
    key, wanted = key_of(table, request.get("Key")), _projection(request)
    found = data.get(table, place(table, key))
    consumed.read(table, found[1] if found else 0, bool(request.get("ConsistentRead")))
    return ({"Item": _projected(found[0], wanted)} if found else {}) | consumed.one()


def batch_get_item(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer BatchGetItem.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    consumed, left = Consumed(request), BATCH_BYTES
    responses: dict[str, list[Item]] = {}
    unprocessed: dict[str, dict[str, Any]] = {}
    for table, name, wanted, places in _batch(region, request):
        responses[name] = []
        for key, at in places:
            found = data.get(table, at)
            if found and found[1] > left:
                unprocessed.setdefault(name, {**request["RequestItems"][name], "Keys": []})[
                    "Keys"
                ].append(key)
                continue
            consumed.read(
                table,
                found[1] if found else 0,
                bool(request["RequestItems"][name].get("ConsistentRead")),
            )
            if found:
                left -= found[1]
                responses[name].append(_projected(found[0], wanted))
    return {"Responses": responses, "UnprocessedKeys": unprocessed} | consumed.several()


def _batch(
    region: str, request: Request
) -> Iterator[tuple[Table, str, list[paths.Path] | None, list[tuple[Item, tuple[bytes, bytes]]]]]:
    asked: Mapping[str, Any] = request.get("RequestItems") or {}
    if not asked:
        raise invalid(
            "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )
    for name, each in asked.items():
        if len(each.get("Keys") or ()) > MOST_KEYS:
            raise invalid(
                f"1 validation error detected: Value at 'requestItems.{name}.member.keys' failed to satisfy constraint: "
                "Member must have length less than or equal to 100"
            )
    if sum(len(each.get("Keys") or ()) for each in asked.values()) > MOST_KEYS:
        raise invalid("Too many items requested for the BatchGetItem call")
    for name, each in asked.items():
        table = table_of(region, {"TableName": name, **each})
        places = [(key, place(table, key_of(table, key))) for key in each.get("Keys") or ()]
        if len({at for _, at in places}) < len(places):
            raise invalid("Provided list of item keys contains duplicates")
        yield table, name, _projection(each), places


def transact_get_items(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer TransactGetItems.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    """
    consumed, responses = Consumed(request), []
    asked = check_transaction_length(request, "TransactGetItem")
    for each in asked:
        get = each.get("Get") or {}
        table = table_of(region, get)
        found = data.get(table, place(table, key_of(table, get.get("Key"))))
        consumed.read(table, found[1] if found else 0, True, transaction=True)
        responses.append({"Item": _projected(found[0], _projection(get))} if found else {})
    return {"Responses": responses} | consumed.several()


def check_transaction_length(request: Request, _kind: str) -> list[Mapping[str, Any]]:
    asked: list[Mapping[str, Any]] = request.get("TransactItems") or []
    if not 1 <= len(asked) <= MOST_KEYS:
        bound = "greater than or equal to 1" if not asked else "less than or equal to 100"
        raise invalid(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length {bound}"
        )
    return asked


@dataclass(frozen=True)
class _Reading:
    """The parsed request of a Query or Scan."""

    table: Table
    index: Index | None
    key: KeyCondition | None
    test: Test | None
    wanted: list[paths.Path] | None
    select: str
    limit: int | None
    forward: bool
    consistent: bool
    after: tuple[bytes, ...] | None
    segment: tuple[int, int] | None


def query(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer Query.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    """
    return _read_many(data, _reading(region, request, "Query"), Consumed(request))


def scan(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer Scan.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
    """
    return _read_many(data, _reading(region, request, "Scan"), Consumed(request))


def _reading(region: str, request: Request, operation: str) -> _Reading:
    table = table_of(region, request)
    index = _index(table, request)
    names = ("KeyConditionExpression", "FilterExpression", "ProjectionExpression")
    placeholders = Placeholders(request, names if operation == "Query" else names[1:])
    key = None
    if operation == "Query":
        if not request.get("KeyConditionExpression"):
            raise invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        keys = index.keys if index else table.keys
        key = key_condition(request["KeyConditionExpression"], placeholders, keys)
    test = (
        condition("FilterExpression", request["FilterExpression"], placeholders)
        if "FilterExpression" in request
        else None
    )
    wanted = (
        projection(request["ProjectionExpression"], placeholders)
        if "ProjectionExpression" in request
        else None
    )
    placeholders.check_all_used()
    limit = request.get("Limit")
    if limit is not None and limit < 1:
        raise invalid(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
    return _Reading(
        table, index, key, test, wanted, _select(request, table, index), limit,
        request.get("ScanIndexForward", True) is not False, bool(request.get("ConsistentRead")),
        _after(table, index, request, key), _segment(request),
    )  # fmt: skip


def _index(table: Table, request: Request) -> Index | None:
    if not (name := request.get("IndexName")):
        return None
    if name not in table.indexes:
        raise invalid(f"The table does not have the specified index: {name}")
    index = table.indexes[name]
    if index.is_global and request.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return index


def _select(request: Request, table: Table, index: Index | None) -> str:
    if "Select" not in request:
        return ""
    select = one_of(request, "Select", _SELECTS, "")
    has_projection = "ProjectionExpression" in request
    if select == "SPECIFIC_ATTRIBUTES" and not has_projection:
        raise invalid(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select != "SPECIFIC_ATTRIBUTES" and has_projection:
        shown = "only the Count" if select == "COUNT" else select
        raise invalid(f"Cannot specify the ProjectionExpression when choosing to get {shown}")
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "ALL_ATTRIBUTES" and index and index.is_global and index.attributes is not None:
        raise invalid(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "
            f"index {index.name} because its projection type is not ALL"
        )
    return select


def _after(
    table: Table, index: Index | None, request: Request, key: KeyCondition | None
) -> tuple[bytes, ...] | None:
    given = start_key(request)
    if given is None:
        return None
    types = table.keys.types | (index.keys.types if index else {})
    if given.keys() != types.keys() or any(kind not in given[name] for name, kind in types.items()):
        raise invalid("The provided starting key is invalid")
    found = place_of(table, index, given)
    assert found
    if key and found[0] != key.hash:
        raise invalid(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    return found


def _segment(request: Request) -> tuple[int, int] | None:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is None and total is None:
        return None
    if total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
        )
    if segment is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
        )
    if segment >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments"
        )
    return segment, total


def _read_many(data: Data, asked: _Reading, consumed: Consumed) -> dict[str, Any]:
    found, size, last = [], 0, None
    scanned = 0
    for item, item_size in _in_segment(asked, data):
        if scanned and size + item_size > PAGE_BYTES:
            break
        scanned, size, last = scanned + 1, size + item_size, item
        shown = (
            asked.index.project(item) if asked.index and asked.select != "ALL_ATTRIBUTES" else item
        )
        if asked.test is None or asked.test(shown):
            found.append(shown)
        if scanned == asked.limit:
            break
    else:
        last = None
    consumed.read(asked.table, size, asked.consistent, asked.index.name if asked.index else "")
    answer: dict[str, Any] = {"Count": len(found), "ScannedCount": scanned}
    if asked.select != "COUNT":
        answer["Items"] = [_projected(item, asked.wanted) for item in found]
    if last is not None:
        names = [*(asked.index.keys.names if asked.index else ()), *asked.table.keys.names]
        answer["LastEvaluatedKey"] = {name: last[name] for name in names}
    return answer | consumed.one()


def _in_segment(asked: _Reading, data: Data) -> Iterable[tuple[Item, int]]:
    key = asked.key
    walked = data.walk(
        asked.table,
        asked.index,
        key.hash if key else None,
        key.bounds if key else (),
        asked.after,
        asked.forward,
    )
    if asked.segment is None:
        return walked
    segment, total = asked.segment
    name = (asked.index.keys if asked.index else asked.table.keys).hash
    return ((item, size) for item, size in walked if _hashed(item[name]) % total == segment)


def _hashed(value: Mapping[str, Any]) -> int:
    return int.from_bytes(
        hashlib.md5(json.dumps(value).encode(), usedforsecurity=False).digest()[:4]
    )


def _projection(request: Request) -> list[paths.Path] | None:
    placeholders = Placeholders(request, ("ProjectionExpression",))
    if "ProjectionExpression" not in request:
        return None
    wanted = projection(request["ProjectionExpression"], placeholders)
    placeholders.check_all_used()
    return wanted


def _projected(item: Item, wanted: list[paths.Path] | None) -> Item:
    return item if wanted is None else paths.project(item, wanted)
