"""The function `migrate` through the proxy: as the master, who is no superuser, and as migrator."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest
import yoyo
from yoyo.exceptions import LockTimeout

from atrium import postgres
from atrium.one_flight import OneFlight, ServerError
from atrium.postgres import DatabaseError, Statement, UniqueViolation
from db_credentials import scram
from local.database.postgres import Postgres
from local.settings import LOOPBACK
from migrate import migrations
from migrate.backend import open_backend
from migrate.handler import handler
from migrate.migrations import MigrationFailedError
from tests.pooling.conftest import as_superuser

OURS = Path(__file__).resolve().parents[2] / "migrations"
UIDS = [f"01920000-0000-7000-8000-00000000000{n}" for n in range(3)]


@pytest.fixture
def bootstrapped(fresh_database: str) -> str:
    handler({"action": "bootstrap"})
    return fresh_database


@pytest.fixture
def migrated(bootstrapped: str) -> str:
    migrations.apply(OURS)
    return bootstrapped


@pytest.fixture
def ours(bootstrapped: str, tmp_path: Path) -> Path:
    """Migrations of our own: the first makes a table."""
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (n int);")
    (tmp_path / "0001_first.rollback.sql").write_text("DROP TABLE first;")
    return tmp_path


def test_bootstrap_makes_roles_with_timeouts_and_again_changes_nothing(
    bootstrapped: str, database_server: Postgres
) -> None:
    assert handler({"action": "bootstrap"}) == {"created": []}
    assert postgres.query("SELECT current_setting('statement_timeout')", user="app") == [("5s",)]
    assert postgres.query("SELECT current_setting('statement_timeout')", user="migrator") == [("14min",)]
    [[owner]] = as_superuser(
        database_server, "SELECT DISTINCT pg_get_userbyid(datdba) FROM pg_database WHERE datname LIKE 'fresh_%'"
    )
    assert owner == "migrator"


def test_bootstrap_makes_nobody_iam_only_for_then_the_proxy_could_not_log_in(
    bootstrapped: str, database_server: Postgres
) -> None:
    members = (
        "SELECT count(*) FROM unnest(ARRAY['migrator', 'app', 'readonly']) r WHERE pg_has_role(r, 'rds_iam', 'MEMBER')"
    )
    assert as_superuser(database_server, members) == [[0]]


def test_only_known_roles_may_connect_and_none_sees_a_table_before_a_migration_says_so(
    bootstrapped: str, database_server: Postgres
) -> None:
    assert postgres.query("SELECT has_schema_privilege('public', 'USAGE')", user="app") == [(False,)]
    as_superuser(database_server, "DROP ROLE IF EXISTS stranger")
    as_superuser(database_server, "CREATE ROLE stranger LOGIN")
    with pytest.raises(ServerError, match="permission denied for database"):
        OneFlight("stranger", unix_sock=database_server.socket, database=bootstrapped)


def test_apply_then_status_then_apply_again(bootstrapped: str) -> None:
    names = sorted(path.stem for path in OURS.glob("*.sql") if not path.stem.endswith(".rollback"))
    assert migrations.status(OURS) == {"applied": [], "pending": names}
    assert migrations.apply(OURS) == {"applied": names, "pending": []}
    assert migrations.status(OURS) == {"applied": names, "pending": []}
    assert migrations.apply(OURS) == {"applied": [], "pending": []}


def test_our_migrations_roll_back_to_nothing_and_apply_again(migrated: str) -> None:
    with open_backend() as backend, backend.lock():
        backend.rollback_migrations(backend.to_rollback(yoyo.read_migrations(str(OURS))))
        left = backend.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '%yoyo%'"
        ).fetchall()
        extensions = backend.execute("SELECT extname FROM pg_extension").fetchall()
    assert left == ()
    assert ["citext"] not in extensions
    assert migrations.apply(OURS)["applied"]


def test_app_changes_rows_and_readonly_reads_them_and_neither_makes_tables(migrated: str) -> None:
    postgres.batch(_user(0, "ada@example.com"), _audit(0), user="app")
    assert postgres.query("SELECT status, version FROM users", user="readonly") == [("active", 1)]
    assert postgres.query("SELECT changes FROM audit_events", user="readonly") == [({"email": "ada@example.com"},)]
    for user, sql in [
        ("readonly", "UPDATE users SET locale = 'en'"),
        ("app", "CREATE TABLE mine ()"),
        ("app", "DELETE FROM _yoyo_migration"),
        ("app", "TRUNCATE users"),
    ]:
        with pytest.raises(DatabaseError) as raised:
            postgres.query(sql, user=user)
        assert raised.value.code == "42501", sql


def test_an_address_belongs_to_one_user_who_is_not_erased(migrated: str) -> None:
    postgres.batch(_user(0, "ada@example.com"), user="app")
    with pytest.raises(UniqueViolation) as raised:
        postgres.batch(_user(1, "ADA@example.com"), user="app")
    assert raised.value.constraint == "users_email_key"
    postgres.query("UPDATE users SET status = 'erased'", user="app")
    postgres.batch(_user(1, "ADA@example.com"), user="app")
    with pytest.raises(DatabaseError) as missing:
        postgres.batch(_user(2, None), user="app")
    assert missing.value.code == "23514"


def test_a_failing_migration_is_undone_whole_named_and_can_be_mended(ours: Path) -> None:
    second = ours / "0002_second.sql"
    second.write_text("CREATE TABLE second (n int); SELECT 1/0;")
    with pytest.raises(MigrationFailedError, match=r"0002_second\.sql failed and was undone: division by zero"):
        migrations.apply(ours)
    assert migrations.status(ours) == {"applied": ["0001_first"], "pending": ["0002_second"]}
    second.write_text("CREATE TABLE second (n int);")
    assert migrations.apply(ours)["applied"] == ["0002_second"]


def test_a_migration_and_its_mark_are_one_transaction(ours: Path) -> None:
    """yoyo uses two connections: if marking fails there, the next apply says «already exists» for ever."""
    migrations.apply(ours)
    mark = hashlib.sha256(b"0002_second").hexdigest()
    (ours / "0002_second.sql").write_text(
        f"CREATE TABLE second (n int); INSERT INTO _yoyo_migration (migration_hash) VALUES ('{mark}');"  # noqa: S608  our own text
    )
    with pytest.raises(MigrationFailedError, match="duplicate key"):
        migrations.apply(ours)
    assert postgres.query("SELECT to_regclass('second') IS NULL", user="migrator") == [(True,)]


def test_a_migration_without_transaction_works(ours: Path) -> None:
    (ours / "0002_index.sql").write_text("-- transactional: false\nCREATE INDEX CONCURRENTLY first_n ON first (n);")
    assert migrations.apply(ours)["applied"] == ["0001_first", "0002_index"]
    assert postgres.query(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'first_n'::regclass", user="migrator"
    ) == [(True,)]


def test_two_at_once_apply_everything_once(ours: Path) -> None:
    migrations.status(ours)
    answers: list[Any] = []
    both = [threading.Thread(target=lambda: answers.append(migrations.apply(ours)["applied"])) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(answers) == [[], ["0001_first"]]


def test_a_live_lock_holds_and_one_older_than_any_lambda_does_not(ours: Path) -> None:
    with open_backend() as holder, holder.lock():
        with open_backend() as second, pytest.raises(LockTimeout), second.lock(timeout=0.1):
            pass
        postgres.query("UPDATE yoyo_lock SET ctime = ctime - interval '17 minutes'", user="migrator")
        assert migrations.apply(ours)["applied"] == ["0001_first"]


def test_a_verifier_lets_its_password_in_and_no_other(bootstrapped: str, database_server: Postgres) -> None:
    assert handler({"action": "set_verifier", "user": "app", "verifier": scram.verifier("right")}) == {"user": "app"}
    login = {"user": "app", "host": LOOPBACK, "port": database_server.port, "database": bootstrapped}
    with OneFlight(**login, password="right") as connection:
        assert connection.fly([Statement("SELECT current_user")]) == [[("app",)]]
    with pytest.raises(ServerError, match="password authentication failed"):
        OneFlight(**login, password="wrong")


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({}, "action: None is none of bootstrap, set_verifier, apply, status"),
        ({"action": "set_verifier"}, "user: missing"),
        ({"action": "set_verifier", "user": "app"}, "verifier: missing"),
        (
            {"action": "set_verifier", "user": "postgres", "verifier": scram.verifier("x")},
            "user: 'postgres' is none of",
        ),
        ({"action": "set_verifier", "user": "app", "verifier": "'; DROP ROLE app; --"}, "verifier: not of the form"),
        (
            {"action": "set_verifier", "user": "app", "verifier": scram.verifier("x") + "\n"},
            "verifier: not of the form",
        ),
        ({"action": "set_verifier", "user": "app", "verifier": "plain password"}, "verifier: not of the form"),
    ],
)
def test_a_wrong_event_is_told_by_field(event: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        handler(event)


def _user(n: int, email: str | None) -> Statement:
    return Statement("INSERT INTO users (uid, email) VALUES ($1::uuid, $2)", (UIDS[n], email))


def _audit(n: int) -> Statement:
    return Statement(
        "INSERT INTO audit_events (id, uid, actor, action, changes) VALUES ($1::uuid, $1::uuid, 'test', 'create', $2::jsonb)",
        (UIDS[n], {"email": "ada@example.com"}),
    )
