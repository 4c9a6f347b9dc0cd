"""States of an invitation through the real handlers: sent, resent, cancelled, accepted, expired."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.identity import admins, grants
from atrium.runtime.uuid7 import uuid7
from atrium.stores import dynamodb, postgres, user_table
from attribute_changes.outcomes import handle_outcome
from migrate import signing_keys
from pre_token_generation.handler import handler as pre_token_generation
from tests.support.people import new_admin, new_user, role_grant
from tests.unit.commands.requests import DONE, call, deliver, item, set_status
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import OTHER, POOL, UID, Context, claims, trigger_event
from tools.laptop.answer import Answer

pytestmark = pytest.mark.usefixtures("contract")

EMAIL = "new@example.org"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
CLERK = "01890a5d-ac96-774b-bcce-00000000000c"


class Office:
    """Two administrators, the roles `editor` (document.read) and `clerk` (users.write), and
    Cognito.

    Cognito gives the answers that a test adds.
    """

    def __init__(self, database: pg8000.native.Connection, pool: Stubber) -> None:
        self.database, self.pool = database, pool

    def invite(
        self, *roles: str, token: dict[str, str] | None = None, email: str = EMAIL
    ) -> Answer:
        body: dict[str, Any] = {"email": email} | ({"roles": list(roles)} if roles else {})
        more = {"token": token} if token else {}
        return call("POST /v1/users", body, Idempotency_Key=str(uuid.uuid4()), **more)  # type: ignore[arg-type]

    def invited(self, *roles: str, token: dict[str, str] | None = None, email: str = EMAIL) -> str:
        """Return the id of an open invitation."""
        id = str(self.invite(*roles, token=token, email=email).json["id"])
        attributes = [{"Name": "sub", "Value": email}]
        self.pool.add_response("admin_create_user", {"User": {"Attributes": attributes}})
        self.carry_out(id)
        return id

    def carry_out(self, operation: str) -> None:
        """Execute the command with Cognito, and write its outcome to Postgres."""
        assert deliver(operation) == DONE
        self.pool.assert_no_pending_responses()
        handle_outcome(item(operation))

    def read(self, id: str) -> Any:
        answer = call("GET /v1/invitations/{id}", None, {"id": id})
        assert answer.status == 200, answer.text
        return answer.json

    def list_(self, **query: str) -> Answer:
        return call("GET /v1/invitations", None, query={n: [v] for n, v in query.items()})

    def resend(self, id: str, **more: Any) -> Answer:
        key = {"Idempotency_Key": str(uuid.uuid4())}
        return call("POST /v1/invitations/{id}/resend", None, {"id": id}, **(key | more))

    def cancel(self, id: str, **more: Any) -> Answer:
        return call("DELETE /v1/invitations/{id}", None, {"id": id}, **({"If_Match": "*"} | more))

    def sign_in(self, email: str = EMAIL) -> Any:
        """Return the claims of a token of the invited person."""
        event = trigger_event(
            "TokenGeneration_NewPasswordChallenge", {"sub": email, "email": email}, scopes=[]
        )
        answered = pre_token_generation(event, Context())["response"]
        return answered["claimsAndScopeOverrideDetails"]["accessTokenGeneration"][
            "claimsToAddOrOverride"
        ]

    def expire(self) -> None:
        self.database.run("UPDATE invitations SET expires_at = now()")

    def actions(self, uid: str) -> list[str]:
        rows = self.database.run(
            "SELECT action FROM audit_events WHERE uid = :uid ORDER BY position", uid=uid
        )
        return [action for [action] in rows]

    def trail(self, uid: str) -> list[str]:
        """Return the actions of the audit events in the table."""
        items = dynamodb.client().scan(TableName=TABLE)["Items"]
        found = [each for each in items if each["pk"]["S"].startswith("AUDIT#")]
        return sorted(each["action"]["S"] for each in found if each["uid"]["S"] == uid)


@pytest.fixture
def office(database: pg8000.native.Connection, table: Any, pool: Stubber) -> Office:
    new_admin(database, UID, "ada@example.org")
    new_admin(database, OTHER, "grace@example.org")
    signing_keys.make(rotate=False)
    new_role(table, "editor", "document.read")
    new_role(table, "clerk", "users.write")
    return Office(database, pool)


def new_role(table: Any, name: str, *permissions: str, created: str = "") -> None:
    texts = {
        "pk": f"R#{name}",
        "sk": "META",
        "description": name,
        "gsi1pk": "ROLES",
        "gsi1sk": name,
    }
    meta: dict[str, Any] = {key: {"S": value} for key, value in texts.items()}
    if created:
        meta |= {"created": {"S": created}, "generation": {"N": "2"}}
    table.put_item(TableName=TABLE, Item=meta | {"version": {"N": "1"}, "parents": {"L": []}})
    for each in permissions:
        texts = {"pk": f"R#{name}", "sk": f"PERM#{each}", "permission": each}
        table.put_item(TableName=TABLE, Item={key: {"S": value} for key, value in texts.items()})


def new_holder(office: Office, uid: str, *roles: str) -> dict[str, str]:
    """Return the token of a new user with the roles."""
    new_user(office.database, uid, f"{uid}@example.org")
    for role in roles:
        user_table.transact(grants.puts(role_grant(uid, role)))
    return claims(uid=uid, roles=" ".join(roles))


def roles_of(uid: str) -> list[str]:
    return grants.role_names(grants.everywhere(uid))


def test_the_first_token_accepts_an_invitation_and_contains_its_roles(office: Office) -> None:
    id = office.invited("editor", "admin")
    sent = office.read(id)
    assert (sent["state"], sent["roles"], sent["email"]) == ("open", ["editor", "admin"], EMAIL)
    assert (roles_of(sent["uid"]), sent["invited_by"]) == ([], UID)
    token = office.sign_in()
    assert (token["uid"], token["roles"]) == (sent["uid"], "admin editor")
    accepted = office.read(id)
    assert (accepted["state"], accepted["accepted_at"] is not None) == ("accepted", True)
    assert sent["uid"] in admins.uids()
    assert office.sign_in()["roles"] == "admin editor"
    assert office.trail(sent["uid"]) == ["role.granted", "role.granted", "user.invitation_accepted"]
    assert office.actions(sent["uid"]) == ["user.invited", "user.created"]


@pytest.mark.parametrize("is_resent", [False, True])
def test_linking_an_account_to_an_invited_user_needs_the_right_to_grant_their_roles(
    office: Office, table: Any, is_resent: bool
) -> None:
    """Check that nobody accepts an administrator's invitation with an account of their own."""
    new_role(table, "linker", "users.link")
    uid = office.read(id := office.invited("admin"))["uid"]
    if is_resent:
        assert office.resend(id).status == 202
    account = str(uuid.UUID(int=7))

    def link(token: dict[str, str]) -> Answer:
        body = {"subject": account, "reason": "wrong_link"}
        recent = token | {"auth_time": str(int(time.time()))}
        route = "PUT /v1/users/{id}/identity"
        return call(route, body, {"id": uid}, token=recent, If_Match="*")

    refused = link(new_holder(office, CLERK, "linker"))
    assert (refused.status, refused.json["code"]) == (403, "permission_missing")
    assert roles_of(uid) == []
    assert link(claims(roles="admin")).status == 200
    assert office.sign_in(account)["uid"] == uid


