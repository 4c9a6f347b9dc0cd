"""DynamoDB's time to live: what is over is deleted, and the stream says who did it.

AWS takes some days at most, the laptop a second; readers filter what is over in either case.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from local_aws.control_plane.moto_app import Moto
from local_aws.event_sources.table_stream import EXPIRY
from local_aws.settings import ACCOUNT_ID

SWEEP_SECONDS = 1.0
OLDEST = 5 * 365 * 86_400  # seconds: AWS leaves alone what ended more than five years ago


async def expire_items(moto: Moto, on_change: Callable[[], None]) -> None:
    """One sweep and a rest, so long that a large table costs little of a core."""
    took, expired = await moto.run(_sweep)
    if expired:
        on_change()
    await asyncio.sleep(SWEEP_SECONDS + 100 * took)


def _sweep() -> tuple[float, int]:
    """(seconds that it took, items deleted)"""
    started = time.monotonic()
    expired = sum(_expire(table) for table in _tables_with_ttl())
    return time.monotonic() - started, expired


def _tables_with_ttl() -> list[Any]:
    tables = [
        table for backend in list(dynamodb_backends[ACCOUNT_ID].values()) for table in list(backend.tables.values())
    ]
    return [table for table in tables if table.ttl.get("TimeToLiveStatus") == "ENABLED"]


def _expire(table: Any) -> int:
    over = list(_over(table, time.time()))
    for item in over:
        table.delete_item(item.hash_key, item.range_key)
        if table.stream_shard is not None:
            table.stream_shard.items[-1].record["userIdentity"] = EXPIRY
    return len(over)


def _over(table: Any, now: float) -> Iterator[Any]:
    name = table.ttl["AttributeName"]
    for held in table.items.values():
        for item in held.values() if table.has_range_key else [held]:
            ends = item.attrs.get(name)
            if ends is not None and ends.type == "N" and now - OLDEST < float(ends.value) <= now:
                yield item
