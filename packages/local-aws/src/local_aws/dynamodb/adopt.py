"""Migration of items that an older release kept in moto's tables, and so in its snapshot."""

import base64
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from local_aws.dynamodb import schema
from local_aws.dynamodb.store import Data, Store
from local_aws.dynamodb.values import canonical_item
from local_aws.settings import ACCOUNT_ID


def adopt(store: Store) -> int:
    """Move the items into the store; return how many there were."""
    tables = [
        table
        for backend in dynamodb_backends[ACCOUNT_ID].values()
        for table in backend.tables.values()
    ]
    return sum(_adopt(store, table) for table in tables)


def _adopt(store: Store, table: Any) -> int:
    items = [canonical_item(_as_sent(item.to_json()["Attributes"])) for item in table.all_items()]

    def put(data: Data) -> None:
        for item, size in items:
            data.put(schema.described(table), item, size)

    if items:
        store.blocking(put)
        table.items.clear()
    return len(items)


def _as_sent(value: Any) -> Any:
    """Return moto's value as JSON carries it; moto keeps top-level binary values as bytes."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: _as_sent(member) for name, member in value.items()}
        case list():
            return [_as_sent(element) for element in value]
    return value