def test_an_invitation_without_roles_is_accepted_and_gives_none(office: Office) -> None:
    id = office.invited()
    token = office.sign_in()
    assert (token["roles"], token["access_epoch"]) == ("", "1")
    assert office.read(id)["state"] == "accepted"


def test_a_crash_after_the_grants_does_not_grant_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoke the role between the crash and the next token."""
    id = office.invited("editor")
    uid = office.read(id)["uid"]
    query = postgres.query

    def die(sql: str, **parameters: Any) -> Any:
        if "'accepted'" in sql:
            raise KeyboardInterrupt
        return query(sql, **parameters)

    with monkeypatch.context() as crash:
        crash.setattr(postgres, "query", die)
        with pytest.raises(KeyboardInterrupt):
            office.sign_in()
    assert (office.read(id)["state"], roles_of(uid)) == ("open", ["editor"])
    [grant] = grants.everywhere(uid)
    user_table.transact(grants.deletes(grants.find(uid, grant.id) or {}))
    assert office.sign_in()["roles"] == ""
    assert office.read(id)["state"] == "accepted"


def test_an_invitation_stays_open_while_the_table_is_down(
    office: Office, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    id = office.invited("editor")

    def broken(*_: object) -> None:
        raise user_table.TableUnavailableError("the table is away")

    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        assert office.sign_in()["roles"] == ""
    assert [line["message"] for line in logs.lines() if line["level"] == "ERROR"] == [
        "invitation left open"
    ]
    assert office.read(id)["state"] == "open"
    assert office.sign_in()["roles"] == "editor"


@pytest.mark.parametrize("end", ["disabled", "revoked", "role deleted", "role grown"])
def test_a_role_that_the_inviter_can_no_longer_grant_is_not_granted(
    office: Office, table: Any, end: str
) -> None:
    new_role(table, "lead", "users.write", "access.write", "document.read")
    lead = new_holder(office, CLERK, "lead")
    id = office.invited("editor", token=lead)
    if end == "disabled":
        assert set_status(CLERK, "disabled").status == 202
    elif end == "revoked":
        [grant] = grants.everywhere(CLERK)
        user_table.transact(grants.deletes(grants.find(CLERK, grant.id) or {}))
    elif end == "role deleted":
        table.delete_item(TableName=TABLE, Key={"pk": {"S": "R#editor"}, "sk": {"S": "META"}})
    else:
        new_role(table, "editor", "document.delete")
    assert office.sign_in()["roles"] == ""
    assert office.read(id)["state"] == "accepted"


def test_an_earlier_invitation_does_not_grant_a_recreated_role(office: Office, table: Any) -> None:
    new_role(table, "clerk", "users.write", created=str(uuid7()))
    id = office.invited("editor", "clerk")
    new_role(table, "editor", "document.delete", created=str(uuid7()))
    assert office.sign_in()["roles"] == "clerk"
    assert office.read(id)["state"] == "accepted"


def test_an_invitation_with_a_recreated_role_can_be_changed(office: Office, table: Any) -> None:
    new_role(table, "lead", "users.write", "access.write", "document.read")
    lead = new_holder(office, CLERK, "lead")
    id = office.invited("editor", token=lead)
    new_role(table, "editor", "document.delete", created=str(uuid7()))
    answer = office.resend(id, token=lead)
    assert answer.status == 202, answer.text


def test_an_inviter_who_loses_their_rights_meanwhile_grants_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End the rights after they were compared and before the grants are written."""
    office.invited("editor")
    transact, calls = user_table.transact, list[Any]()

    def be_late(items: Any) -> None:
        if not calls:
            calls.append(items)
            key = {"pk": {"S": f"U#{UID}"}, "sk": {"S": "META"}}
            changed = {
                "Key": key,
                "UpdateExpression": "SET #s = :s",
                "ExpressionAttributeNames": {"#s": "status"},
            }
            transact(
                [{"Update": changed | {"ExpressionAttributeValues": {":s": {"S": "disabled"}}}}]
            )
        transact(items)

    monkeypatch.setattr(user_table, "transact", be_late)
    assert office.sign_in()["roles"] == ""
    assert calls


