"""Compatibility of older releases: their recorded SQL runs on the newest schema with the same
answers.

Releases that may still run are covered (expand, then contract).
"""

import importlib
import os
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from atrium.stores.pipeline import PipelinedConnection, Statement
from migrate import migrations
from migrate.connection import proxy_uri
from tests.migrations import sent_sql
from tests.migrations.conftest import OURS
from tests.migrations.sent_sql import Conversation, RoundTrip, Sent

RECORD = os.environ.get("RECORD_SQL", "")
"""`add` writes the SQL that services send now to the ledger; `only` also removes all other SQL.

See `make record-sql`.
"""


def services() -> list[str]:
    """Return the services that use Postgres as `app`."""
    declared = {
        file.parent.name: yaml.safe_load(file.read_text())
        for file in sent_sql.FUNCTIONS.glob("*/function.yaml")
    }
    return sorted(name for name, each in declared.items() if "app" in _users(each))


def _users(declared: dict[str, dict[str, str | list[str]]]) -> str | list[str]:
    return declared.get("data", {}).get("postgres", [])


def scenario(service: str) -> ModuleType:
    if not (sent_sql.FUNCTIONS / service / "tests" / "sent_sql.py").exists():
        pytest.fail(
            f"functions/{service} speaks to Postgres, so write functions/{service}/tests/sent_sql.py: a run() that has "
            "it send each of its statements. Then `make record-sql`."
        )
    return importlib.import_module(f"{service}.tests.sent_sql")


@pytest.mark.parametrize("service", services())
def test_the_ledger_has_the_sql_that_each_service_sends_now(
    migrated: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = scenario(service).run
    with sent_sql.recorded(monkeypatch) as now:
        run()
    known = sent_sql.read().get(service, [])
    wanted = sent_sql.merged(known, now, only=RECORD == "only")
    if RECORD and wanted != known:
        sent_sql.write(service, wanted)
    assert RECORD or wanted == known, (
        f"functions/{service} sends other SQL than its tests/sent_sql.json has. `make record-sql` adds it."
    )


def test_recording_adds_new_conversations_and_keeps_known_ones() -> None:
    """Check this, because random identifiers would otherwise change the file each time."""
    old, known, again = (
        [RoundTrip([Sent(sql, {"uid": uid}, [])])] for sql, uid in (("a", 1), ("b", 2), ("b", 3))
    )
    assert sent_sql.merged([old, known], again) == [old, known]
    assert sent_sql.merged([old], known) == [old, known]
    assert sent_sql.merged([old, known], again, only=True) == [known]


def test_a_statement_that_pins_a_session_is_reported_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Check the report; the test above finds such statements in every service, and
    tests/iam/test_pinning.py on the whole stack.
    """
    sql = "SELECT set_config('a.b', 'c', false)"
    with sent_sql.recorded(monkeypatch), pytest.raises(sent_sql.SessionPinnedError) as told:
        PipelinedConnection.__new__(PipelinedConnection).execute([Statement(sql)])
    line = told.value.__traceback__.tb_lineno if told.value.__traceback__ else 0
    assert (
        str(told.value) == f"{__file__}:{line} sends what sets a parameter of the session:\n{sql}"
    )


@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param(conversation, id=f"{service}-{number}")
        for service, conversations in sent_sql.read().items()
        for number, conversation in enumerate(conversations)
    ],
)
def test_recorded_sql_gets_the_same_answers_on_the_newest_schema(
    migrated: str, conversation: Conversation
) -> None:
    assert sent_sql.send_again(conversation) == conversation


@pytest.mark.parametrize(
    ("change", "lives"),
    [
        ("ALTER TABLE users ADD COLUMN phone text", True),
        ("ALTER TABLE users ADD COLUMN logins int NOT NULL DEFAULT 0", True),
        ("ALTER TABLE users DROP COLUMN locale", False),
        ("ALTER TABLE users RENAME COLUMN given_name TO first_name", False),
        ("ALTER TABLE users ADD COLUMN phone text NOT NULL", False),
        ("ALTER TABLE users ALTER COLUMN version TYPE text", False),
        ("ALTER TABLE users ADD CHECK (given_name IS NOT NULL)", False),
        ("REVOKE INSERT ON audit_events FROM app", False),
    ],
)
def test_an_expanding_change_is_accepted_and_a_breaking_one_is_detected(
    migrated: str, tmp_path: Path, change: str, lives: bool
) -> None:
    for file in OURS.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "9999_next.sql").write_text(f"{change};")
    migrations.apply(proxy_uri("migrator"), folder=tmp_path)
    conversation = sent_sql.read()["users"][-1]
    assert (sent_sql.send_again(conversation) == conversation) is lives
