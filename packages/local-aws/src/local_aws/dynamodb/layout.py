"""The SQLite layout of a DynamoDB table.

A table holds the items by primary key, with two columns and one SQLite index per secondary index. A
secondary index consists of columns of the same row, so it cannot differ from its table.
"""
# ruff: noqa: S608 - the names in these statements are our own numbers and index names that
# `endpoint` has validated

import json
import sqlite3
from typing import Any

import msgspec

from local_aws.dynamodb.schema import Index, Table
from local_aws.dynamodb.values import Item

_REBUILD_ROWS = 1000


def place_of(table: Table, index: Index | None, item: Item) -> tuple[bytes, ...] | None:
    """Return the item's place in the order of the table or index; None if it is not part of it."""
    own = table.keys.of(item)
    if index is None:
        return own
    place = index.keys.of(item)
    return (*place, *own) if place and own else None


def order(index: Index | None) -> list[str]:
    return (
        ["pk", "sk"] if index is None else [f'"{index.name}:pk"', f'"{index.name}:sk"', "pk", "sk"]
    )


def row(table: Table, item: Item) -> dict[str, Any]:
    """Return the values of the columns beside the item."""
    columns: dict[str, Any] = {"expires": _expires(table, item)}
    for index in table.indexes.values():
        columns[f"{index.name}:pk"], columns[f"{index.name}:sk"] = index.keys.of(item) or (
            None,
            None,
        )
    return columns


def _expires(table: Table, item: Item) -> float | None:
    value = item.get(table.ttl, {}) if table.ttl else {}
    return float(value["N"]) if "N" in value else None


def shape(table: Table) -> str:
    indexes = {index.name: [*index.keys.types.items()] for index in table.indexes.values()}
    return json.dumps({"indexes": indexes, "ttl": table.ttl})


def follow(sql: sqlite3.Connection, table: Table, wanted: str) -> int:
    """Create or change the SQLite table that holds the items."""
    found = sql.execute(
        "SELECT number, shape FROM tables WHERE identity = ?", (table.identity,)
    ).fetchone()
    if found and found[1] == wanted:
        return int(found[0])
    if found is None:
        number = sql.execute(
            "INSERT INTO tables (identity, shape) VALUES (?, ?)", (table.identity, wanted)
        ).lastrowid
        assert number
        sql.execute(
            f"CREATE TABLE items_{number} (pk BLOB NOT NULL, sk BLOB NOT NULL, item BLOB NOT NULL, size INTEGER NOT NULL,"
            " expires REAL, PRIMARY KEY (pk, sk)) WITHOUT ROWID"
        )
        sql.execute(
            f"CREATE INDEX items_{number}_expires ON items_{number} (expires) WHERE expires IS NOT NULL"
        )
    else:
        number = int(found[0])
        sql.execute("UPDATE tables SET shape = ? WHERE number = ?", (wanted, number))
    _rebuild(sql, table, number)
    return number


def _rebuild(sql: sqlite3.Connection, table: Table, number: int) -> None:
    """Rebuild the columns and indexes to match the table's description, and fill them."""
    indexes = f"SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'items_{number}' AND name LIKE '%:%'"
    for (name,) in sql.execute(indexes).fetchall():
        sql.execute(f'DROP INDEX "{name}"')
    present = {row[1] for row in sql.execute(f"PRAGMA table_info(items_{number})")}
    for index in table.indexes.values():
        for column in (f"{index.name}:pk", f"{index.name}:sk"):
            if column not in present:
                sql.execute(f'ALTER TABLE items_{number} ADD COLUMN "{column}" BLOB')
    _fill(sql, table, number)
    for index in table.indexes.values():
        columns = ", ".join(order(index))
        sql.execute(
            f'CREATE INDEX "items_{number}:{index.name}" ON items_{number} ({columns}) WHERE "{index.name}:pk" IS NOT NULL'
        )


def _fill(sql: sqlite3.Connection, table: Table, number: int) -> None:
    place: tuple[bytes, bytes] = (b"", b"")
    while True:
        rows = sql.execute(
            f"SELECT pk, sk, item FROM items_{number} WHERE (pk, sk) > (?, ?) ORDER BY pk, sk LIMIT {_REBUILD_ROWS}",
            place,
        ).fetchall()
        for pk, sk, item in rows:
            columns = row(table, msgspec.json.decode(item))
            changes = ", ".join(f'"{name}" = ?' for name in columns)
            sql.execute(
                f"UPDATE items_{number} SET {changes} WHERE pk = ? AND sk = ?",
                (*columns.values(), pk, sk),
            )
            place = (pk, sk)
        if len(rows) < _REBUILD_ROWS:
            return
