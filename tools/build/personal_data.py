"""The registry of personal data: `functions/<name>/personal-data.yaml` of every service, merged.

`build/personal_data.json` has the same records with the SQL of their export and erasure. The kernel
executes it (`atrium/identity/personal_data.py`), so a service that declares a table is exported and
erased without code of its own. docs/architecture.md describes the fields.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tools.build import yaml_file
from tools.build.errors import BuildError

FILE = "personal-data.yaml"

Erasure = Literal["delete", "blank", "keep", "expires"]
"""The effect of an erasure: rows are deleted, fields are emptied, the data stays, or it expires."""

FoundBy = Literal["partition", "grant", "operation", "index", "holders"]
"""The way from a user to an item of the table."""

Text = Annotated[str, Meta(min_length=3)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_:]*$")]
Key = Annotated[list[str], Meta(min_length=2, max_length=2)]

STORES = ("postgres", "items", "cognito", "logs", "traces", "queues", "copies")
SUBJECT = "<uid>"
"""The placeholder of the user's id in the key of an item."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"description": "is"}):
    """A personal field. `erasure`, `set` and `because` override those of its record."""

    description: Text
    erasure: Literal["blank", "keep"] | None = None
    set: str | None = None
    because: Text | None = None


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table, a kind of item, a log, or another store of data.

    `whose` is the column with the user's id, or `{<column>: <table>.<column>}` for rows that belong
    to those of another table. `key`, `found_by` and `json` are of items, `expires` is a column.
    """

    fields: dict[Name, Text | Field] = {}
    not_personal: list[Name] = []
    whose: str | dict[str, str] | None = None
    why: Text | None = None
    kept: Text | None = None
    erasure: Erasure | None = None
    because: Text | None = None
    expires: Name | None = None
    key: Key | None = None
    found_by: FoundBy | None = None
    json: list[Name] = []

    @property
    def names(self) -> set[str]:
        """Return every declared field, personal or not."""
        return {*self.fields, *self.not_personal}

    def field(self, name: str) -> Field:
        """Return a personal field. Its erasure and reason are the record's by default."""
        found = self.fields[name]
        own = found if isinstance(found, Field) else Field(found)
        if own.set is not None or own.erasure is not None:
            return own
        erasure = self.erasure if self.erasure in ("blank", "keep") else None
        return msgspec.structs.replace(own, erasure=erasure, because=own.because or self.because)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    postgres: dict[Name, Any] = {}
    items: dict[Name, Any] = {}
    cognito: dict[Name, Any] = {}
    logs: dict[Name, Any] = {}
    traces: dict[Name, Any] = {}
    queues: dict[Name, Any] = {}
    copies: dict[Name, Any] = {}


@dataclass(frozen=True)
class Declared:
    """A record with its store, name and file."""

    store: str
    name: str
    record: Record
    file: Path

    @property
    def place(self) -> str:
        return f"{self.store}.{self.name}"


@dataclass(frozen=True)
class Registry:
    """All declared records, by store and name."""

    declared: Mapping[str, Mapping[str, Declared]]

    def records(self, store: str) -> dict[str, Record]:
        return {name: each.record for name, each in self.declared[store].items()}


def files(root: Path) -> list[Path]:
    return sorted(root.glob(f"functions/*/{FILE}"))


def read(root: Path) -> Registry:
    """Return the registry. Raise BuildError for the first record that is wrong."""
    declared: dict[str, dict[str, Declared]] = {store: {} for store in STORES}
    for each in (found for file in files(root) for found in _of_file(file)):
        if other := declared[each.store].get(each.name):
            why = f"{other.file.parent.name}/{FILE} declares it already."
            raise BuildError(each.file, each.place, why, "Remove one of the two.")
        declared[each.store][each.name] = each
    registry = Registry(declared)
    for each in (one for records in declared.values() for one in records.values()):
        for field, why, what_to_do in _faults(each, registry):
            raise BuildError(each.file, f"{each.place}.{field}", why, what_to_do)
    return registry


def _of_file(file: Path) -> Iterator[Declared]:
    content = yaml_file.convert(yaml_file.read(file), _File, file)
    for store in STORES:
        for name, record in getattr(content, store).items():
            field = f"{store}.{name}"
            yield Declared(store, name, yaml_file.convert(record, Record, file, field), file)


Faults = Iterator[tuple[str, str, str]]


def _faults(each: Declared, registry: Registry) -> Faults:
    record = each.record
    for twice in sorted(record.fields.keys() & set(record.not_personal)):
        yield f"fields.{twice}", "It is also in `not_personal`.", "Remove one of the two."
    if not record.names and each.store != "copies":
        yield "fields", "Nothing is declared.", "List its fields in `fields` or `not_personal`."
    if record.fields:
        yield from _missing(each)
    if each.store == "postgres":
        yield from _of_table(each, registry)
    if each.store == "items":
        yield from _of_item(each)


def _missing(each: Declared) -> Faults:
    for name in ("whose", "why", "kept", "erasure"):
        if getattr(each.record, name) is None:
            yield name, "It is missing.", "Add it: the record has personal fields."
    for name in each.record.fields:
        field = each.record.field(name)
        stays = field.set is None and (field.erasure == "keep" or each.record.erasure == "expires")
        if stays and not (field.because or each.record.because):
            yield f"fields.{name}", "A field that stays needs a reason.", "Add `because`."


