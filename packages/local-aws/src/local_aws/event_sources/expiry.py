"""DynamoDB's time to live: deletes expired items, with stream records that name the service.

AWS takes up to a few days, the laptop a second. Readers must filter expired items in both cases.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
"""

import asyncio
import time

from local_aws.dynamodb import Store, schema, stream
from local_aws.dynamodb.requests import place
from local_aws.dynamodb.schema import Table
from local_aws.dynamodb.store import Data

SWEEP_SECONDS = 1.0
OLDEST = 5 * 365 * 86_400  # seconds: AWS keeps items that expired more than five years ago
MOST_AT_ONCE = 500


async def expire_items(store: Store) -> None:
    """Delete expired items once, then sleep.

    An index finds them, so a large table costs no more than a small one.
    """
    for table in schema.every():
        if table.ttl:
            await store.write(lambda data, table=table: _expire(data, table))  # type: ignore[misc]
    await store.write(lambda data: data.trim_streams(time.time() - stream.KEPT_SECONDS))
    await asyncio.sleep(SWEEP_SECONDS)


def _expire(data: Data, table: Table) -> None:
    now = time.time()
    for item in data.expired(table, now - OLDEST, now, MOST_AT_ONCE):
        data.delete(table, place(table, item))
        stream.record(data, table, item, None, stream.EXPIRY)
