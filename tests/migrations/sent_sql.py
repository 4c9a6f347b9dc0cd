"""The SQL that services send, and the answers of Postgres.

Both are recorded from each service's scenario and kept beside it in sent_sql.json. The tests send
the SQL of an older release to a newer schema. If every answer is the same, the older release works
on that schema. docs/decisions/0006-migrations.md gives the reasons.
"""

import json
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from atrium.stores import pipeline, postgres
from atrium.stores.pipeline import PipelinedConnection, ServerError, Statement
from local_aws.database import pinning

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
SOME_TIME = "<time>"
_CONNECTION = {Path(__file__), Path(postgres.__file__), Path(pipeline.__file__)}


class Sent(msgspec.Struct):
    sql: str
    parameters: dict[str, Any]
    rows: list[list[Any]]


class RoundTrip(msgspec.Struct):
    """A query with its result.

    `error` is the SQLSTATE of an expected error, such as an address in use.
    """

    statements: list[Sent]
    error: str | None = None


Conversation = list[RoundTrip]
Ledger = dict[str, list[Conversation]]
"""Conversations by service: the SQL that it sends now, and the SQL of releases that may still run.
"""


class SessionPinnedError(Exception):
    """A statement for which RDS Proxy would pin the session."""


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Conversation]:
    """Record the SQL in this block.

    Raise SessionPinnedError for a statement that pins a session, with its SQL and the line that
    sends it.
    """
    heard: Conversation = []
    execute = PipelinedConnection.execute

    def listening(
        self: PipelinedConnection, statements: Sequence[Statement]
    ) -> list[list[postgres.Row]]:
        _check(statements)
        try:
            answers = execute(self, statements)
        except ServerError as error:
            heard.append(RoundTrip([_sent(each, []) for each in statements], error.args[0]["C"]))
            raise
        heard.append(
            RoundTrip([_sent(each, rows) for each, rows in zip(statements, answers, strict=True)])
        )
        return answers

    with monkeypatch.context() as patched:
        patched.setattr(PipelinedConnection, "execute", listening)
        yield heard


def _check(statements: Sequence[Statement]) -> None:
    for each in statements:
        for reason in pinning.reasons(each.sql):
            raise SessionPinnedError(f"{_sender()} sends what {reason}:\n{each.sql}")


def _sender() -> str:
    """Return the innermost line that is not in the module of the connection."""
    ours = [frame for frame in traceback.extract_stack() if Path(frame.filename) not in _CONNECTION]
    return f"{ours[-1].filename}:{ours[-1].lineno}"


def send_again(conversation: Conversation) -> Conversation:
    """Send the statements as the role app. Return today's answers."""
    heard: Conversation = []
    for batch in conversation:
        statements = [Statement(sent.sql, sent.parameters) for sent in batch.statements]
        try:
            answers = postgres.batch(*statements, user="app")
        except postgres.DatabaseError as error:
            heard.append(RoundTrip([_sent(each, []) for each in statements], error.code))
            continue
        heard.append(
            RoundTrip([_sent(each, rows) for each, rows in zip(statements, answers, strict=True)])
        )
    return heard


def texts(conversation: Conversation) -> list[list[str]]:
    return [[sent.sql for sent in batch.statements] for batch in conversation]


def merged(
    known: list[Conversation], now: Conversation, *, only: bool = False
) -> list[Conversation]:
    """Return the known conversations followed by new ones. A known one is kept if the SQL is the
    same.

    With `only`, drop the known ones that were not sent now.
    """
    same = [each for each in known if texts(each) == texts(now)] or [now]
    return same if only else [*(each for each in known if each not in same), *same]


def read() -> Ledger:
    files = sorted(FUNCTIONS.glob("*/tests/sent_sql.json"))
    return {
        file.parts[-3]: msgspec.json.decode(file.read_bytes(), type=list[Conversation])
        for file in files
    }


def write(service: str, conversations: list[Conversation]) -> None:
    text = json.dumps(msgspec.to_builtins(conversations), indent=1, sort_keys=True) + "\n"
    (FUNCTIONS / service / "tests" / "sent_sql.json").write_text(text)


def _sent(statement: Statement, rows: Sequence[postgres.Row]) -> Sent:
    return Sent(
        statement.sql,
        {name: _value(each) for name, each in statement.named().items()},
        [list(map(_answer, row)) for row in rows],
    )


def _value(parameter: object) -> Any:
    """Return a value as text, as it is sent over the wire."""
    return (
        str(parameter) if isinstance(parameter, UUID | datetime) else msgspec.to_builtins(parameter)
    )


def _answer(value: object) -> Any:
    """Return a value for comparison, with the times of this run replaced, also inside JSON."""
    match value:
        case datetime():
            return SOME_TIME
        case str() if _TIME.fullmatch(value):
            return SOME_TIME
        case dict():
            return {name: _answer(each) for name, each in value.items()}
        case list():
            return [_answer(each) for each in value]
    return _value(value)


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
