"""Migrations on a database with data, while users read and change their records.

Limits: no request waits a second for a lock of a migration, and none fails.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pg8000.native
import pytest

from local_aws.database.postgres import SUPERUSER, Postgres
from migrate import migrations
from migrate.connection import proxy_uri
from tests.migrations.conftest import OURS, ours

LONGEST_WAIT = 1.0
"""Seconds that a request may wait for a lock: half of app's `lock_timeout`, after which it fails.
"""
PEOPLE = 20_000
CLIENTS = 2
FIRST = "0001_users"  # creates the tables that the traffic uses
DATA = f"""
WITH people AS (
    INSERT INTO users (uid, email, locale) SELECT gen_random_uuid(), 'p' || n || '@example.com', 'en' FROM generate_series(1, {PEOPLE}) n
    RETURNING uid
), identified AS (
    INSERT INTO identities (provider, subject, uid) SELECT 'cognito:pool', uid::text, uid FROM people
)
INSERT INTO audit_events (id, uid, actor, action) SELECT gen_random_uuid(), uid, 'test', 'user.created' FROM people
"""  # noqa: S608
WAITING = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float
FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND usename = 'app'
"""


@dataclass
class Traffic:
    requests: int = 0
    failed: list[str] = field(default_factory=list)


@pytest.fixture
def peopled(database: str, database_server: Postgres) -> str:
    migrations.apply(proxy_uri("migrator"), FIRST, OURS)
    with inside(database_server, database) as connection:
        connection.run(DATA)
        connection.run("ANALYZE")
    return database


def test_each_of_our_migrations_keeps_within_the_limits(
    peopled: str, database_server: Postgres
) -> None:
    waits: dict[str, float] = {}
    with traffic(database_server, peopled) as people:
        for file in ours():
            if file.id != FIRST:
                waits[file.id] = longest_wait(database_server, peopled, OURS, file.id)
    assert people.requests > 0
    assert people.failed == []
    assert {name: wait for name, wait in waits.items() if wait >= LONGEST_WAIT} == {}


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("add_column", "ALTER TABLE users ADD COLUMN logins int NOT NULL DEFAULT 0;"),
        (
            "add_index",
            "-- transactional: false\nCREATE INDEX CONCURRENTLY users_locale_idx ON users (locale);",
        ),
        (
            "add_check",
            "ALTER TABLE users ADD CONSTRAINT short CHECK (length(locale) < 99) NOT VALID;",
        ),
    ],
)
def test_the_runbooks_recommendations_keep_within_the_limits(
    peopled: str, database_server: Postgres, tmp_path: Path, name: str, sql: str
) -> None:
    folder = followed_by(tmp_path, name, sql)
    with traffic(database_server, peopled) as people:
        wait = longest_wait(database_server, peopled, folder)
    assert (people.failed, wait < LONGEST_WAIT) == ([], True)


def test_a_migration_with_a_longer_lock_is_detected(
    peopled: str, database_server: Postgres, tmp_path: Path
) -> None:
    folder = followed_by(tmp_path, "slow", "LOCK TABLE users; SELECT pg_sleep(3);")
    with traffic(database_server, peopled):
        assert longest_wait(database_server, peopled, folder) >= LONGEST_WAIT


def followed_by(folder: Path, name: str, sql: str) -> Path:
    """Return a folder with our first migration and the given one."""
    (folder / f"{FIRST}.sql").write_text((OURS / f"{FIRST}.sql").read_text())
    (folder / f"0002_{name}.sql").write_text(sql)
    return folder


def longest_wait(server: Postgres, database: str, folder: Path, to: str | None = None) -> float:
    """Apply the migration. Return the longest time in seconds that a request waited for a lock."""
    failures: list[Exception] = []

    def apply() -> None:
        try:
            migrations.apply(proxy_uri("migrator"), to, folder)
        except Exception as error:
            failures.append(error)

    run = threading.Thread(target=apply)
    longest = 0.0
    with inside(server, database) as connection:
        run.start()
        while run.is_alive():
            longest = max(longest, connection.run(WAITING)[0][0])
            run.join(0.01)
    assert failures == []
    return longest


@contextmanager
def traffic(server: Postgres, database: str) -> Iterator[Traffic]:
    """Run the traffic during the block. Its result is available after the block."""
    with inside(server, database) as connection:
        uids = [str(uid) for (uid,) in connection.run("SELECT uid FROM users LIMIT 200")]
    environment = os.environ | {
        "PYTHONPATH": f"{OURS.parent}{os.pathsep}{OURS.parent / 'functions'}"
    }
    command = [sys.executable, "-m", "tests.migrations.traffic", *uids]
    clients = [
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(CLIENTS)
    ]
    seen = Traffic()
    try:
        for client in clients:
            assert client.stdout
            assert client.stdout.readline() == "ready\n"
        yield seen
    finally:
        for client in clients:
            said = json.loads(client.communicate()[0])
            seen.requests += said["requests"]
            seen.failed += said["failed"]


@contextmanager
def inside(server: Postgres, database: str) -> Iterator[pg8000.native.Connection]:
    with pg8000.native.Connection(
        SUPERUSER, unix_sock=server.socket, database=database
    ) as connection:
        yield connection
