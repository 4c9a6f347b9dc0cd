"""Detection of session pinning: every kind of statement for which RDS Proxy would pin, and no
other.
"""

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from local_aws.database import pinning
from local_aws.database.pinning import LONGEST_STATEMENT, Pinned, Record, Statements, reasons
from local_aws.database.proxy import Watcher
from local_aws_tests.database.conftest import Stand

PINS = [
    ("SET statement_timeout = 5", "sets a parameter of the session"),
    ("set local statement_timeout = 5", "sets a parameter of the session"),
    ("/* why */ RESET ALL", "sets a parameter of the session"),
    ("-- why\nSET ROLE app", "sets a parameter of the session"),
    ("SELECT set_config('a.b', 'c', false)", "sets a parameter of the session"),
    ("PREPARE p AS SELECT 1", "manages prepared statements"),
    ("EXECUTE p", "manages prepared statements"),
    ("DEALLOCATE ALL", "manages prepared statements"),
    ("DISCARD ALL", "discards the session's state"),
    ("CREATE TEMP TABLE t (a int)", "creates a temporary object"),
    ("CREATE TEMPORARY VIEW v AS SELECT 1", "creates a temporary object"),
    ("CREATE OR REPLACE TEMP VIEW v AS SELECT 1", "creates a temporary object"),
    ("CREATE LOCAL TEMPORARY SEQUENCE s", "creates a temporary object"),
    ("SELECT 1 INTO TEMP t", "creates a temporary object"),
    ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "declares a cursor"),
    ("LISTEN news", "listens"),
    ("UNLISTEN *", "listens"),
    ("LOAD 'auto_explain'", "loads a library"),
    ("SELECT nextval('s')", "changes or reads a sequence"),
    ("SELECT setval ('s', 1)", "changes or reads a sequence"),
    ("SELECT pg_advisory_lock(1)", "takes a session-level lock"),
    ("SELECT pg_try_advisory_lock_shared(1)", "takes a session-level lock"),
    ("SELECT pg_advisory_unlock_all()", "takes a session-level lock"),
    ("SELECT '" + "x" * LONGEST_STATEMENT + "'", "is longer than 16384 bytes"),
]
HARMLESS = [
    "UPDATE notes SET text = 'SET x = 1; LISTEN y'",
    "INSERT INTO notes VALUES (1, $$SET x = 1$$)",
    "INSERT INTO notes VALUES (1, E'it\\'s; DISCARD ALL')",
    "ALTER ROLE app SET statement_timeout = 5",
    'SELECT "nextval" FROM notes -- SET x',
    "SELECT pg_advisory_xact_lock(1)",
    "SELECT pg_try_advisory_xact_lock_shared(1)",
    "CREATE TABLE temporary_notes (a int)",
    "NOTIFY news",
    "BEGIN",
    "SELECT 1;",
    "CREATE TABLE t (id int DEFAULT 1) /* nextval('s') */",
    "SELECT '" + "x" * (LONGEST_STATEMENT - 9) + "'",
]


@pytest.mark.parametrize(("sql", "reason"), PINS, ids=lambda value: value[:40])
def test_statements_that_pin(sql: str, reason: str) -> None:
    assert reasons(sql) == (reason,)


@pytest.mark.parametrize("sql", HARMLESS, ids=lambda value: value[:40])
def test_statements_that_do_not_pin(sql: str) -> None:
    assert reasons(sql, simple=True) == ()


def test_several_statements_in_one_simple_query() -> None:
    assert reasons("SELECT 1; SELECT ';'", simple=True) == ("contains several statements",)


def test_a_named_prepared_statement_pins() -> None:
    assert reasons("SELECT 1", name="s1") == ("prepares the named statement 's1'",)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


SENT = (
    message(b"P", b"\0SELECT $1\0\0\0"),
    message(b"B", b"SET x = 1\0" * 9),
    message(b"S", b""),
    message(b"P", b"s1\0SELECT 2\0\0\0"),
    message(b"Q", b"SELECT 3\0"),
    message(b"X", b""),
)
FOUND = [("SELECT $1", "", False), ("SELECT 2", "s1", False), ("SELECT 3", "", True)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_messages_in_several_pieces_are_parsed(size: int) -> None:
    statements = Statements()
    pieces = itertools.batched(b"".join(SENT), size, strict=False)
    assert [found for piece in pieces for found in statements.read(bytes(piece))] == FOUND


def test_a_huge_statement_is_detected_without_being_buffered() -> None:
    [(sql, _, _)] = Statements().read(message(b"Q", b"SELECT '" + b"x" * 10**6 + b"'\0"))
    assert LONGEST_STATEMENT < len(sql) <= 4 * LONGEST_STATEMENT


@pytest.fixture
def watched(stand: Stand, tmp_path: Path) -> Callable[[], list[Pinned]]:
    path = tmp_path / "pinned.jsonl"
    record = Record(path)
    stand.proxy.watch = lambda user, _key, _began: Watcher(record.watch(user).sent)
    return lambda: pinning.read(path)


def test_a_client_of_the_proxy_is_watched(
    stand: Stand, watched: Callable[[], list[Pinned]]
) -> None:
    connection = stand.connect()
    connection.run("SELECT 1")
    connection.run("SELECT set_config('a.b', 'c', false)")
    connection.run("SELECT set_config('a.b', 'c', false)")
    connection.close()
    assert watched() == [
        Pinned("app", "sets a parameter of the session", "SELECT set_config('a.b', 'c', false)"),
    ]
