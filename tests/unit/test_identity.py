"""post_confirmation and the user's identity, through the trigger's handler, on real stores."""

import threading
from typing import Any

import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError as ServerError

from atrium.identity import users
from atrium.identity.cognito_trigger import RefusalError
from atrium.stores import postgres, user_table
from atrium.stores.pipeline import PipelinedConnection
from local_aws.database.postgres import Postgres
from post_confirmation.handler import handler
from tests.unit.conftest import TABLE, Logs, wait_until_blocked
from tests.unit.events import POOL, SUB, Context, trigger_event

ADA = {
    "sub": SUB,
    "email": "Ada@example.org",
    "email_verified": "true",
    "cognito:user_status": "CONFIRMED",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "locale": "en-GB",
}


def confirm(**changed: str) -> dict[str, Any]:
    return handler(trigger_event("PostConfirmation_ConfirmSignUp", ADA | changed), Context())


def test_a_confirmed_person_becomes_a_user_in_both_stores(
    database: pg8000.native.Connection, table: Any
) -> None:
    assert confirm()["response"] == {}
    [[uid, *row]] = database.run(
        "SELECT uid, email, given_name, family_name, locale, status, version FROM users"
    )
    assert row == ["Ada@example.org", "Ada", "Lovelace", "en-GB", "active", 1]
    assert (uid.version, uid.variant) == (7, "specified in RFC 4122")
    assert database.run("SELECT provider, subject, uid FROM identities") == [
        [f"cognito:{POOL}", SUB, uid]
    ]
    trail = database.run("SELECT uid, actor, action, changes FROM audit_events")
    assert trail == [[uid, str(uid), "user.created", {"provider": f"cognito:{POOL}"}]]
    meta = user_table.meta(str(uid))
    assert meta is not None
    assert meta.status == "active"


def test_a_repeated_confirmation_changes_nothing(
    database: pg8000.native.Connection, table: Any
) -> None:
    confirm()
    before = database.run("SELECT * FROM users"), database.run("SELECT * FROM audit_events")
    confirm(given_name="Other", email="other@example.org")
    assert (
        database.run("SELECT * FROM users"),
        database.run("SELECT * FROM audit_events"),
    ) == before


def test_the_next_call_completes_an_interrupted_confirmation(
    database: pg8000.native.Connection, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(uid: str) -> None:
        raise user_table.TableUnavailableError("throttled")

    with monkeypatch.context() as outage:
        outage.setattr(user_table, "create_meta", throttled)
        with pytest.raises(RefusalError):
            confirm()
    [[uid]] = database.run("SELECT uid FROM users")
    assert user_table.meta(str(uid)) is None
    confirm()
    assert user_table.meta(str(uid)) is not None
    assert database.run("SELECT count(*) FROM users") == [[1]]


def test_a_reset_password_creates_no_user(database: pg8000.native.Connection, table: Any) -> None:
    handler(trigger_event("PostConfirmation_ConfirmForgotPassword", ADA), Context())
    assert database.run("SELECT count(*) FROM users") == [[0]]


def test_an_active_users_address_is_refused_to_another_identity(
    database: pg8000.native.Connection, table: Any, logs: Logs
) -> None:
    confirm()
    with pytest.raises(RefusalError, match="belongs to another account"):
        confirm(sub="another-sub", email="ADA@EXAMPLE.ORG")
    assert database.run("SELECT count(*) FROM users") == [[1]]
    assert database.run("SELECT count(*) FROM identities") == [[1]]
    assert database.run("SELECT count(*) FROM audit_events") == [[1]]
    refused = logs.lines()[-1]
    assert (refused["level"], refused["outcome"]) == ("WARN", "refused")
    assert "example.org" not in str(refused)


def test_the_email_of_an_erased_user_is_free_again(
    database: pg8000.native.Connection, table: Any
) -> None:
    confirm()
    database.run("UPDATE users SET status = 'erased'")
    confirm(sub="another-sub")
    assert database.run("SELECT count(*) FROM users WHERE status = 'active'") == [[1]]


def test_an_erased_user_gets_no_new_meta(database: pg8000.native.Connection, table: Any) -> None:
    confirm()
    [[uid]] = database.run("UPDATE users SET status = 'erased' RETURNING uid")
    table.delete_item(TableName=TABLE, Key={"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}})
    confirm()
    assert user_table.meta(str(uid)) is None


@pytest.mark.parametrize("locale", ["en_GB", "", "x" * 2000])
def test_an_invalid_name_does_not_prevent_the_confirmation(
    database: pg8000.native.Connection, table: Any, locale: str
) -> None:
    confirm(locale=locale, given_name="a\x00b", family_name="  Lovelace ")
    assert database.run("SELECT given_name, family_name, locale FROM users") == [
        [None, "Lovelace", None]
    ]


@pytest.mark.parametrize(
    "emails", [["ada@example.org"] * 6, [f"ada{n}@example.org" for n in range(6)]], ids=str
)
def test_concurrent_calls_create_one_user(
    database: pg8000.native.Connection,
    server: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    emails: list[str],
) -> None:
    """Start each call with a connection of its own, while a lock stops writes of identities."""
    local = threading.local()

    def query(sql: str, **parameters: object) -> list[Any]:
        if not hasattr(local, "connection"):
            local.connection = PipelinedConnection(
                "app", unix_sock=server.socket, database="atrium"
            )
        try:
            return list(local.connection.execute([postgres.Statement(sql, parameters)])[0])
        except ServerError as error:
            raise postgres.translated_error(error) from error

    def call(email: str) -> None:
        try:
            found.append(users.find_or_create("cognito:pool", SUB, email, {}).uid)
        finally:
            local.connection.close()

    monkeypatch.setattr(postgres, "query", query)
    found: list[str] = []
    threads = [threading.Thread(target=call, args=(email,)) for email in emails]
    database.run("BEGIN")
    database.run("LOCK TABLE identities IN SHARE MODE")
    for thread in threads:
        thread.start()
    wait_until_blocked(database, len(threads))
    database.run("COMMIT")
    for thread in threads:
        thread.join(60)
    assert len(found) == len(emails)
    assert len(set(found)) == 1
    for one in ("users", "identities", "audit_events"):
        assert database.run(f"SELECT count(*) FROM {one}") == [[1]], one  # noqa: S608
