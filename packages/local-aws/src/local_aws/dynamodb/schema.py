"""Tables as the data plane sees them, read from moto's descriptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from local_aws.dynamodb import keys
from local_aws.dynamodb.errors import no_such_table
from local_aws.dynamodb.values import Item, Value
from local_aws.settings import ACCOUNT_ID


@dataclass(frozen=True)
class Keys:
    """The key attributes of a table or index, with their types.

    `sort` is empty without a sort key.
    """

    hash: str
    hash_type: str
    sort: str = ""
    sort_type: str = ""

    @property
    def names(self) -> list[str]:
        return [self.hash, self.sort] if self.sort else [self.hash]

    @property
    def types(self) -> dict[str, str]:
        return {self.hash: self.hash_type} | ({self.sort: self.sort_type} if self.sort else {})

    def of(self, item: Item) -> tuple[bytes, bytes] | None:
        """Return the item's place in the order of these keys; None if it lacks one of them."""
        if self.hash not in item or (self.sort and self.sort not in item):
            return None
        return keys.encode(item[self.hash]), keys.encode(item[self.sort]) if self.sort else b""

    def values(self, item: Item) -> dict[str, Value]:
        return {name: item[name] for name in self.names}


@dataclass(frozen=True)
class Index:
    """A secondary index; `attributes` are the projected ones, or None for all."""

    name: str
    keys: Keys
    is_global: bool
    attributes: frozenset[str] | None

    def project(self, item: Item) -> Item:
        if self.attributes is None:
            return item
        return {name: value for name, value in item.items() if name in self.attributes}


@dataclass(frozen=True)
class Stream:
    """A stream; `name` is its ARN, which changes when the stream is enabled again."""

    name: str
    view: str


@dataclass(frozen=True)
class Table:
    name: str
    arn: str
    region: str
    identity: str  # distinguishes the table from an earlier one of the same name
    keys: Keys
    indexes: Mapping[str, Index]
    ttl: str = ""  # name of the attribute
    stream: Stream | None = None


def find(region: str, name: str) -> Table:
    """Return the table of this name or ARN; raise ResourceNotFoundException if there is none."""
    table: Any = dynamodb_backends[ACCOUNT_ID][region].tables.get(name.rsplit("/", 1)[-1])
    if table is None or (name.startswith("arn:") and table.table_arn != name):
        raise no_such_table()
    return described(table)


def every() -> list[Table]:
    """Return all tables of all regions."""
    backends = list(dynamodb_backends[ACCOUNT_ID].values())
    return [described(table) for backend in backends for table in list(backend.tables.values())]


def of_stream(arn: str) -> Table | None:
    """Return the table of this stream; None if the stream no longer exists."""
    region, (_, name, _, _) = arn.split(":")[3], arn.split(":", 5)[5].split("/", 3)
    table: Any = dynamodb_backends[ACCOUNT_ID][region].tables.get(name)
    found = described(table) if table is not None else None
    return found if found and found.stream and found.stream.name == arn else None


def described(table: Any) -> Table:
    """Convert moto's table to a `Table`."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    own = _keys(table.schema, types)
    indexes = {
        each.name: Index(
            each.name, found, each in table.global_indexes, _attributes(each, own, found)
        )
        for each in table.all_indexes()
        for found in [_keys(each.schema, types)]
    }
    is_expiring = table.ttl.get("TimeToLiveStatus") == "ENABLED"
    return Table(
        name=table.name,
        arn=table.table_arn,
        region=table.region_name,
        identity=f"{table.table_arn}@{table.created_at.isoformat()}",
        keys=own,
        indexes=indexes,
        ttl=table.ttl["AttributeName"] if is_expiring else "",
        stream=_stream(table),
    )


def _keys(schema: list[dict[str, str]], types: Mapping[str, str]) -> Keys:
    names = {each["KeyType"]: each["AttributeName"] for each in schema}
    sort = names.get("RANGE", "")
    return Keys(names["HASH"], types[names["HASH"]], sort, types[sort] if sort else "")


def _attributes(index: Any, own: Keys, keys: Keys) -> frozenset[str] | None:
    kind = (index.projection or {}).get("ProjectionType", "ALL")
    if kind == "ALL":
        return None
    extra = index.projection.get("NonKeyAttributes", []) if kind == "INCLUDE" else []
    return frozenset([*own.names, *keys.names, *extra])


def _stream(table: Any) -> Stream | None:
    specification = table.stream_specification or {}
    if not specification.get("StreamEnabled"):
        return None
    return Stream(
        f"{table.table_arn}/stream/{table.latest_stream_label}", specification["StreamViewType"]
    )
