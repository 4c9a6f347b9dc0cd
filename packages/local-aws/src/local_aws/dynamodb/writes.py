"""PutItem, UpdateItem, DeleteItem, BatchWriteItem and TransactWriteItems."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from local_aws.dynamodb import paths, stream
from local_aws.dynamodb.capacity import Consumed
from local_aws.dynamodb.conditions import Test, condition
from local_aws.dynamodb.errors import (
    ConditionFailedError,
    DynamoDbError,
    InvalidUpdateError,
    cancelled,
    invalid,
)
from local_aws.dynamodb.reads import check_transaction_length
from local_aws.dynamodb.requests import (
    Request,
    check_item,
    item_of,
    key_of,
    one_of,
    place,
    table_of,
)
from local_aws.dynamodb.schema import Table
from local_aws.dynamodb.store import Data
from local_aws.dynamodb.syntax import Placeholders
from local_aws.dynamodb.updates import Update, update
from local_aws.dynamodb.values import Item, canonical_item

MOST_BATCH = 25
MOST_TRANSACTION_BYTES = 4 * 1024 * 1024
TOKEN_SECONDS = 600.0

type Sized = tuple[Item, int]


@dataclass(frozen=True)
class Write:
    """A validated write, which does not depend on the stored item yet."""

    table: Table
    key: tuple[bytes, bytes]
    after: Callable[[Item | None], Sized | None]  # returns the new item; None to delete the item
    test: Test | None
    shows_item: bool  # returned in the error when the condition fails
    changes: bool = True  # False for a ConditionCheck
    update: Update | None = None

    def do(self, data: Data) -> tuple[Sized | None, Sized | None]:
        """Perform the write; return the item before and after.

        Raises:
            ConditionFailedError: the condition does not hold.
            InvalidUpdateError: the update does not fit the item.
        """
        before = data.get(self.table, self.key)
        item = before[0] if before else None
        if self.test and not self.test(item or {}):
            raise ConditionFailedError(item if self.shows_item else None)
        if not self.changes:
            return before, before
        after = self.after(item)
        if after:
            data.put(self.table, *after)
        elif before:
            data.delete(self.table, self.key)
        stream.record(data, self.table, item, after[0] if after else None)
        return before, after


def put_item(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer PutItem.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
    """
    wanted = one_of(request, "ReturnValues", ("NONE", "ALL_OLD"), "NONE")
    return _one(data, request, put(region, request), wanted)


