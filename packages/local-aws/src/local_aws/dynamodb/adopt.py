"""Items that an older release kept in moto's tables, and so in its snapshot."""

from typing import Any

from moto.dynamodb.models import dynamodb_backends

from local_aws.dynamodb import schema
from local_aws.dynamodb.store import Data, Store
from local_aws.dynamodb.values import canonical_item
from local_aws.settings import ACCOUNT_ID


def adopt(store: Store) -> int:
    """Move them into the store; return how many there were."""
    tables = [table for backend in dynamodb_backends[ACCOUNT_ID].values() for table in backend.tables.values()]
    return sum(_adopt(store, table) for table in tables)


def _adopt(store: Store, table: Any) -> int:
    items = [canonical_item(item.to_json()["Attributes"]) for item in table.all_items()]

    def put(data: Data) -> None:
        for item, size in items:
            data.put(schema.described(table), item, size)

    if items:
        store.blocking(put)
        table.items.clear()
    return len(items)
