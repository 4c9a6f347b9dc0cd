"""The function `migrate` through the proxy: as the master, who is not a superuser, and as migrator."""

from pathlib import Path
from typing import Any

import pytest

from atrium.stores import postgres
from atrium.stores.pipeline import PipelinedConnection, ServerError
from atrium.stores.postgres import DatabaseError, Statement, UniqueViolationError
from db_credentials import scram
from local_aws.database.postgres import Postgres
from local_aws.settings import LOOPBACK
from migrate import migrations
from migrate.connection import proxy_uri
from migrate.handler import handler
from tests.pooling.conftest import as_superuser

OURS = Path(__file__).resolve().parents[2] / "migrations"
UIDS = [f"01920000-0000-7000-8000-00000000000{n}" for n in range(3)]


@pytest.fixture
def bootstrapped(fresh_database: str) -> str:
    handler({"action": "bootstrap"})
    return fresh_database


@pytest.fixture
def migrated(bootstrapped: str) -> str:
    migrations.apply(proxy_uri("migrator"), folder=OURS)
    return bootstrapped


def test_bootstrap_creates_roles_with_timeouts_and_can_be_repeated(
    bootstrapped: str, database_server: Postgres
) -> None:
    assert handler({"action": "bootstrap"}) == {"created": []}
    assert postgres.query("SELECT current_setting('statement_timeout')", user="app") == [("5s",)]
    assert postgres.query("SELECT current_setting('statement_timeout')", user="migrator") == [
        ("14min",)
    ]
    [[owner]] = as_superuser(
        database_server,
        "SELECT DISTINCT pg_get_userbyid(datdba) FROM pg_database WHERE datname LIKE 'fresh_%'",
    )
    assert owner == "migrator"


def test_bootstrap_gives_no_role_iam_only_sign_in(
    bootstrapped: str, database_server: Postgres
) -> None:
    """Check this, because RDS Proxy could not sign in as such a role."""
    members = "SELECT count(*) FROM unnest(ARRAY['migrator', 'app', 'readonly']) r WHERE pg_has_role(r, 'rds_iam', 'MEMBER')"
    assert as_superuser(database_server, members) == [[0]]


def test_only_known_roles_connect_and_no_table_is_visible_without_a_grant(
    bootstrapped: str, database_server: Postgres
) -> None:
    assert postgres.query("SELECT has_schema_privilege('public', 'USAGE')", user="app") == [
        (False,)
    ]
    as_superuser(database_server, "DROP ROLE IF EXISTS stranger")
    as_superuser(database_server, "CREATE ROLE stranger LOGIN")
    with pytest.raises(ServerError, match="permission denied for database"):
        PipelinedConnection("stranger", unix_sock=database_server.socket, database=bootstrapped)


def test_app_writes_readonly_reads_and_neither_creates_tables(migrated: str) -> None:
    postgres.batch(_user(0, "ada@example.com"), _audit(0), user="app")
    assert postgres.query("SELECT status, version FROM users", user="readonly") == [("active", 1)]
    assert postgres.query("SELECT changes FROM audit_events", user="readonly") == [
        ({"email": "ada@example.com"},)
    ]
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
    with pytest.raises(UniqueViolationError) as raised:
        postgres.batch(_user(1, "ADA@example.com"), user="app")
    assert raised.value.constraint == "users_email_key"
    postgres.query("UPDATE users SET status = 'erased'", user="app")
    postgres.batch(_user(1, "ADA@example.com"), user="app")
    with pytest.raises(DatabaseError) as missing:
        postgres.batch(_user(2, None), user="app")
    assert missing.value.code == "23514"


def test_a_verifier_accepts_only_its_password(bootstrapped: str, database_server: Postgres) -> None:
    assert handler(
        {"action": "set_verifier", "user": "app", "verifier": scram.verifier("right")}
    ) == {"user": "app"}
    login = {
        "user": "app",
        "host": LOOPBACK,
        "port": database_server.port,
        "database": bootstrapped,
    }
    with PipelinedConnection(**login, password="right") as connection:
        assert connection.execute([Statement("SELECT current_user")]) == [[("app",)]]
    with pytest.raises(ServerError, match="password authentication failed"):
        PipelinedConnection(**login, password="wrong")


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            {},
            "action: None must be one of bootstrap, set_verifier, make_signing_keys, prepare_items, ",
        ),
        ({"action": "apply", "step": 2}, "step: unknown field of apply"),
        ({"action": "apply", "to": 2}, "to: must be a string"),
        ({"action": "down", "steps": 0}, "steps: 0 must be a whole number of at least 1"),
        ({"action": "down", "steps": True}, "steps: True must be"),
        ({"action": "set_verifier"}, "user: must be a string"),
        ({"action": "set_verifier", "user": "app"}, "verifier: must be a string"),
        (
            {"action": "set_verifier", "user": "postgres", "verifier": scram.verifier("x")},
            "user: 'postgres' must be one of",
        ),
        (
            {"action": "set_verifier", "user": "app", "verifier": "'; DROP ROLE app; --"},
            "verifier: must have the form",
        ),
        (
            {"action": "set_verifier", "user": "app", "verifier": scram.verifier("x") + "\n"},
            "verifier: must have the form",
        ),
        (
            {"action": "set_verifier", "user": "app", "verifier": "plain password"},
            "verifier: must have the form",
        ),
    ],
)
def test_an_invalid_event_is_reported_by_field(event: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        handler(event)


def _user(n: int, email: str | None) -> Statement:
    return Statement("INSERT INTO users (uid, email) VALUES ($1::uuid, $2)", (UIDS[n], email))


def _audit(n: int) -> Statement:
    return Statement(
        "INSERT INTO audit_events (id, uid, actor, action, changes) VALUES ($1::uuid, $1::uuid, 'test', 'create', $2::jsonb)",
        (UIDS[n], {"email": "ada@example.com"}),
    )