def delete_item(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer DeleteItem.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    """
    wanted = one_of(request, "ReturnValues", ("NONE", "ALL_OLD"), "NONE")
    return _one(data, request, delete(region, request), wanted)


def update_item(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer UpdateItem.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
    """
    allowed = ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
    wanted = one_of(request, "ReturnValues", allowed, "NONE")
    return _one(data, request, changed(region, request), wanted)


def _one(data: Data, request: Request, write: Write, wanted: str) -> dict[str, Any]:
    consumed = Consumed(request)
    before, after = write.do(data)
    consumed.write(write.table, before, after, 1)
    shown = before if wanted.endswith("OLD") else after
    answer: dict[str, Any] = {}
    if wanted != "NONE" and shown:
        partly = wanted.startswith("UPDATED")
        attributes = (
            paths.project(shown[0], write.update.paths if write.update else [])
            if partly
            else shown[0]
        )
        answer = {"Attributes": attributes} if attributes else {}
    return answer | consumed.one()


def put(region: str, request: Request) -> Write:
    table = table_of(region, request)
    item, size = item_of(table, request.get("Item"))
    test = _condition(request, Placeholders(request, ("ConditionExpression",)))
    return Write(table, place(table, item), lambda _: (item, size), test, _shows(request))


def delete(region: str, request: Request) -> Write:
    table = table_of(region, request)
    key = place(table, key_of(table, request.get("Key")))
    test = _condition(request, Placeholders(request, ("ConditionExpression",)))
    return Write(table, key, lambda _: None, test, _shows(request))


def check(region: str, request: Request) -> Write:
    """Return a ConditionCheck."""
    if "ConditionExpression" not in request:
        raise invalid("The expression can not be empty;")
    write = delete(region, request)
    return Write(write.table, write.key, write.after, write.test, write.shows_item, changes=False)


def changed(region: str, request: Request) -> Write:
    """Return an update of the stored item or, if it is missing, of an item with only its key."""
    table = table_of(region, request)
    key = key_of(table, request.get("Key"))
    placeholders = Placeholders(request, ("UpdateExpression", "ConditionExpression"))
    wanted = (
        update(request["UpdateExpression"], placeholders)
        if "UpdateExpression" in request
        else Update()
    )
    test = _condition(request, placeholders)
    for path in wanted.paths:
        if path[0] in key:
            message = f"Cannot update attribute {path[0]}. This attribute is part of the key"
            raise invalid(f"One or more parameter values were invalid: {message}")

    def after(item: Item | None) -> Sized:
        made, size = canonical_item(wanted.apply(item if item is not None else key))
        check_item(table, made, size, "Item size to update has exceeded the maximum allowed size")
        return made, size

    return Write(table, place(table, key), after, test, _shows(request), update=wanted)


def _condition(request: Request, placeholders: Placeholders) -> Test | None:
    text = request.get("ConditionExpression")
    test = condition("ConditionExpression", text, placeholders) if text is not None else None
    placeholders.check_all_used()
    return test


def _shows(request: Request) -> bool:
    return (
        one_of(request, "ReturnValuesOnConditionCheckFailure", ("ALL_OLD", "NONE"), "NONE")
        == "ALL_OLD"
    )


def batch_write_item(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer BatchWriteItem.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    asked: Mapping[str, list[Mapping[str, Any]]] = request.get("RequestItems") or {}
    count = sum(len(each) for each in asked.values())
    if not 1 <= count <= MOST_BATCH:
        bound = "greater than or equal to 1" if not count else "less than or equal to 25"
        raise invalid(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
            f"Map value must satisfy constraint: [Member must have length {bound}]"
        )
    writes = [_batched(region, name, each) for name, requests in asked.items() for each in requests]
    if len({(write.table.identity, write.key) for write in writes}) < count:
        raise invalid("Provided list of item keys contains duplicates")
    consumed = Consumed(request)
    for write in writes:
        consumed.write(write.table, *write.do(data), 1)
    return {"UnprocessedItems": {}} | consumed.several()


def _batched(region: str, table: str, request: Mapping[str, Any]) -> Write:
    if len(request) != 1:
        raise invalid(
            "Supplied WriteRequest has more than one operation set, must contain exactly one"
        )
    [(kind, fields)] = request.items()
    named = {"TableName": table, **fields}
    return put(region, named) if kind == "PutRequest" else delete(region, named)


_KINDS = {"Put": put, "Update": changed, "Delete": delete, "ConditionCheck": check}


def transact_write_items(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer TransactWriteItems.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    asked = check_transaction_length(request, "TransactWriteItem")
    writes = [_part(region, each) for each in asked]
    if len({(write.table.identity, write.key) for write in writes}) < len(writes):
        raise invalid("Transaction request cannot include multiple operations on one item")
    consumed = Consumed(request)
    if _is_repeated(data, request):
        for write in writes:
            found = data.get(write.table, write.key)
            consumed.read(write.table, found[1] if found else 0, True, transaction=True)
        return consumed.several()
    done, reasons = _attempt(data, writes)
    if any(reason["Code"] != "None" for reason in reasons):
        raise cancelled(reasons)
    if sum(after[1] for _, after in done if after) > MOST_TRANSACTION_BYTES:
        raise invalid("Transaction request exceeds the maximum size of 4 MB")
    for write, (before, after) in zip(writes, done, strict=True):
        consumed.write(write.table, before, after, 2)
    return consumed.several()


def _part(region: str, each: Mapping[str, Any]) -> Write:
    if len(each) != 1 or not _KINDS.keys() >= each.keys():
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    [(kind, fields)] = each.items()
    return _KINDS[kind](region, fields)


def _attempt(
    data: Data, writes: list[Write]
) -> tuple[list[tuple[Sized | None, Sized | None]], list[dict[str, Any]]]:
    done: list[tuple[Sized | None, Sized | None]] = []
    reasons: list[dict[str, Any]] = []
    for write in writes:
        try:
            done.append(write.do(data))
            reasons.append({"Code": "None"})
        except ConditionFailedError as error:
            reasons.append(
                {"Code": "ConditionalCheckFailed", "Message": error.message, **error.beside}
            )
        except DynamoDbError as error:
            if not isinstance(error, InvalidUpdateError) and error.code != "ValidationException":
                raise
            reasons.append({"Code": "ValidationError", "Message": error.message})
    return done, reasons


def _is_repeated(data: Data, request: Request) -> bool:
    """Return True if a call with this token was done in the last ten minutes.

    Keep the token otherwise.
    """
    if not (token := request.get("ClientRequestToken")):
        return False
    if not 1 <= len(token) <= 36:
        raise invalid(
            f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: "
            "Member must have length less than or equal to 36"
        )
    since = time.time() - TOKEN_SECONDS
    digest = hashlib.sha256(
        msgspec.json.encode(request["TransactItems"], order="deterministic")
    ).digest()
    known = data.token(token, since)
    if known is None:
        data.keep_token(token, digest, since)
        return False
    if known != digest:
        raise DynamoDbError(
            "IdempotentParameterMismatchException",
            "The provided client token is already associated with a different request.",
        )
    return True