def _of_table(each: Declared, registry: Registry) -> Faults:
    record = each.record
    if isinstance(record.whose, dict):
        column, _, other = _join(record.whose)
        if column not in record.names:
            yield "whose", f"There is no column {column}.", "Name one that is declared."
        if other.split(".")[0] not in registry.declared["postgres"]:
            yield "whose", f"No table {other.split('.')[0]} is declared.", "Name one that is."
    elif record.whose is not None and record.whose not in record.names:
        yield "whose", f"There is no column {record.whose}.", "Name one that is declared."
    if record.expires is not None and record.expires not in record.names:
        yield "expires", f"There is no column {record.expires}.", "Name one that is declared."
    if record.key or record.found_by or record.json:
        yield "key", "A table has neither `key`, `found_by` nor `json`.", "Remove it."


def _of_item(each: Declared) -> Faults:
    record = each.record
    if record.key is None:
        yield "key", "It is missing.", "Add it, e.g. `key: [U#<uid>, META]`."
    elif record.fields and record.found_by is None:
        yield "found_by", "It is missing.", "Declare how a user's items are found."
    elif record.found_by == "partition" and SUBJECT not in record.key[0]:
        yield "found_by", f"The partition key has no {SUBJECT}.", "Correct `key`, or `found_by`."
    if record.erasure == "blank":
        yield "erasure", "Items are deleted or kept as a whole.", "Write `delete` or `keep`."


def _join(whose: Mapping[str, str]) -> tuple[str, str, str]:
    [(column, other)] = whose.items()
    return column, "IN", other


def compiled(registry: Registry) -> bytes:
    """Return `build/personal_data.json`: what the kernel executes."""
    document = {
        "tables": [_table(name, registry) for name in _erasure_order(registry)],
        "items": [
            _item(name, each)
            for name, each in sorted(registry.records("items").items())
            if each.fields
        ],
        "expiring": [
            {"table": name, "sql": _expiry(name, record.expires)}
            for name, record in sorted(registry.records("postgres").items())
            if record.expires
        ],
        "cognito": {
            name: sorted(record.fields)
            for name, record in sorted(registry.records("cognito").items())
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _table(name: str, registry: Registry) -> dict[str, Any]:
    record = registry.records("postgres")[name]
    rows = _of_user(name, registry)
    columns = ", ".join(record.fields)
    return {
        "table": name,
        "export": f"SELECT to_jsonb(found) FROM (SELECT {columns} FROM {name} WHERE {rows}) AS found",  # noqa: S608
        "erase": _erase(name, record, rows),
    }


def _erase(name: str, record: Record, rows: str) -> str | None:
    if record.erasure == "delete":
        return f"DELETE FROM {name} WHERE {rows}"  # noqa: S608
    fields = {column: record.field(column) for column in record.fields}
    changed = {
        column: "NULL" if field.set is None else f"'{field.set}'"
        for column, field in fields.items()
        if field.set is not None or field.erasure == "blank"
    }
    if not changed:
        return None
    assignments = ", ".join(f"{column} = {value}" for column, value in changed.items())
    return f"UPDATE {name} SET {assignments} WHERE {rows}"  # noqa: S608


def _of_user(name: str, registry: Registry) -> str:
    """Return the SQL condition that selects the rows of the user `uid`."""
    whose = registry.records("postgres")[name].whose
    if isinstance(whose, dict):
        column, _, other = _join(whose)
        table, _, key = other.partition(".")
        return f"{column} IN (SELECT {key} FROM {table} WHERE {_of_user(table, registry)})"  # noqa: S608
    return f"{whose} = :uid::uuid"


def _erasure_order(registry: Registry) -> list[str]:
    """Return the tables with personal data, in the order of their erasure.

    A table that is found through another one comes before it.
    """

    def depth(name: str) -> int:
        whose = registry.records("postgres")[name].whose
        return 1 + depth(_join(whose)[2].split(".")[0]) if isinstance(whose, dict) else 0

    personal = [name for name, record in registry.records("postgres").items() if record.fields]
    return sorted(personal, key=lambda name: (-depth(name), name))


def _expiry(name: str, column: str | None) -> str:
    rows = f"SELECT ctid FROM {name} WHERE {column} <= now() LIMIT :limit::integer FOR UPDATE SKIP LOCKED"  # noqa: S608
    return f"DELETE FROM {name} WHERE ctid = ANY (ARRAY({rows})) RETURNING true"  # noqa: S608


def _item(name: str, record: Record) -> dict[str, Any]:
    """Return a kind of item.

    `partition` is the template of a partition key with one user's items.
    """
    assert record.key
    pk, sk = record.key
    own = record.found_by in ("partition", "grant") and SUBJECT in pk
    return {
        "name": name,
        "pk": pattern(pk),
        "sk": pattern(sk),
        "partition": pk if own else None,
        "erasure": record.erasure,
        "fields": sorted(record.fields),
        "json": sorted(record.json),
    }


def pattern(key: str) -> str:
    """Return a regular expression for the keys of a kind of item, with a group per placeholder."""
    parts = re.split(r"<([a-z_]+)>", key)
    return "".join(
        re.escape(part) if number % 2 == 0 else f"(?P<{part}>.+)"
        for number, part in enumerate(parts)
    )
