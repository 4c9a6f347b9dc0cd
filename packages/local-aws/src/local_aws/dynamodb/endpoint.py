"""DynamoDB at the AWS endpoint: answers item calls here and forwards table calls to moto."""

import logging
import re
import sqlite3
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import msgspec

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.dynamodb import reads, schema, stream, writes
from local_aws.dynamodb.errors import DynamoDbError, invalid, not_emulated
from local_aws.dynamodb.store import Data, Store

type Operation = Callable[[Data, str, Mapping[str, Any]], dict[str, Any]]

_READS: dict[str, Operation] = {
    "BatchGetItem": reads.batch_get_item,
    "GetItem": reads.get_item,
    "Query": reads.query,
    "Scan": reads.scan,
    "TransactGetItems": reads.transact_get_items,
    "GetRecords": stream.get_records,
    "GetShardIterator": stream.get_shard_iterator,
}
_WRITES: dict[str, Operation] = {
    "BatchWriteItem": writes.batch_write_item,
    "DeleteItem": writes.delete_item,
    "PutItem": writes.put_item,
    "TransactWriteItems": writes.transact_write_items,
    "UpdateItem": writes.update_item,
}
ITEM_CALLS = _READS.keys() | _WRITES.keys()
# moto would look for items in its own tables, which are empty.
_REFUSED = frozenset([
    "BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction", "CreateBackup", "RestoreTableFromBackup",
    "ExportTableToPointInTime", "ImportTable",
])  # fmt: skip
_RESTORE = "RestoreTableToPointInTime"

log = logging.getLogger("local.dynamodb")


class DynamoDb:
    """The interceptor of DynamoDB calls, which runs them one by one on the store's thread."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        try:
            return await self._answer(call, forward)
        except DynamoDbError as error:
            return _response(error.status, error.body())
        except sqlite3.OperationalError as error:  # for example, the disk is full
            log.error("%s: %s", call.action, error)
            failed = DynamoDbError(
                "InternalServerError", f"The write failed and was rolled back: {error}", 500
            )
            return _response(failed.status, failed.body())

    async def _answer(self, call: AwsCall, forward: Forward) -> AwsResponse:
        action = call.action or ""
        run = self.store.read if action in _READS else self.store.write
        if operation := _READS.get(action) or _WRITES.get(action):
            request = _decoded(call.body)
            asked = request.get("ReturnConsumedCapacity", "NONE")
            if asked == "NONE":  # observers want to know
                request["ReturnConsumedCapacity"] = "TOTAL"
            answered = await run(lambda data: operation(data, call.region, request))
            units = _units(answered)
            if asked == "NONE":
                answered.pop("ConsumedCapacity", None)
            return _response(200, answered, units)
        if action in _REFUSED:
            raise not_emulated(action)
        if action in ("CreateTable", "UpdateTable"):
            _check_keys(_decoded(call.body))
        answer = await forward(call)
        if action == _RESTORE and answer.status == 200:
            await self._restore(call.region, _decoded(call.body))
        if action == "DescribeTable" and answer.status == 200:
            return await self._counted(call.region, _decoded(answer.body))
        return answer

    async def _counted(self, region: str, described: dict[str, Any]) -> AwsResponse:
        table = schema.find(region, described["Table"]["TableArn"])
        count, size = await self.store.read(lambda data: data.count(table))
        described["Table"] |= {"ItemCount": count, "TableSizeBytes": size}
        return _response(200, described)

    async def _restore(self, region: str, request: Mapping[str, Any]) -> None:
        """Copy the current items into the new table, for any requested time."""
        source = schema.find(region, request.get("SourceTableName") or request["SourceTableArn"])
        target = schema.find(region, request["TargetTableName"])
        await self.store.write(lambda data: data.copy(source, target))


def _check_keys(request: Mapping[str, Any]) -> None:
    changes = request.get("GlobalSecondaryIndexUpdates") or ()
    indexes = [
        *(request.get("GlobalSecondaryIndexes") or ()),
        *(each["Create"] for each in changes if "Create" in each),
    ]
    for index in indexes:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{3,255}", str(index.get("IndexName"))):
            raise invalid(
                f"1 validation error detected: Value '{index.get('IndexName')}' at 'indexName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            )
        kinds = [key["KeyType"] for key in index.get("KeySchema") or ()]
        if len(set(kinds)) < len(kinds):
            raise not_emulated(
                f"the index {index.get('IndexName')} with several attributes as one key"
            )


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as error:
        raise DynamoDbError("SerializationException", str(error)) from None


def _units(answered: Mapping[str, Any]) -> float:
    consumed = answered.get("ConsumedCapacity") or ()
    several = (consumed,) if isinstance(consumed, Mapping) else consumed
    return sum((float(each["CapacityUnits"]) for each in several), 0.0)


def _response(status: int, content: Mapping[str, Any], units: float = 0.0) -> AwsResponse:
    body = msgspec.json.encode(content)
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amzn-requestid": str(uuid4()),
        "x-amz-crc32": str(zlib.crc32(body)),
    }
    return AwsResponse(status, body, headers, units)