@pytest.mark.parametrize(
    ("held", "role", "status", "code"),
    [
        (["clerk"], "editor", 403, "permission_missing"),
        (["clerk", "granter"], "editor", 403, "rights_exceeded"),
        (["clerk", "granter"], "admin", 403, "admin_required"),
        (["clerk", "granter", "editor"], "editor", 202, None),
        (["admin"], "unknown", 422, "validation_failed"),
    ],
)
def test_an_inviter_may_give_only_roles_that_they_may_grant(
    office: Office, table: Any, held: list[str], role: str, status: int, code: str | None
) -> None:
    new_role(table, "granter", "access.write")
    answer = office.invite(role, token=new_holder(office, CLERK, *held))
    assert (answer.status, answer.json.get("code")) == (status, code), answer.text
    if code and code != "permission_missing":
        assert [error["pointer"] for error in answer.json["errors"]] == ["#/roles/0"]
    assert office.database.run("SELECT count(*) FROM invitations") == [[int(code is None)]]


def test_an_invitation_with_roles_needs_the_scope_for_grants(office: Office) -> None:
    """Check an application with only `users.write`: it must not grant roles to a new user."""
    id = office.invited("editor")
    token = claims(roles="admin", scope="atrium/users.write")
    for answer in (
        office.invite("editor", token=token, email="other@example.org"),
        office.resend(id, token=token),
        office.cancel(id, token=token),
    ):
        assert (answer.status, answer.json["code"]) == (403, "insufficient_scope"), answer.text
        assert 'scope="atrium/access.write"' in str(answer.headers)
    assert office.invite(token=token, email="other@example.org").status == 202


