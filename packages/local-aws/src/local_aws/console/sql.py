"""The panel that queries the database with SQL, by a role that can only read.

Each question has a connection of its own, a read-only transaction, a time limit and a row limit. A
cursor runs it, which takes nothing but a query.
"""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import msgspec
import pg8000.native
from aiohttp import web

from local_aws.console import answers
from local_aws.console.answers import own_page
from local_aws.console.redaction import redacted, redacted_field
from local_aws.database.postgres import SUPERUSER, Postgres

ROLE = "local_console"
MOST_ROWS = 200
MOST_CHARACTERS = 2_000  # of a value
MOST_SQL = 4_000  # characters, in the address of a request
STATEMENT_SECONDS = 3
ANSWER_SECONDS = 8.0  # longer than the timeout of a statement, for a server that hangs
AT_ONCE = 2

_PLAN = re.compile(r"\s*(explain|show)\b", re.IGNORECASE)
_TABLES = """
SELECT n.nspname, c.relname, greatest(c.reltuples, 0)::bigint, pg_relation_size(c.oid),
    (SELECT array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^(pg_|information_schema$)'
ORDER BY 1, 2
"""


class Result(msgspec.Struct, frozen=True):
    columns: list[str]
    rows: list[list[Any]]
    more: bool  # more rows than are shown
    ms: float


class Database:
    """The panel of the database; `server` returns the running one.

    A statement is cancelled after `seconds`.
    """

    def __init__(
        self, server: Callable[[], Postgres], database: str, seconds: float = STATEMENT_SECONDS
    ) -> None:
        self._server, self._database = server, database
        self._milliseconds = int(seconds * 1000)
        self._turn = asyncio.Semaphore(AT_ONCE)

    def routes(self, path: str) -> list[web.RouteDef]:
        return [
            web.get(f"{path}/sql", own_page(self._answer)),
            web.get(f"{path}/sql/tables", own_page(self._tables)),
        ]

    async def _answer(self, request: web.Request) -> web.Response:
        sql = request.query.get("sql", "").strip().rstrip(";")
        if not sql or len(sql) > MOST_SQL:
            return answers.refused(f"Send a query of at most {MOST_SQL} characters.", 400)
        return await self._run(sql)

    async def _tables(self, _: web.Request) -> web.Response:
        return await self._run(_TABLES)

    async def _run(self, sql: str) -> web.Response:
        async with self._turn:
            try:
                return answers.json(await asyncio.to_thread(self._read, sql))
            except pg8000.native.DatabaseError as error:
                return answers.refused(redacted(_message(error)), 400)
            except (pg8000.native.InterfaceError, OSError) as error:
                return answers.refused(f"The database does not answer: {error}", 503)

    def _read(self, sql: str) -> Result:
        self._ensure_role()
        with closing(self._connect(ROLE)) as connection:
            connection.run("BEGIN READ ONLY")
            connection.run(f"SET LOCAL statement_timeout = {self._milliseconds}")
            connection.run("SET LOCAL lock_timeout = '1s'")
            began = time.perf_counter()
            if _PLAN.match(sql):
                context = connection.execute_unnamed(sql)
            else:
                # Several statements are refused, because the extended protocol takes one only.
                connection.execute_unnamed(f"DECLARE asked NO SCROLL CURSOR FOR {sql}")
                context = connection.execute_unnamed(f"FETCH {MOST_ROWS + 1} FROM asked")
            ms = (time.perf_counter() - began) * 1000
        columns = [each["name"] for each in context.columns or ()]
        rows = [_row(columns, row) for row in (context.rows or ())[:MOST_ROWS]]
        return Result(columns, rows, len(context.rows or ()) > MOST_ROWS, round(ms, 3))

    def _ensure_role(self) -> None:
        """Create the role unless the data, which a restore may have replaced, has it."""
        with closing(self._connect(SUPERUSER)) as connection:
            if not connection.run("SELECT 1 FROM pg_roles WHERE rolname = :name", name=ROLE):
                connection.run(f"CREATE ROLE {ROLE} LOGIN IN ROLE pg_read_all_data")
            database = self._database.replace('"', '""')
            connection.run(f'GRANT CONNECT ON DATABASE "{database}" TO {ROLE}')

    def _connect(self, user: str) -> pg8000.native.Connection:
        return pg8000.native.Connection(
            user,
            database=self._database,
            unix_sock=self._server().socket,
            timeout=ANSWER_SECONDS,
        )


def _message(error: pg8000.native.DatabaseError) -> str:
    fields = error.args[0]
    return f"{fields.get('M', 'The query failed.')} (SQLSTATE {fields.get('C', '?')})"


def _row(columns: list[str], row: list[Any]) -> list[Any]:
    return [_value(column, value) for column, value in zip(columns, row, strict=True)]


def _value(column: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | dict):
        text = msgspec.json.encode(value, enc_hook=str).decode()
    else:
        text = value.hex() if isinstance(value, bytes) else str(value)
    return redacted_field(column, text[:MOST_CHARACTERS])
