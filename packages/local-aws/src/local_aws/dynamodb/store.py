"""Items in SQLite.

Each DynamoDB table has a SQLite table with an index per secondary index. Each write's transaction
includes its stream record.

moto decides which tables exist; `Store` follows it at each call. See
docs/decisions/0013-items-in-sqlite.md for the alternatives and measurements.
"""
# ruff: noqa: S608 - the names in these statements are our own numbers and index names that
# `endpoint` has validated

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from local_aws.dynamodb import layout
from local_aws.dynamodb.schema import Index, Table
from local_aws.dynamodb.values import Item

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tables (number INTEGER PRIMARY KEY, identity TEXT UNIQUE NOT NULL, shape TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stream (
    number INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, created REAL NOT NULL, record BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS stream_of ON stream (stream, number);
CREATE TABLE IF NOT EXISTS places (mapping TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, content BLOB);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, request BLOB NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
"""


class Store:
    """A SQLite file and the thread that uses it.

    The work of one call is isolated and atomic.

    SQLite runs in WAL mode with synchronous=NORMAL, so commits survive any end of the process. A
    power cut may lose the last commits, but never part of one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dynamodb")
        self._sql = self._thread.submit(self._open).result()
        self._numbers: dict[
            str, tuple[int, str]
        ] = {}  # a table's identity -> its number here, its shape
        self.last_record: dict[str, int] = {}  # stream -> number of its newest record

    def _open(self) -> sqlite3.Connection:
        sql = sqlite3.connect(self._path or ":memory:", isolation_level=None, cached_statements=512)
        if self._path:
            self._path.chmod(0o600)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "temp_store=MEMORY",
            "cache_size=-32768",
        ):
            sql.execute(f"PRAGMA {pragma}")
        sql.executescript(_SCHEMA)
        return sql

    def close(self) -> None:
        self._thread.submit(self._sql.close).result()
        self._thread.shutdown(wait=True)

    async def read[T](self, work: Callable[["Data"], T]) -> T:
        """Run `work` on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.reading, work)

    async def write[T](self, work: Callable[["Data"], T]) -> T:
        """Run `work` as one transaction, which rolls back if it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.writing, work)

    def blocking[T](self, work: Callable[["Data"], T]) -> T:
        """Run `work` like `write`, and block the caller until it is done."""
        return self._thread.submit(self.writing, work).result()

    def reading[T](self, work: Callable[["Data"], T]) -> T:
        return work(Data(self._sql, self._number))

    def writing[T](self, work: Callable[["Data"], T]) -> T:
        data = Data(self._sql, self._number)
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            done = work(data)
        except BaseException:
            self._sql.execute("ROLLBACK")
            self._numbers.clear()  # the rollback also dropped the tables that this work created
            raise
        self._sql.execute("COMMIT")
        self.last_record.update(data.recorded)
        return done

    def _number(self, table: Table) -> int:
        """Return the number of the table's SQLite table.

        Create the latter, or change it if the description has changed.
        """
        shape = layout.shape(table)
        number, known = self._numbers.get(table.identity, (0, ""))
        if known == shape:
            return number
        with _transaction(self._sql):
            number = layout.follow(self._sql, table, shape)
        self._numbers[table.identity] = number, shape
        return number

    def forget_others(self, tables: list[Table]) -> None:
        """Drop the items of deleted tables.

        This runs at the start, when nothing can restore a table.
        """
        known = {table.identity for table in tables}

        def drop() -> None:
            for number, identity in self._sql.execute(
                "SELECT number, identity FROM tables"
            ).fetchall():
                if identity not in known:
                    with _transaction(self._sql):
                        self._sql.execute(f"DROP TABLE items_{number}")
                        self._sql.execute("DELETE FROM tables WHERE number = ?", (number,))
            for stream, newest in self._sql.execute(
                "SELECT stream, max(number) FROM stream GROUP BY stream"
            ):
                self.last_record[stream] = newest

        self._thread.submit(drop).result()


@contextmanager
def _transaction(sql: sqlite3.Connection) -> Iterator[None]:
    """Join the current transaction, or begin one."""
    if sql.in_transaction:
        yield
        return
    sql.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        sql.execute("ROLLBACK")
        raise
    sql.execute("COMMIT")