@pytest.mark.parametrize("change", ["resend", "cancel"])
def test_an_invitation_whose_role_was_deleted_can_still_be_changed(
    office: Office, table: Any, change: str
) -> None:
    id = office.invited("editor")
    table.delete_item(TableName=TABLE, Key={"pk": {"S": "R#editor"}, "sk": {"S": "META"}})
    answer = getattr(office, change)(id)
    assert answer.status == 202, answer.text


def test_a_duplicate_role_is_refused(office: Office) -> None:
    answer = office.invite("editor", "clerk", "editor")
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/roles/2")


def test_a_sign_in_after_expiry_gives_no_roles_and_cannot_be_cancelled(office: Office) -> None:
    """Check the cancellation: it would erase a user who has signed in, without the permission to
    erase.
    """
    id = office.invited("editor")
    office.expire()
    assert office.sign_in()["roles"] == ""
    assert office.read(id)["state"] == "accepted"
    for refused in (office.cancel(id), office.resend(id)):
        assert (refused.status, refused.json["code"]) == (409, "invitation_ended")
    assert office.sign_in()["roles"] == ""


def test_an_expired_invitation_can_be_sent_again(office: Office) -> None:
    id = office.invited("editor")
    office.expire()
    assert office.read(id)["state"] == "expired"
    again = office.resend(id)
    assert (again.status, again.json["kind"], office.read(id)["state"]) == (
        202,
        "user.invite",
        "pending",
    )
    expect_account(office, "FORCE_CHANGE_PASSWORD", LONG_AGO)
    resent = {"UserPoolId": POOL, "Username": EMAIL, "MessageAction": "RESEND"}
    office.pool.add_response("admin_create_user", {}, resent)
    office.carry_out(again.json["id"])
    sent = office.read(id)
    assert (sent["state"], sent["operation"]) == ("open", again.json["id"])
    assert office.sign_in()["roles"] == "editor"
    assert office.actions(sent["uid"])[-1] == "user.invitation_resent"


def expect_account(office: Office, status: str, changed: datetime) -> None:
    times = {"UserCreateDate": LONG_AGO, "UserLastModifiedDate": changed}
    attributes = [{"Name": "sub", "Value": EMAIL}]
    account = {"Username": EMAIL, "UserStatus": status, "UserAttributes": attributes} | times
    office.pool.add_response("admin_get_user", account)


def test_a_repeat_after_a_crash_sends_no_second_mail(office: Office) -> None:
    operation = office.resend(office.invited()).json["id"]
    expect_account(office, "FORCE_CHANGE_PASSWORD", LATER)
    office.carry_out(operation)
    assert item(operation)["outcome"] == "succeeded"


