"""Patches that keep moto from growing and slowing down with every call.

Importing this module patches moto.

moto keeps every instance of its models, including copies, and a DynamoDB transaction copies its
whole table once per item. A thousand transactions on a small table held 12 GB. With the patch, no
instance is kept, and a transaction copies only the items that it changes.

moto also parses AWS's 1,500 managed policies for each new or emptied account, which takes a tenth
of a second. With the patch, they are parsed once and copied.
"""

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from moto.core.common_models import BaseModel
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.iam.models import IAMBackend, ManagedPolicy

from local_aws.settings import ACCOUNT_ID

Operations = Sequence[Mapping[str, Mapping[str, Any]]]


def _new(kind: type[BaseModel], *_arguments: object, **_named: object) -> BaseModel:
    """Create an instance without adding it to moto's list.

    moto needs the list only to reset its state between tests.
    """
    return object.__new__(kind)


class _Uncopied(dict[str, None]):
    """A replacement for the tables, where a transaction copies them and restores the copies."""

    def __getitem__(self, name: str) -> None:
        return None


class _Backend:
    """A view of the backend; all other attributes are the backend's own."""

    def __init__(self, backend: DynamoDBBackend) -> None:
        self._backend = backend
        self.tables = _Uncopied.fromkeys(backend.tables)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


_transact_write_items: Any = DynamoDBBackend.transact_write_items


def _transact(backend: DynamoDBBackend, operations: Operations) -> None:
    named = [fields for operation in operations for fields in operation.values()]
    tables = {
        name: backend.tables[name]
        for fields in named
        if (name := fields.get("TableName")) in backend.tables
    }
    undo = [_back_to_stream(table) for table in tables.values()]
    undo += [
        _back_to_item(tables[fields["TableName"]], fields.get("Key") or fields.get("Item") or {})
        for fields in named
        if fields.get("TableName") in tables
    ]
    try:
        _transact_write_items(_Backend(backend), operations)
    except Exception:
        for back in undo:
            back()
        raise


def _back_to_item(table: Any, attributes: Mapping[str, Any]) -> Callable[[], None]:
    """Return a function that restores the item with these key attributes."""
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name is not None]
    if any(name not in attributes for name in names):
        return _nothing  # moto will reject it
    keys = [DynamoType(attributes[name]) for name in names]
    before = copy.deepcopy(table.get_item(keys[0], keys[1] if len(keys) > 1 else None))

    def restore() -> None:
        holder, key = (table.items[keys[0]], keys[1]) if len(keys) > 1 else (table.items, keys[0])
        if before is None:
            holder.pop(key, None)
        else:
            holder[key] = before

    return restore


def _back_to_stream(table: Any) -> Callable[[], None]:
    shard = table.stream_shard
    if shard is None:
        return _nothing
    records, first = list(shard.items), shard.starting_sequence_number

    def restore() -> None:
        shard.items, shard.starting_sequence_number = records, first

    return restore


def _nothing() -> None:
    pass


_init_aws_policies: Any = IAMBackend._init_aws_policies


@functools.cache
def _parsed_policies(partition: str) -> list[ManagedPolicy]:
    backend: Any = SimpleNamespace(account_id=ACCOUNT_ID, region_name=partition)
    found: list[ManagedPolicy] = _init_aws_policies(backend)
    return found


def _copied_policies(backend: IAMBackend) -> list[ManagedPolicy]:
    """Return AWS's policies. Each account counts its own attachments."""
    return [_copied(policy) for policy in _parsed_policies(backend.region_name)]


def _copied(policy: ManagedPolicy) -> ManagedPolicy:
    made = object.__new__(type(policy))  # twenty times as fast as copy.copy
    vars(made).update(vars(policy))
    return made


BaseModel.__new__ = _new  # type: ignore[method-assign, assignment]
DynamoDBBackend.transact_write_items = _transact  # type: ignore[method-assign, assignment]
IAMBackend._init_aws_policies = _copied_policies  # type: ignore[method-assign, assignment]
