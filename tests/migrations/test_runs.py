"""Runs of migrations: success, errors in Postgres, concurrent runs, and kills."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yoyo

from atrium.stores import postgres
from local_aws.database.postgres import Postgres
from migrate import migrations, run_lock
from migrate.backend import Backend, open_backend
from migrate.connection import proxy_uri
from migrate.errors import HistoryError, MigrationFailedError, MigrationsBusyError
from tests.pooling.conftest import as_superuser

ROOT = Path(__file__).resolve().parents[2]
RUNNER = """
import sys
from pathlib import Path
from migrate import migrations, run_lock
from migrate.connection import proxy_uri
print(migrations.apply(proxy_uri("migrator"), folder=Path(sys.argv[1])))
"""


def apply(folder: Path, to: str | None = None) -> dict[str, Any]:
    return migrations.apply(proxy_uri("migrator"), to, folder)


def down(folder: Path, steps: int = 1) -> dict[str, Any]:
    return migrations.down(proxy_uri("migrator"), steps, folder)


def applied(folder: Path) -> list[str]:
    answer: list[str] = migrations.status(proxy_uri("readonly"), folder)["applied"]
    return answer


def exists(table: str) -> bool:
    return postgres.query(f"SELECT to_regclass('{table}') IS NOT NULL", user="migrator") == [
        (True,)
    ]


def let_readers_in() -> None:
    """Grant read access, as our first migration does but the small ones here do not."""
    postgres.query("GRANT USAGE ON SCHEMA public TO readonly", user="migrator")


def test_migrations_run_to_a_number_then_to_the_end_then_back_step_by_step(
    database: str, two: Path
) -> None:
    let_readers_in()
    assert apply(two, "0001") == {"applied": ["0001_first"], "pending": ["0002_second"]}
    assert migrations.plan(proxy_uri("readonly"), folder=two) == {
        "apply": [{"id": "0002_second", "sql": "CREATE TABLE second (n int);\n"}]
    }
    assert apply(two) == {"applied": ["0002_second"], "pending": []}
    assert apply(two) == {"applied": [], "pending": []}
    assert down(two) == {"taken_back": ["0002_second"]}
    assert exists("first")
    assert not exists("second")
    apply(two, "0002_second")
    assert down(two, 2) == {"taken_back": ["0002_second", "0001_first"]}
    assert applied(two) == []


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("0003", "to: '0003' must be one of 0001_first, 0002_second"),
        ("0001", "to: 0001_first is already applied"),
    ],
)
def test_an_unknown_target_runs_nothing(database: str, two: Path, to: str, message: str) -> None:
    apply(two, "0001")
    with pytest.raises(ValueError, match=message):
        apply(two, to)
    assert not exists("second")


def test_too_many_steps_or_a_missing_downgrade_file_downgrade_nothing(
    database: str, two: Path
) -> None:
    apply(two)
    with pytest.raises(ValueError, match="steps: 3, but only 2 migrations are applied"):
        down(two, 3)
    (two / "0001_first.rollback.sql").write_text("-- later\n")
    with pytest.raises(
        HistoryError,
        match=r"0001_first cannot be taken back: this build has no 0001_first\.rollback\.sql",
    ):
        down(two, 2)
    assert exists("second")


def test_an_empty_file_is_reported_before_anything_runs(database: str, two: Path) -> None:
    (two / "0002_second.sql").write_text("-- to be written\n;\n/* soon */")
    with pytest.raises(HistoryError, match=r"0002_second\.sql has no SQL yet"):
        apply(two)
    assert not exists("first")


def test_a_failing_migration_is_rolled_back_reported_and_can_be_corrected(
    database: str, two: Path
) -> None:
    let_readers_in()
    second = two / "0002_second.sql"
    second.write_text("CREATE TABLE second (n int); SELECT 1/0;")
    with pytest.raises(
        MigrationFailedError, match=r"0002_second\.sql failed and was undone: division by zero"
    ):
        apply(two)
    assert applied(two) == ["0001_first"]
    second.write_text("CREATE TABLE second (n int);")
    assert apply(two)["applied"] == ["0002_second"]


def test_a_migration_and_its_record_are_one_transaction(database: str, two: Path) -> None:
    """Check this, because yoyo uses two connections: after a failure between them, each later apply
    says "already exists".
    """
    apply(two, "0001")
    mark = hashlib.sha256(b"0002_second").hexdigest()
    (two / "0002_second.sql").write_text(
        f"CREATE TABLE second (n int); INSERT INTO _yoyo_migration (migration_hash) VALUES ('{mark}');"  # noqa: S608
    )
    with pytest.raises(MigrationFailedError, match="duplicate key"):
        apply(two)
    assert not exists("second")


def test_a_migration_without_transaction_works(database: str, two: Path) -> None:
    (two / "0003_index.sql").write_text(
        "-- transactional: false\nCREATE INDEX CONCURRENTLY first_n ON first (n);"
    )
    assert apply(two)["applied"] == ["0001_first", "0002_second", "0003_index"]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'first_n'::regclass"
    assert postgres.query(valid, user="migrator") == [(True,)]


def test_function_bodies_and_percent_signs_are_sent_unchanged(database: str, two: Path) -> None:
    (two / "0003_function.sql").write_text(
        "CREATE FUNCTION greeting(name text) RETURNS text LANGUAGE plpgsql AS $$\n"
        "BEGIN\n  RETURN format('%s; 100%% :warm', name);\nEND\n$$;\n"
    )
    apply(two)
    assert postgres.query("SELECT greeting('Ada')", user="migrator") == [("Ada; 100% :warm",)]


def test_the_backend_is_one_of_yoyos_schemes(database: str) -> None:
    with open_backend(proxy_uri("migrator")) as backend:
        assert type(backend) is Backend
    with yoyo.get_backend(proxy_uri("migrator")) as found:  # as other tools of yoyo request it
        assert type(found) is Backend


def test_two_concurrent_runs_apply_everything_once(database: str, two: Path) -> None:
    answers: list[Any] = []
    both = [
        threading.Thread(target=lambda: answers.append(apply(two)["applied"])) for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(answers) == [[], ["0001_first", "0002_second"]]


def test_a_concurrent_run_is_refused_with_the_start_time_of_the_lock(
    database: str, two: Path, database_server: Postgres
) -> None:
    limit(database_server, database, "lock_timeout", "200ms")
    with open_backend(proxy_uri("migrator")) as holder, holder.lock():
        with pytest.raises(
            MigrationsBusyError, match=r"held the lock since \d\d:\d\d:\d\d UTC \(backend \d+\)"
        ):
            apply(two)
        assert not exists("first")
    assert apply(two)["pending"] == []


def test_a_long_statement_does_not_lose_the_lock_to_the_idle_timeout(
    database: str, two: Path, database_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "BEAT", 0.1)
    limit(database_server, database, "lock_timeout", "200ms")
    limit(database_server, database, "idle_in_transaction_session_timeout", "1500ms")
    with open_backend(proxy_uri("migrator")) as holder, holder.lock():
        holder.execute("SELECT pg_sleep(2)")
        with pytest.raises(MigrationsBusyError):
            apply(two)


def limit(server: Postgres, database: str, name: str, value: str) -> None:
    """Shorten a time limit of the role migrator, for new sessions of this database."""
    as_superuser(server, f"ALTER ROLE migrator IN DATABASE {database} SET {name} = '{value}'")


@pytest.mark.parametrize("transactional", ["true", "false"])
def test_a_run_after_a_killed_one_works_at_once(
    database: str, two: Path, database_server: Postgres, transactional: str
) -> None:
    """Kill during a statement with SIGKILL, as an out-of-memory kill or a power failure would."""
    second = two / "0002_second.sql"
    second.write_text(
        f"-- transactional: {transactional}\nCREATE TABLE second (n int); SELECT pg_sleep(600);"
    )
    runner = start_runner(two)
    wait_for_statement(database_server, database, "SELECT pg_sleep(600)%")
    runner.send_signal(signal.SIGKILL)
    runner.wait()

    second.write_text(
        "DROP TABLE IF EXISTS second; CREATE TABLE second (n int);"
    )  # a migration without a transaction can be repeated
    assert apply(two)["applied"] == ["0002_second"]
    assert exists("first")


def start_runner(folder: Path) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": str(ROOT / "functions")}
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder)], env=environment, stdout=subprocess.DEVNULL
    )


def wait_for_statement(server: Postgres, database: str, like: str) -> None:
    deadline = time.monotonic() + 120
    running = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}' AND state = 'active' AND query LIKE '{like}'"  # noqa: S608
    while not as_superuser(server, running):
        assert time.monotonic() < deadline, "the runner did not get to its statement"
        time.sleep(0.02)
