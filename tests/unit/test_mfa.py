"""Roles that need MFA, and how a user enables MFA, through the handlers.

Postgres and the table are real; Cognito is a stub.
"""

import json
import time
import uuid
from typing import Any

import pg8000.native
import pytest
from botocore.exceptions import ClientError

from access.handler import handler as access
from atrium.identity import admins, commands, grants
from atrium.stores import dynamodb, user_table
from identity_commands import cognito
from identity_commands.handler import handler as identity_commands
from pre_token_generation.handler import handler as pre_token_generation
from tests.support.people import new_admin, new_user, role_grant
from tests.unit.conftest import TABLE
from tests.unit.events import (
    OTHER,
    POOL,
    SUB,
    UID,
    Context,
    answer,
    api_event,
    claims,
    trigger_event,
)
from tools.laptop.answer import Answer
from users import mfa
from users.handler import handler as users

pytestmark = pytest.mark.usefixtures("contract")
PROVIDER = f"cognito:{POOL}"
SELF_SERVICE = "aws.cognito.signin.user.admin"


class Pool:
    """A stub of Cognito: the accounts with an authenticator app, and its calls."""

    def __init__(self) -> None:
        self.apps = set[str]()
        self.calls = list[tuple[str, Any]]()

    def call(self, operation: str, **asked: Any) -> None:
        wanted = asked.get("SoftwareTokenMfaSettings", {}).get("Enabled")
        self.calls.append((operation, wanted))
        if wanted and asked["Username"] not in self.apps:
            fault: Any = {"Error": {"Code": "InvalidParameterException", "Message": "not set up"}}
            raise ClientError(fault, operation)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    made = Pool()
    monkeypatch.setattr(cognito, "provider", lambda: PROVIDER)
    monkeypatch.setattr(cognito, "call", made.call)
    return made


