"""Spans of the SQL between a function and the database."""

from pathlib import Path

import pytest
from pg8000.exceptions import DatabaseError

from local_aws.database.pinning import Record
from local_aws.database.proxy import Watcher
from local_aws.database.sql_spans import SqlSpans
from local_aws.spans import OpenSpans, Span
from local_aws_tests.database.conftest import Stand


@pytest.fixture
def found(stand: Stand, tmp_path: Path) -> list[Span]:
    """Return the spans of the connections that a test opens."""
    spans, record = OpenSpans(), Record(tmp_path / "pinned.jsonl")
    found: list[Span] = []

    def watch(user: str, access_key: str, began: float) -> Watcher:
        assert access_key.startswith("ASIA"), "the key that signed the token"
        spans.begin(access_key, found)
        statements = SqlSpans(spans, user, access_key)
        statements.connected(began)
        return Watcher(record.watch(user, statements.sent).sent, statements.answered)

    stand.proxy.watch = watch
    return found


def test_a_round_trip_is_a_span_with_its_statement_and_without_its_parameters(
    stand: Stand, found: list[Span]
) -> None:
    connection = stand.connect()
    connection.run("SELECT text FROM notes WHERE text = :text", text="private")
    with pytest.raises(DatabaseError):
        connection.run("SELECT 1 / 0")
    connection.close()
    names = [each.name for each in found]
    assert names[0] == "connect"
    assert "SELECT text FROM notes WHERE text = $1" in names
    assert not any("private" in name for name in names)
    assert all(each.target == "app" and 0 < each.ms < 60_000 for each in found)
    [failed] = [each for each in found if each.error]
    assert (failed.name, failed.error) == ("SELECT 1 / 0", "SQLSTATE 22012")