@pytest.mark.parametrize("account", ["CONFIRMED", "gone", "without a mailbox"])
def test_an_invitation_that_cannot_be_sent_again_keeps_its_expiry(
    office: Office, account: str
) -> None:
    id = office.invited()
    before = office.read(id)
    operation = office.resend(id).json["id"]
    if account == "gone":
        office.pool.add_client_error("admin_get_user", "UserNotFoundException")
    elif account == "CONFIRMED":
        expect_account(office, account, LONG_AGO)
    else:
        expect_account(office, "FORCE_CHANGE_PASSWORD", LONG_AGO)
        office.pool.add_client_error("admin_create_user", "CodeDeliveryFailureException")
    office.carry_out(operation)
    after = office.read(id)
    kept = ("state", "expires_at", "sent_at", "uid")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    [[reason]] = office.database.run("SELECT reason FROM operations WHERE id = :id", id=operation)
    assert reason.endswith(".")


def test_an_unsent_invitation_fails_and_its_audit_event_names_nobody(office: Office) -> None:
    id = office.invite("editor").json["id"]
    assert office.read(id)["state"] == "pending"
    office.pool.add_client_error("admin_create_user", "UserLambdaValidationException")
    office.carry_out(id)
    failed = office.read(id)
    assert (failed["state"], failed["uid"], failed["email"]) == ("failed", None, None)
    for refused in (office.resend(id), office.cancel(id)):
        assert (refused.status, refused.json["code"]) == (409, "invitation_ended")
    assert office.invite().status == 202


def test_cancelling_an_invitation_deletes_the_account(office: Office) -> None:
    id = office.invited("editor")
    uid = office.read(id)["uid"]
    cancelled = office.cancel(id)
    assert (cancelled.status, cancelled.json["kind"]) == (202, "user.erase")
    assert office.read(id)["state"] == "cancelled"
    with pytest.raises(Exception, match="disabled"):
        office.sign_in()
    assert (roles_of(uid), office.actions(uid)[-1]) == ([], "user.invitation_cancelled")
    office.pool.add_response("admin_delete_user", {}, {"UserPoolId": POOL, "Username": EMAIL})
    office.carry_out(cancelled.json["id"])
    [[command]] = office.database.run("SELECT command FROM outbox")
    assert command == "erase_records"


@pytest.mark.parametrize("change", ["resend", "cancel"])
def test_only_a_sent_invitation_can_be_changed(office: Office, change: str) -> None:
    pending = office.invite().json["id"]
    for id, expected in (
        (pending, (409, "operation_pending")),
        (str(uuid.uuid4()), (404, "invitation_not_found")),
    ):
        answer = getattr(office, change)(id)
        assert (answer.status, answer.json["code"]) == expected


def test_a_cancellation_needs_if_match(office: Office) -> None:
    id = office.invited()
    old = call("GET /v1/invitations/{id}", None, {"id": id}).headers["etag"]
    office.database.run("UPDATE invitations SET version = version + 1")
    assert office.cancel(id, If_Match=old).status == 412
    new = call("GET /v1/invitations/{id}", None, {"id": id}).headers["etag"]
    assert office.cancel(id, If_Match=new).status == 202
    assert office.cancel(id).json["code"] == "invitation_ended"


def test_one_request_repeated_sends_one_mail(office: Office) -> None:
    id = office.invited()
    first, again = (office.resend(id, Idempotency_Key="k") for _ in range(2))
    assert (again.status, again.body) == (202, first.body)
    assert office.database.run("SELECT count(*) FROM outbox") == [[1]]
    refused = office.resend(id)
    assert (refused.status, refused.json["code"]) == (409, "operation_pending")


@pytest.mark.parametrize("change", ["resend", "cancel"])
def test_an_accepted_invitation_can_neither_be_sent_again_nor_cancelled(
    office: Office, change: str
) -> None:
    id = office.invited()
    office.sign_in()
    refused = getattr(office, change)(id)
    assert (refused.status, refused.json["code"]) == (409, "invitation_ended")


