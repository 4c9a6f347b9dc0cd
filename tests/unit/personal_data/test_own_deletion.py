"""`DELETE /v1/me`: within 14 days a sign-in restores the account, but a refresh does not.

Afterwards the account is erased.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.identity import admins, grants
from atrium.identity.cognito_trigger import RefusalError
from atrium.stores import user_table
from pre_token_generation.handler import handler as pre_token_generation
from tests.support.people import role_grant
from tests.unit.events import UID, Context, answer, api_event, claims, trigger_event
from tests.unit.personal_data.markers import Person
from tests.unit.personal_data.steps import operations, perform, relay
from tests.unit.personal_data.store_search import holding
from tools.laptop.answer import Answer
from users.handler import handler

INTERACTIVE = "TokenGeneration_Authentication"
EXPIRED = "UPDATE users SET erase_at = now() - interval '1 second' WHERE uid = :uid"


def delete(uid: str, roles: str = "", age: int = 0, etag: str = "*") -> Answer:
    token = claims(uid=uid, roles=roles, auth_time=str(int(time.time()) - age))
    return answer(handler(api_event("DELETE /v1/me", None, {"If-Match": etag}, token), Context()))


def read(uid: str, epoch: int = 1) -> Answer:
    token = claims(uid=uid, access_epoch=str(epoch))
    return answer(handler(api_event("GET /v1/me", token=token), Context()))


def sign_in(person: Person, source: str = INTERACTIVE) -> Any:
    """Return the claims of the token, as Cognito requests them from the trigger."""
    attributes = {"sub": person.subject, "email": f"{person.markers['users.email']}@example.org"}
    found = pre_token_generation(trigger_event(source, attributes), Context())["response"]
    return found["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]["claimsToAddOrOverride"]


def deleted(person: Person, pool: Stubber, database: pg8000.native.Connection) -> None:
    """Delete the account, and let the pool end its sessions, which is its only task."""
    assert delete(person.uid).status == 202
    [(operation, kind, _)] = operations(database, person.uid)
    assert kind == "user.delete_own"
    perform(operation, pool, "admin_user_global_sign_out", person.subject)
    assert operations(database, person.uid) == [(operation, kind, "succeeded")]


@pytest.fixture(autouse=True)
def _scopes(contract: None) -> None:
    """Let pre_token_generation find the contract."""


def test_a_deletion_ends_access_and_names_the_end_of_the_grace_period(
    person: Person, database: pg8000.native.Connection, pool: Stubber
) -> None:
    assert read(person.uid).status == 200
    gone = delete(person.uid)
    assert (gone.status, gone.json["status"]) == (202, "deleted"), gone.body
    until = datetime.fromisoformat(gone.json["erase_at"])
    assert timedelta(days=13) < until - datetime.now(UTC) <= timedelta(days=14)
    # For reads a container may accept the token for 30 s, but the record is already hidden.
    assert (read(person.uid).status, delete(person.uid).status) == (404, 401)


def test_the_grace_period_is_configurable(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELETION_GRACE_DAYS", "1")
    until = datetime.fromisoformat(delete(person.uid).json["erase_at"])
    assert until - datetime.now(UTC) < timedelta(days=1, minutes=1)


def test_a_sign_in_restores_the_account_and_a_refresh_does_not(
    person: Person, database: pg8000.native.Connection, table: Any, pool: Stubber
) -> None:
    deleted(person, pool, database)
    with pytest.raises(RefusalError, match="disabled"):
        sign_in(person, "TokenGeneration_RefreshTokens")
    assert operations(database, person.uid)[-1][1] == "user.delete_own"
    token = sign_in(person)
    assert read(person.uid, int(token["access_epoch"])).status == 200
    assert operations(database, person.uid)[-1][1:] == ("user.restore", "pending")
    perform(operations(database, person.uid)[-1][0], pool, "admin_enable_user", person.subject)
    assert database.run("SELECT status, erase_at FROM users WHERE uid = :uid", uid=person.uid) == [
        ["active", None]
    ]
    relay(database)
    assert len(holding(list(person.markers.values()), database, table)) >= 12
    assert [kind for _, kind, _ in operations(database, person.uid)] == [
        "user.delete_own",
        "user.restore",
    ]


@pytest.mark.parametrize(
    "source",
    ["TokenGeneration_NewPasswordChallenge", "TokenGeneration_AuthenticateDevice"],
)  # fmt: skip
def test_every_kind_of_sign_in_restores_the_account(
    person: Person, database: pg8000.native.Connection, pool: Stubber, source: str
) -> None:
    deleted(person, pool, database)
    assert sign_in(person, source)["uid"] == person.uid


def test_a_sign_in_by_the_hosted_pages_cookie_restores_nothing(
    person: Person, database: pg8000.native.Connection, pool: Stubber
) -> None:
    """Check the cookie, with which the page may sign in for an hour without asking the person."""
    deleted(person, pool, database)
    with pytest.raises(RefusalError, match="an hour after the deletion"):
        sign_in(person, "TokenGeneration_HostedAuth")
    database.run("UPDATE users SET updated_at = now() - interval '61 minutes' WHERE uid = :uid", uid=person.uid)  # fmt: skip
    assert sign_in(person, "TokenGeneration_HostedAuth")["uid"] == person.uid


def test_a_sign_in_before_the_sessions_have_ended_is_refused(
    person: Person, database: pg8000.native.Connection
) -> None:
    """Check this, because the pool would end the new session, too."""
    delete(person.uid)
    with pytest.raises(RefusalError, match="in progress"):
        sign_in(person)


def test_after_the_grace_period_the_account_is_erased(
    person: Person, database: pg8000.native.Connection, table: Any, pool: Stubber
) -> None:
    deleted(person, pool, database)
    assert relay(database)["erasures_started"] == 0
    database.run(EXPIRED, uid=person.uid)
    with pytest.raises(RefusalError, match="disabled"):
        sign_in(person)
    assert relay(database)["erasures_started"] == 1
    assert relay(database)["erasures_started"] == 0
    operation, kind, _ = operations(database, person.uid)[-1]
    assert kind == "user.erase"
    perform(operation, pool, "admin_delete_user", person.subject)
    relay(database)
    assert operations(database, person.uid)[-1] == (operation, kind, "succeeded")
    assert holding(list(person.markers.values()), database, table) == []
    with pytest.raises(RefusalError):
        sign_in(person)


def test_a_deletion_by_an_administrator_is_not_undone_by_a_sign_in(
    person: Person, database: pg8000.native.Connection
) -> None:
    database.run("UPDATE users SET status = 'deleted' WHERE uid = :uid", uid=person.uid)
    with pytest.raises(RefusalError, match="disabled"):
        sign_in(person)
    assert relay(database)["erasures_started"] == 0


def test_the_last_administrator_cannot_delete_themselves(
    person: Person, database: pg8000.native.Connection
) -> None:
    refused = delete(UID, "admin")
    assert (refused.status, refused.json["code"]) == (409, "last_admin")
    assert database.run("SELECT status, erase_at FROM users WHERE uid = :uid", uid=UID) == [
        ["active", None]
    ]


def test_a_restored_administrator_is_counted_again(
    person: Person, database: pg8000.native.Connection, pool: Stubber
) -> None:
    grant = {"uid": person.uid, "id": "01890a5d-ac96-774b-bcce-0000000000ae"}
    made = msgspec.structs.replace(role_grant(person.uid, "admin"), **grant)
    user_table.transact([*grants.puts(made), admins.joining(person.uid)])
    deleted(person, pool, database)
    assert admins.is_last(UID)
    assert sign_in(person)["roles"] == "admin editor"
    assert not admins.is_last(UID)


def test_a_deletion_needs_if_match_and_a_recent_sign_in(person: Person) -> None:
    etag = read(person.uid).headers["etag"]
    assert delete(person.uid, etag='"old"').status == 412
    assert delete(person.uid, age=301).json["code"] == "recent_sign_in_required"
    assert delete(person.uid, etag=etag).status == 202


def test_the_commands_record_contains_no_address(
    person: Person, database: pg8000.native.Connection, table: Any
) -> None:
    delete(person.uid)
    [(arguments,)] = database.run(
        "SELECT arguments::text FROM outbox WHERE command = 'suspend_user'"
    )
    assert json.loads(arguments).keys() == {
        "uid",
        "status",
        "previous_status",
        "erase_at",
        "identities",
    }
