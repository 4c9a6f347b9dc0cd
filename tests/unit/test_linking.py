"""`PUT /v1/users/{id}/identity` through the handlers: Postgres is real, the table is moto's."""

import json
import time
import uuid
from typing import Any

import pg8000.native
import pytest

from atrium.identity.cognito_trigger import RefusalError
from atrium.stores import user_table
from pre_token_generation.handler import handler as pre_token_generation
from tests.support.people import new_admin, new_user
from tests.unit.events import OTHER, POOL, UID, Context, answer, api_event, claims, trigger_event
from tools.laptop.answer import Answer
from users import identities
from users.handler import handler

pytestmark = pytest.mark.usefixtures("contract")
ROUTE = "PUT /v1/users/{id}/identity"
NEW = str(uuid.UUID(int=7))
GRACE = "grace@example.org"


@pytest.fixture(autouse=True)
def office(database: pg8000.native.Connection, table: Any) -> pg8000.native.Connection:
    """Prepare an administrator, and Grace with an earlier account and MFA."""
    new_admin(database, UID, "ada@example.org")
    new_user(database, OTHER, GRACE)
    mfa = {":true": {"BOOL": True}, ":id": {"S": "pending"}}
    key = user_table.meta_key(OTHER)
    change = "SET mfa = :true, mfa_requested = :true, mfa_change = :id"
    update = {"Key": key, "UpdateExpression": change, "ExpressionAttributeValues": mfa}
    user_table.transact([{"Update": update}])
    return database


def link(
    subject: str = NEW,
    id: str = OTHER,
    if_match: str = "*",
    reason: str = "account_recreated",
    **changed: str,
) -> Answer:
    body = json.dumps({"subject": subject, "reason": reason})
    token = claims(roles="admin", access_epoch=epoch(UID), auth_time=str(int(time.time())))
    headers = {"Content-Type": "application/json", "If-Match": if_match}
    event = api_event(ROUTE, body, headers, token | changed)
    return answer(handler(event | {"pathParameters": {"id": id}}, Context()))


def outcome(got: Answer) -> str:
    return f"{got.status} {got.json['code']}" if got.status >= 400 else str(got.status)


def epoch(uid: str) -> str:
    meta = user_table.meta(uid)
    assert meta is not None
    return str(meta.access_epoch)


def sign_in(subject: str = NEW) -> str:
    event = trigger_event("TokenGeneration_Authentication", {"sub": subject, "email": GRACE})
    details = pre_token_generation(event, Context())["response"]["claimsAndScopeOverrideDetails"]
    return str(details["accessTokenGeneration"]["claimsToAddOrOverride"]["uid"])


def known(database: pg8000.native.Connection) -> Any:
    return database.run("SELECT provider, subject FROM identities WHERE uid = :uid", uid=OTHER)


def test_only_the_linked_account_signs_the_user_in(office: pg8000.native.Connection) -> None:
    with pytest.raises(RefusalError, match="link or erase that account"):
        sign_in()
    got = link()
    assert (outcome(got), got.json) == ("200", {"subject": NEW, "replaced": [GRACE]})
    assert sign_in() == OTHER
    with pytest.raises(RefusalError):
        sign_in("an earlier account")
    assert known(office) == [[f"cognito:{POOL}", NEW]]


def test_a_link_ends_sessions_and_mfa_of_the_earlier_account(table: Any) -> None:
    """Check that MFA ends: the linked account has no second factor that Cognito could ask for."""
    before = claims(uid=OTHER, auth_time=str(int(time.time())))
    assert outcome(link()) == "200"
    event = api_event("GET /v1/me", token=before | {"access_epoch": epoch(OTHER)})
    assert outcome(answer(handler(event, Context()))) == "401 session_ended"
    meta = user_table.meta(OTHER)
    assert meta is not None
    assert (meta.mfa, meta.mfa_requested, meta.mfa_change) == (False, False, "")
    scanned = table.scan(TableName="atrium-test-UserAttributes")["Items"]
    [command] = [item for item in scanned if item["pk"]["S"].startswith("COMMAND#")]
    sent = json.loads(command["arguments"]["S"])["identities"]
    assert (command["command"]["S"], sent) == ("sign_out_user", [[f"cognito:{POOL}", GRACE]])


def test_the_trail_names_accounts_and_reason(office: pg8000.native.Connection) -> None:
    link()
    [[actor, changes]] = office.run(
        "SELECT actor, changes FROM audit_events WHERE action = 'user.linked'"
    )
    replaced = {"identity": NEW, "replaced": [GRACE], "reason": "account_recreated"}
    assert (actor, changes) == (UID, replaced)


def test_an_account_of_another_user_is_refused_and_nothing_changes(
    office: pg8000.native.Connection,
) -> None:
    office.run("UPDATE identities SET subject = :new WHERE uid = :uid", new=NEW, uid=UID)
    before = known(office), user_table.meta(OTHER)
    assert outcome(link()) == "409 identity_taken"
    assert (known(office), user_table.meta(OTHER)) == before


def test_an_account_that_another_user_gets_concurrently_is_refused(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.run("UPDATE identities SET subject = :new WHERE uid = :uid", new=NEW, uid=UID)
    monkeypatch.setattr(identities, "_check", lambda *_: None)
    assert outcome(link()) == "409 identity_taken"
    assert known(office) == [[f"cognito:{POOL}", GRACE]]


def test_linking_the_same_account_again_changes_nothing(office: pg8000.native.Connection) -> None:
    link()
    assert link().json == {"subject": NEW, "replaced": []}
    assert known(office) == [[f"cognito:{POOL}", NEW]]


def test_accounts_of_an_earlier_pool_are_kept(office: pg8000.native.Connection) -> None:
    office.run("UPDATE identities SET provider = 'cognito:old' WHERE uid = :uid", uid=OTHER)
    assert link().json["replaced"] == []
    assert len(known(office)) == 2


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"roles": ""}, "403 permission_missing"),
        ({"auth_time": "1767225600"}, "401 recent_sign_in_required"),
        ({"id": str(uuid.UUID(int=9))}, "404 user_not_found"),
        ({"if_match": '"7"'}, "412 stale"),
        ({"subject": "grace"}, "422 validation_failed"),
        ({"reason": "she asked by mail"}, "422 validation_failed"),
    ],
)
def test_a_refused_link_changes_nothing(
    office: pg8000.native.Connection, asked: dict[str, str], expected: str
) -> None:
    before = known(office), user_table.meta(OTHER)
    assert outcome(link(**asked)) == expected
    assert (known(office), user_table.meta(OTHER)) == before


def test_a_deleted_user_is_not_found(office: pg8000.native.Connection) -> None:
    office.run("UPDATE users SET status = 'deleted' WHERE uid = :uid", uid=OTHER)
    assert outcome(link()) == "404 user_not_found"