def test_a_cancellation_that_races_with_the_first_token_fails(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = office.invited()
    batch = postgres.batch

    def be_late(*statements: Any, **options: Any) -> Any:
        if "user.invitation_cancelled" in str(statements):
            # the thread keeps the trigger's context apart from the request's
            with ThreadPoolExecutor(1) as triggers:
                triggers.submit(office.sign_in).result()
        return batch(*statements, **options)

    monkeypatch.setattr(postgres, "batch", be_late)
    assert office.cancel(id).status == 412
    assert office.sign_in()["uid"] == office.read(id)["uid"]


@pytest.mark.parametrize("change", ["resend", "cancel"])
def test_a_caller_cannot_change_an_invitation_with_more_rights_than_their_own(
    office: Office, change: str
) -> None:
    id = office.invited("admin")
    clerk = new_holder(office, CLERK, "clerk")
    refused = getattr(office, change)(id, token=clerk)
    assert (refused.status, refused.json["code"]) == (403, "permission_missing")
    assert office.read(id)["state"] == "open"


def test_a_disabled_user_gets_no_mail(office: Office) -> None:
    id = office.invited()
    assert set_status(office.read(id)["uid"], "disabled").status == 202
    refused = office.resend(id)
    assert (refused.status, refused.json["code"]) == (409, "user_disabled")


def test_the_list_has_pages_and_is_filtered_by_state(office: Office) -> None:
    ids = {
        state: office.invited(email=f"{state}@example.org")
        for state in ("open", "expired", "accepted", "cancelled")
    }
    ids["pending"] = office.invite(email="pending@example.org").json["id"]
    office.sign_in("accepted@example.org")
    assert office.cancel(ids["cancelled"]).status == 202
    office.database.run(
        "UPDATE invitations SET expires_at = now() WHERE id = :id", id=ids["expired"]
    )
    for state, id in ids.items():
        assert [each["id"] for each in office.list_(state=state).json["items"]] == [id], state
    assert office.list_(state="failed").json["items"] == []
    first = office.list_(limit="3").json
    second = office.list_(limit="3", cursor=first["next_cursor"]).json
    listed = [each["id"] for each in first["items"] + second["items"]]
    assert listed == sorted(ids.values(), reverse=True)
    assert second["next_cursor"] is None
    assert office.list_(state="unknown").status == 400


def test_an_invitation_expires_after_the_configured_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVITATION_DAYS", "3")
    sent = office.read(office.invite().json["id"])
    ends, made = (datetime.fromisoformat(sent[name]) for name in ("expires_at", "created_at"))
    assert ends - made == timedelta(days=3)


@pytest.mark.parametrize(
    ("setting", "email"),
    [
        ("EMAIL_DOMAINS_DENIED=mailinator.com", "new@eu.mailinator.com"),
        ("EMAIL_PLUS_ADDRESSES=refuse", "new+shop@example.org"),
        ("EMAIL_LOCAL_PARTS=ascii", "n\u0435w@example.org"),
    ],
)
def test_a_domain_that_cannot_sign_up_cannot_be_invited(
    office: Office, setting: str, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*setting.split("="))
    refused = office.invite(email=email)
    assert (refused.status, refused.json["code"]) == (422, "email_refused")
    assert refused.json["errors"][0]["pointer"] == "#/email"
    assert office.invite().status == 202


def test_a_dry_run_gives_the_same_answer_and_sends_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_DOMAINS_DENIED", "mailinator.com")

    def check(email: str, *roles: str) -> tuple[int, Any]:
        body = {"email": email, "roles": list(roles)}
        answer = call("POST /v1/users", body, query={"dry_run": ["true"]}, Idempotency_Key="k")
        return answer.status, answer.json["code"] if answer.body else None

    assert check(EMAIL, "editor") == (204, None)
    assert office.database.run("SELECT FROM operations") == []
    assert office.invite().status == 202
    assert check(EMAIL) == (409, "invitation_pending")
    assert check("ADA@example.org") == (409, "email_taken")
    assert check("a@mailinator.com") == (422, "email_refused")
    assert check("a@example.org", "unknown") == (422, "validation_failed")
