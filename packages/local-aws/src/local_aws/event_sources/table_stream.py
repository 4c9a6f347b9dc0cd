"""moto's DynamoDB streams made AWS's. Importing this corrects moto.

moto calls functions inside the write, keeps records for ever, copies all of them in each transaction, and writes a record of
a change that changed nothing, and two of an update that made an item.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

import copy
from datetime import timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import StreamRecord, StreamShard

KEPT = timedelta(hours=24)
MOST = 10_000  # records: a snapshot has them all, and a load test must not fill it

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
EXPIRY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def _add(shard: Any, old: Any, new: Any) -> None:
    if old is not None and new is not None and old.to_json() == new.to_json():
        return
    name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    kind = shard.table.stream_specification["StreamViewType"]
    record = StreamRecord(shard.table, kind, name, old, new, next_sequence_number(shard))
    # The images are moto's own lists, which a later update changes in place.
    record.record = copy.deepcopy(record.record) | {"awsRegion": shard.table.region_name, "eventVersion": "1.1"}
    shard.items.append(record)
    _trim(shard)


def next_sequence_number(shard: Any) -> int:
    return int(shard.starting_sequence_number) + len(shard.items)


def _trim(shard: Any) -> None:
    horizon = utcnow() - KEPT
    old = len(shard.items) - MOST if len(shard.items) > 2 * MOST else 0
    while old < len(shard.items) and shard.items[old].record["dynamodb"]["ApproximateCreationDateTime"] < horizon:
        old += 1
    if old:
        shard.items = shard.items[old:]
        shard.starting_sequence_number += old


def _copied(shard: Any, memo: dict[int, Any]) -> Any:
    """A transaction copies its tables to go back to; records never change, so their list is enough."""
    made = copy.copy(shard)
    memo[id(shard)] = made
    made.table, made.items = copy.deepcopy(shard.table, memo), list(shard.items)
    return made


_update_item = DynamoDBBackend.update_item


def _updated(backend: DynamoDBBackend, table_name: str, *arguments: Any, **named: Any) -> Any:
    """An update that makes an item is one INSERT of the whole; moto writes one of the keys first."""
    shard = backend.get_table(table_name).stream_shard
    if shard is None:
        return _update_item(backend, table_name, *arguments, **named)
    first = next_sequence_number(shard)
    item = _update_item(backend, table_name, *arguments, **named)
    written = [each.record for each in shard.items[-2:]]
    if next_sequence_number(shard) == first + 2 and {each["eventName"] for each in written} == {"INSERT"}:
        del shard.items[-2]
        written[1]["dynamodb"]["SequenceNumber"] = str(first)
    return item


StreamShard.add = _add  # type: ignore[method-assign, assignment]
StreamShard.__deepcopy__ = _copied  # type: ignore[attr-defined]
DynamoDBBackend.update_item = _updated  # type: ignore[method-assign, assignment]