class Data:
    """The items, for the work of one call."""

    def __init__(self, sql: sqlite3.Connection, number: Callable[[Table], int]) -> None:
        self.sql = sql
        self._number = number
        self.recorded: dict[str, int] = {}

    def get(self, table: Table, key: tuple[bytes, bytes]) -> tuple[Item, int] | None:
        """Return the item and its size."""
        found = self.sql.execute(
            f"SELECT item, size FROM items_{self._number(table)} WHERE pk = ? AND sk = ?", key
        ).fetchone()
        return (msgspec.json.decode(found[0]), found[1]) if found else None

    def put(self, table: Table, item: Item, size: int) -> None:
        number = self._number(table)
        row = layout.row(table, item)
        columns = ", ".join(["pk", "sk", "item", "size", *(f'"{name}"' for name in row)])
        marks = ", ".join("?" * (4 + len(row)))
        key = table.keys.of(item)
        assert key
        self.sql.execute(
            f"INSERT OR REPLACE INTO items_{number} ({columns}) VALUES ({marks})",
            (*key, msgspec.json.encode(item), size, *row.values()),
        )

    def delete(self, table: Table, key: tuple[bytes, bytes]) -> None:
        self.sql.execute(f"DELETE FROM items_{self._number(table)} WHERE pk = ? AND sk = ?", key)

    def count(self, table: Table) -> tuple[int, int]:
        """Return how many items the table has, and their size in bytes."""
        [found] = self.sql.execute(
            f"SELECT count(*), coalesce(sum(size), 0) FROM items_{self._number(table)}"
        )
        return int(found[0]), int(found[1])

    def walk(
        self,
        table: Table,
        index: Index | None,
        hash_key: bytes | None,
        bounds: tuple[tuple[str, bytes], ...] = (),
        after: tuple[bytes, ...] | None = None,
        forward: bool = True,
    ) -> Iterator[tuple[Item, int]]:
        """Yield items and their sizes in order, of one partition or (without `hash_key`) of all.

        `bounds` are comparisons with the sort key. `after` is the place of the previous item, in
        the columns of `layout.order`.
        """
        order = layout.order(index)
        conditions, values = [], list[bytes]()
        if hash_key is not None:
            conditions.append(f"{order[0]} = ?")
            values.append(hash_key)
        elif index:
            conditions.append(f"{order[0]} IS NOT NULL")
        for sign, value in bounds:
            conditions.append(f"{order[1]} {sign} ?")
            values.append(value)
        if after is not None:
            columns = order if hash_key is None else order[1:]
            places = after if hash_key is None else after[1:]
            conditions.append(
                f"({', '.join(columns)}) {'>' if forward else '<'} ({', '.join('?' * len(places))})"
            )
            values += places
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        direction = "" if forward else " DESC"
        ordered = ", ".join(f"{column}{direction}" for column in order)
        for item, size in self.sql.execute(
            f"SELECT item, size FROM items_{self._number(table)} {where} ORDER BY {ordered}", values
        ):
            yield msgspec.json.decode(item), size

    def expired(self, table: Table, since: float, until: float, most: int) -> list[Item]:
        found = self.sql.execute(
            f"SELECT item FROM items_{self._number(table)} WHERE expires > ? AND expires <= ? ORDER BY expires LIMIT ?",
            (since, until, most),
        )
        return [msgspec.json.decode(item) for (item,) in found]

    def copy(self, source: Table, target: Table) -> None:
        """Copy all items of one table into another with the same keys."""
        for item, size in list(self.walk(source, None, None)):
            self.put(target, item, size)

    def record(self, stream: str, record: dict[str, Any]) -> int:
        """Append to a stream; return the record's number."""
        done = self.sql.execute(
            "INSERT INTO stream (stream, created, record) VALUES (?, ?, ?)",
            (stream, time.time(), msgspec.json.encode(record)),
        )
        assert done.lastrowid
        self.recorded[stream] = done.lastrowid
        return done.lastrowid

    def records(
        self, stream: str, first: int, most: int
    ) -> Iterator[tuple[int, float, dict[str, Any]]]:
        """Yield (number, epoch seconds, record)."""
        for number, created, record in self.sql.execute(
            "SELECT number, created, record FROM stream WHERE stream = ? AND number >= ? ORDER BY number LIMIT ?",
            (stream, first, most),
        ):
            yield number, created, msgspec.json.decode(record)

    def trim_streams(self, horizon: float) -> None:
        self.sql.execute("DELETE FROM stream WHERE created < ?", (horizon,))

    def place(self, mapping: str) -> int:
        found = self.sql.execute(
            "SELECT number FROM places WHERE mapping = ?", (mapping,)
        ).fetchone()
        return int(found[0]) if found else 0

    def set_place(self, mapping: str, number: int | None) -> None:
        if number is None:
            self.sql.execute("DELETE FROM places WHERE mapping = ?", (mapping,))
        else:
            self.sql.execute("INSERT OR REPLACE INTO places VALUES (?, ?)", (mapping, number))

    def keep_changes(self, changes: Iterable[tuple[str, bytes | None]]) -> int:
        """Keep changed parts of other services' state until a snapshot holds them.

        Return the number of the last one.
        """
        number = 0
        for change in changes:
            number = (
                self.sql.execute(
                    "INSERT OR REPLACE INTO changes (name, content) VALUES (?, ?)", change
                ).lastrowid
                or 0
            )
        return number

    def changes_after(self, number: int) -> list[tuple[str, bytes | None]]:
        found = self.sql.execute(
            "SELECT name, content FROM changes WHERE number > ? ORDER BY number", (number,)
        )
        return found.fetchall()

    def forget_changes(self, until: int) -> None:
        self.sql.execute("DELETE FROM changes WHERE number <= ?", (until,))

    def last_change(self) -> int:
        [(number,)] = self.sql.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'changes'"
        )
        return int(number)

    def token(self, token: str, since: float) -> bytes | None:
        """Return the request that used this idempotency token."""
        found = self.sql.execute(
            "SELECT request FROM tokens WHERE token = ? AND created > ?", (token, since)
        )
        return next((request for (request,) in found), None)

    def keep_token(self, token: str, request: bytes, forget_before: float) -> None:
        self.sql.execute("DELETE FROM tokens WHERE created <= ?", (forget_before,))
        self.sql.execute(
            "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", (token, request, time.time())
        )