@pytest.fixture
def ada(database: pg8000.native.Connection, table: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Prepare Ada as an administrator, and let the role need MFA."""
    monkeypatch.setenv("MFA_ROLES", "admin lead")
    new_admin(database, UID, "ada@example.org")
    database.run("UPDATE identities SET subject = :sub", sub=SUB)
    return UID


def role(name: str, *permissions: str, parents: tuple[str, ...] = ()) -> None:
    meta = {"pk": {"S": f"R#{name}"}, "sk": {"S": "META"}, "version": {"N": "1"}}
    if parents:
        meta["parents"] = {"SS": [*parents]}  # type: ignore[dict-item]
    dynamodb.client().put_item(TableName=TABLE, Item=meta)
    for each in permissions:
        key = {"pk": {"S": f"R#{name}"}, "sk": {"S": f"PERM#{each}"}}
        dynamodb.client().put_item(TableName=TABLE, Item=key | {"permission": {"S": each}})


def generated() -> dict[str, Any]:
    attributes = {"sub": SUB, "email": "ada@example.org"}
    event = trigger_event("TokenGeneration_Authentication", attributes, scopes=[SELF_SERVICE])
    details = pre_token_generation(event, Context())["response"]["claimsAndScopeOverrideDetails"]
    part: dict[str, Any] = details["accessTokenGeneration"]
    return part


def token(**changed: str) -> dict[str, str]:
    return claims(auth_time=later(), access_epoch=epoch()) | changed


def later() -> str:
    """Return the time of a later sign-in. The end of sessions is stored in whole seconds."""
    return str(int(time.time()) + 100)


def epoch(uid: str = UID) -> str:
    meta = user_table.meta(uid)
    assert meta is not None
    return str(meta.access_epoch)


def call(
    route: str,
    path: dict[str, str] | None = None,
    body: Any = None,
    handler: Any = users,
    **changed: str,
) -> Answer:
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
        "If-Match": "*",
    }
    sent = None if body is None else json.dumps(body)
    event = api_event(route, sent, headers, {**token(), **changed})
    return answer(handler(event | {"pathParameters": path}, Context()))


def outcome(got: Answer) -> str:
    return f"{got.status} {got.json['code']}" if got.status >= 400 else str(got.status)


def perform() -> None:
    """Execute the latest command, as the stream does."""
    meta = user_table.meta(UID)
    assert meta is not None
    image = {"pk": {"S": f"COMMAND#{meta.mfa_change}"}, "sk": {"S": "META"}}
    record = {"dynamodb": {"NewImage": image, "SequenceNumber": "1"}}
    assert identity_commands({"Records": [record]}, Context()) == {"batchItemFailures": []}


def enable(pool: Pool) -> None:
    pool.apps.add(SUB)
    assert call("PUT /v1/me/mfa").status == 202
    perform()


def test_a_token_has_no_role_that_needs_mfa_until_the_user_has_mfa(ada: str, pool: Pool) -> None:
    before = generated()
    assert before["claimsToAddOrOverride"]["roles"] == ""
    assert before["claimsToAddOrOverride"]["needs_mfa"] == "true"
    assert (before["scopesToAdd"], before["scopesToSuppress"]) == (["atrium/me"], [])
    enable(pool)
    after = generated()
    assert after["claimsToAddOrOverride"]["roles"] == "admin"
    assert "needs_mfa" not in after["claimsToAddOrOverride"]
    assert "atrium/users.write" in after["scopesToAdd"]


def test_the_token_of_a_user_with_mfa_cannot_turn_it_off_at_cognito(ada: str, pool: Pool) -> None:
    user_table.transact(admins_leave(ada))
    assert generated()["scopesToSuppress"] == []
    pool.apps.add(SUB)
    call("PUT /v1/me/mfa")
    # before Cognito asks for the app's code
    assert generated()["scopesToSuppress"] == [SELF_SERVICE]
    perform()
    assert generated()["scopesToSuppress"] == [SELF_SERVICE]


def admins_leave(uid: str) -> list[dict[str, Any]]:
    held = grants.find(uid, grants.everywhere(uid)[0].id)
    assert held is not None
    return grants.deletes(held)


def test_a_role_does_not_get_from_a_parent_what_needs_mfa(ada: str, pool: Pool) -> None:
    user_table.transact(admins_leave(ada))
    role("lead", "users.write")
    role("chief", "users.read", parents=("lead",))
    user_table.transact(grants.puts(role_grant(ada, "chief")))
    before = generated()
    assert before["claimsToAddOrOverride"]["roles"] == "chief"
    assert before["claimsToAddOrOverride"]["needs_mfa"] == "true"
    assert before["scopesToAdd"] == ["atrium/me", "atrium/users.read"]
    assert (
        outcome(call("DELETE /v1/users/{id}/mfa", {"id": OTHER}, roles="chief"))
        == "403 permission_missing"
    )
    enable(pool)
    assert "atrium/users.write" in generated()["scopesToAdd"]
    assert (
        outcome(call("DELETE /v1/users/{id}/mfa", {"id": OTHER}, roles="chief"))
        == "404 user_not_found"
    )


def test_a_token_from_before_the_setting_gives_no_more(ada: str, pool: Pool) -> None:
    """Check a token that names the role, with a grant in the table."""
    refused = call("GET /v1/users", roles="admin")
    assert outcome(refused) == "403 mfa_required"
    assert "PUT /v1/me/mfa" in refused.json["detail"]
    challenge = refused.headers["www-authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="mfa"' in challenge
    told = call("GET /v1/me/permissions", roles="admin").json
    assert told == {"roles": [], "permissions": [], "all": False}
    enable(pool)
    assert call("GET /v1/users", roles="admin").status == 200
    assert call("GET /v1/me/permissions", roles="admin").json["all"] is True


def test_a_refusal_mentions_mfa_only_to_users_whom_it_would_help(ada: str) -> None:
    assert outcome(call("GET /v1/users", needs_mfa="true")) == "403 mfa_required"
    assert outcome(call("GET /v1/users")) == "403 permission_missing"


def test_a_missing_scope_of_a_withheld_role_is_reported_as_missing_mfa(ada: str) -> None:
    """Check this, because 403 insufficient_scope would hide the cause: such tokens never have the
    scope.
    """
    token = generated()
    assert token["scopesToAdd"] == ["atrium/me"]
    sent = token["claimsToAddOrOverride"] | {"scope": "atrium/me"}
    assert outcome(call("GET /v1/users", **sent)) == "403 mfa_required"
    assert outcome(call("GET /v1/users", scope="atrium/me")) == "403 insufficient_scope"
    refused = call("GET /v1/me/mfa", scope="openid", needs_mfa="true")
    assert outcome(refused) == "403 insufficient_scope"


def test_a_search_finds_only_users_whose_role_takes_effect(ada: str, pool: Pool) -> None:
    user_table.create_signing_key("cursor", 1, b"k" * 32)
    user_table.transact(grants.puts(role_grant(ada, "lead")))
    role("lead", "document.read")
    role("asker", "access.read")
    asked = {
        "subject": {"type": "user"},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": "7"},
    }
    route, found = "POST /access/v1/search/subject", []
    for _ in range(2):
        got = call(route, None, asked, access, roles="asker")
        assert got.status == 200, got.text
        found.append([each["id"] for each in got.json["results"]])
        enable(pool)
    assert found == [[], [ada]]


def test_mfa_status_lists_the_withheld_roles(ada: str, pool: Pool) -> None:
    got = call("GET /v1/me/mfa").json
    assert got == {"enabled": False, "change": None, "withheld_roles": ["admin"]}
    enable(pool)
    got = call("GET /v1/me/mfa").json
    assert got["enabled"]
    assert got["change"] == {"state": "succeeded", "reason": None}
    assert got["withheld_roles"] == []


def test_enabling_calls_cognito_first_and_ends_earlier_sessions(ada: str, pool: Pool) -> None:
    session = token(auth_time=str(int(time.time())))
    enable(pool)
    assert pool.calls == [
        ("admin_set_user_mfa_preference", True),
        ("admin_user_global_sign_out", None),
        ("admin_set_user_mfa_preference", True),
        ("admin_user_global_sign_out", None),
    ]
    event = api_event("GET /v1/me/mfa", token=session | {"access_epoch": epoch()})
    assert outcome(answer(users(event, Context()))) == "401 session_ended"


def test_enabling_without_an_authenticator_app_fails_with_the_reason(ada: str, pool: Pool) -> None:
    assert call("PUT /v1/me/mfa").json["change"] == {"state": "pending", "reason": None}
    perform()
    got = call("GET /v1/me/mfa").json
    assert (got["enabled"], got["change"]["state"]) == (False, "failed")
    assert "AssociateSoftwareToken" in got["change"]["reason"]
    user_table.transact(admins_leave(ada))
    assert generated()["scopesToSuppress"] == []  # so that the user can set up the app


def test_an_app_removed_at_cognito_ends_mfa(ada: str, pool: Pool) -> None:
    enable(pool)
    pool.apps.clear()
    assert relaxed(call("PUT /v1/me/mfa")) == 202
    perform()
    assert generated()["claimsToAddOrOverride"]["roles"] == ""


def relaxed(got: Answer) -> int:
    assert got.status < 400, got.text
    return got.status


def test_disabling_withdraws_the_roles_at_once_and_then_calls_cognito(ada: str, pool: Pool) -> None:
    enable(pool)
    got = call("DELETE /v1/me/mfa")
    assert (relaxed(got), got.json["enabled"], got.json["withheld_roles"]) == (
        202,
        False,
        ["admin"],
    )
    assert generated()["claimsToAddOrOverride"]["roles"] == ""
    perform()
    assert pool.calls[-1] == ("admin_set_user_mfa_preference", False)


def test_a_change_is_refused_while_another_one_is_pending(
    ada: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("PUT /v1/me/mfa").status == 202
    for route in ("PUT /v1/me/mfa", "DELETE /v1/me/mfa"):
        assert outcome(call(route)) == "409 mfa_change_pending"
    monkeypatch.setattr(mfa, "GIVEN_UP", mfa.GIVEN_UP * 0)
    assert "did not answer" in call("GET /v1/me/mfa").json["change"]["reason"]
    assert call("DELETE /v1/me/mfa").status == 202


def test_a_replaced_command_changes_nothing(
    ada: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the first command come late: MFA that Cognito no longer requires must not be recorded."""
    pool.apps.add(SUB)
    call("PUT /v1/me/mfa")
    first = user_table.meta(UID)
    assert first is not None
    monkeypatch.setattr(mfa, "GIVEN_UP", mfa.GIVEN_UP * 0)
    call("DELETE /v1/me/mfa")
    perform()
    image = {"pk": {"S": f"COMMAND#{first.mfa_change}"}, "sk": {"S": "META"}}
    identity_commands(
        {"Records": [{"dynamodb": {"NewImage": image, "SequenceNumber": "1"}}]}, Context()
    )
    assert pool.calls == [("admin_set_user_mfa_preference", False)]
    command = user_table.item(*commands.key(first.mfa_change))
    assert command is not None
    assert command["outcome"] == "failed"
    assert not call("GET /v1/me/mfa").json["enabled"]


def test_a_command_replaced_while_it_runs_changes_nothing(
    ada: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.apps.add(SUB)
    call("PUT /v1/me/mfa")
    monkeypatch.setattr(mfa, "GIVEN_UP", mfa.GIVEN_UP * 0)
    answered = pool.call

    def be_late(operation: str, **asked: Any) -> None:
        answered(operation, **asked)
        if operation == "admin_user_global_sign_out":
            assert call("DELETE /v1/me/mfa").status == 202

    monkeypatch.setattr(cognito, "call", be_late)
    before = user_table.meta(UID)
    assert before is not None
    record = {"pk": {"S": f"COMMAND#{before.mfa_change}"}, "sk": {"S": "META"}}
    event = {"Records": [{"dynamodb": {"NewImage": record, "SequenceNumber": "1"}}]}
    assert identity_commands(event, Context()) == {"batchItemFailures": []}
    after = user_table.meta(UID)
    assert after is not None
    assert not after.mfa


def test_an_administrator_disables_mfa_for_a_user_who_lost_the_app(
    ada: str, database: pg8000.native.Connection, pool: Pool
) -> None:
    enable(pool)
    new_user(database, OTHER, "grace@example.org")
    path = {"id": OTHER}
    by_admin = {"roles": "admin"}
    assert relaxed(call("DELETE /v1/users/{id}/mfa", path, **by_admin)) == 202
    got = call("GET /v1/users/{id}/mfa", path, **by_admin).json
    assert (got["enabled"], got["change"]["state"]) == (False, "pending")
    actions = [json.loads(each["changes"]["S"]) | {"action": each["action"]["S"], "uid": each["uid"]["S"]} for each in trail()]  # fmt: skip
    assert actions == [
        {"action": "mfa.requested", "uid": UID},
        {"action": "mfa.enabled", "uid": UID},
        {"action": "mfa.disabled", "uid": OTHER},
    ]


def trail() -> list[dict[str, Any]]:
    items = dynamodb.client().scan(TableName=TABLE)["Items"]
    found = [item for item in items if item["pk"]["S"].startswith("AUDIT#")]
    return sorted(found, key=lambda item: str(item["pk"]["S"]))


@pytest.mark.parametrize("route", ["PUT /v1/me/mfa", "DELETE /v1/me/mfa"])
def test_a_change_of_mfa_requires_a_recent_sign_in(ada: str, route: str) -> None:
    assert outcome(call(route, auth_time="1767225600")) == "401 recent_sign_in_required"


def test_the_last_administrator_stays_one_without_mfa(ada: str) -> None:
    """Check that the grant is still counted: the role is withheld only until the user has MFA."""
    assert admins.uids() == [ada]
