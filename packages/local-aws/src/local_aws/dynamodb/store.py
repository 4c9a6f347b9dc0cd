"""Items in SQLite: a table and an index per table and index of DynamoDB, and a stream record in each write's transaction.

SQLite holds only what DynamoDB calls data. Which tables there are, moto says; `Store` follows it at each call.
docs/decisions/0013-items-in-sqlite.md has the alternatives and their figures.
"""
# ruff: noqa: S608 - the names in these statements are numbers of ours and names of indexes that `endpoint` checked

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
    """One SQLite file and the thread that uses it. A call's work runs between two others, and whole or not at all.

    synchronous=NORMAL in WAL mode: what was committed outlives the process, however it ends. A power cut may take the
    last commits, never half of one.
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
        """Run `work` on its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.reading, work)

    async def write[T](self, work: Callable[["Data"], T]) -> T:
        """Run `work` as one transaction: all that it wrote is kept when this returns, nothing of it when it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.writing, work)

    def blocking[T](self, work: Callable[["Data"], T]) -> T:
        """Do what `write` does, and let the caller wait."""
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
            self._numbers.clear()  # tables that this work made are gone again
            raise
        self._sql.execute("COMMIT")
        self.last_record.update(data.recorded)
        return done

    def _number(self, table: Table) -> int:
        """Return the table's number here; make or change what holds its items if its description changed."""
        shape = layout.shape(table)
        number, known = self._numbers.get(table.identity, (0, ""))
        if known == shape:
            return number
        with _transaction(self._sql):
            number = layout.follow(self._sql, table, shape)
        self._numbers[table.identity] = number, shape
        return number

    def forget_others(self, tables: list[Table]) -> None:
        """Drop the items of tables that there are no more; called at the start, when nothing can bring one back."""
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
    """Join the transaction that there is, or make one."""
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
    """The items, as one call's work sees and changes them."""

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

        `bounds` are comparisons with the sort key; `after` is the place (in `layout.order`'s columns) of the item before.
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
        """Put all items of one table into another of the same keys."""
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
        """Keep parts of other services' state until a snapshot has them; return the number of the last."""
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
        """Return the request that this idempotency token stands for."""
        found = self.sql.execute(
            "SELECT request FROM tokens WHERE token = ? AND created > ?", (token, since)
        )
        return next((request for (request,) in found), None)

    def keep_token(self, token: str, request: bytes, forget_before: float) -> None:
        self.sql.execute("DELETE FROM tokens WHERE created <= ?", (forget_before,))
        self.sql.execute(
            "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", (token, request, time.time())
        )
