"""A table's stream: records written with each change, and the calls that read them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from local_aws.dynamodb import schema
from local_aws.dynamodb.errors import DynamoDbError, invalid
from local_aws.dynamodb.requests import Request
from local_aws.dynamodb.schema import Table
from local_aws.dynamodb.store import Data
from local_aws.dynamodb.values import Item, canonical_item

KEPT_SECONDS = 24 * 3600.0
FIRST = 1100000000017454423009  # the first number of moto's shards, as DescribeStream reports it
_MOST_RECORDS = 1000

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
EXPIRY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def record(
    data: Data,
    table: Table,
    before: Item | None,
    after: Item | None,
    who: Mapping[str, str] | None = None,
) -> None:
    """Write a stream record, unless the write changed nothing."""
    if table.stream is None or before == after:
        return
    item = before if before is not None else after
    assert item is not None
    view = table.stream.view
    change: dict[str, Any] = {"Keys": table.keys.values(item), "StreamViewType": view}
    if after is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        change["NewImage"] = after
    if before is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        change["OldImage"] = before
    change["SizeBytes"] = sum(
        canonical_item(change[name])[1]
        for name in ("Keys", "NewImage", "OldImage")
        if name in change
    )
    written = {
        "eventID": uuid4().hex,
        "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": table.region,
        "dynamodb": change,
    }
    data.record(table.stream.name, written | ({"userIdentity": dict(who)} if who else {}))


def records(
    data: Data, stream: str, first: int, most: int
) -> Iterator[tuple[int, float, dict[str, Any]]]:
    """Yield (number, epoch seconds, record) in order, beginning with `first`."""
    for number, created, found in data.records(stream, first, most):
        found["dynamodb"]["ApproximateCreationDateTime"] = int(created)
        found["dynamodb"]["SequenceNumber"] = str(FIRST + number)
        yield number, created, found


def get_shard_iterator(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer GetShardIterator.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
    """
    arn = str(request.get("StreamArn", ""))
    if schema.of_stream(arn) is None:
        raise DynamoDbError(
            "ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found"
        )
    number = int(request.get("SequenceNumber") or FIRST) - FIRST
    match request.get("ShardIteratorType"):
        case "TRIM_HORIZON":
            first = 0
        case "LATEST":
            first = newest(data, arn) + 1
        case "AT_SEQUENCE_NUMBER":
            first = number
        case "AFTER_SEQUENCE_NUMBER":
            first = number + 1
        case other:
            raise invalid(
                f"1 validation error detected: Value '{other}' at 'shardIteratorType' failed to satisfy constraint"
            )
    return {"ShardIterator": _iterator(arn, first)}


def get_records(data: Data, region: str, request: Request) -> dict[str, Any]:
    """Answer GetRecords.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
    """
    try:
        arn, first = json.loads(
            base64.urlsafe_b64decode(str(request.get("ShardIterator", "")).rpartition("|")[2])
        )
    except ValueError:
        raise invalid("Invalid ShardIterator") from None
    limit = min(int(request.get("Limit") or _MOST_RECORDS), _MOST_RECORDS)
    found = list(records(data, arn, first, limit))
    following = found[-1][0] + 1 if found else first
    return {
        "Records": [each for _, _, each in found],
        "NextShardIterator": _iterator(arn, following),
    }


def newest(data: Data, stream: str) -> int:
    """Return the number of the newest record; 0 if there is none."""
    [(number,)] = data.sql.execute(
        "SELECT coalesce(max(number), 0) FROM stream WHERE stream = ?", (stream,)
    )
    return int(number)


def _iterator(arn: str, first: int) -> str:
    return f"{arn}|1|{base64.urlsafe_b64encode(json.dumps([arn, first]).encode()).decode()}"
