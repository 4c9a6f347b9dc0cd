"""Users and commands, where a store fails or somebody was quicker: on a real Postgres and moto's table."""

import json
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import botocore.session
import pg8000.native
import pytest
from botocore.stub import Stubber

from access.handler import handler as access
from atrium.http.api import Handler
from atrium.identity import admins, authority, grants
from atrium.identity.grant_items import GrantRecord
from atrium.stores import commands, contention, dynamodb, outbox, postgres, user_table
from attribute_changes.outcomes import handle_outcome
from first_admin.handler import handler as first_admin
from identity_commands import cognito
from identity_commands.handler import handler as identity_commands
from outbox_relay import administrators, relay
from tests.unit.conftest import TABLE, Logs
from tests.unit.crowd import WRITERS, Crowd
from tests.unit.events import POOL, UID, Context, answer, api_event, claims
from tools.laptop.answer import Answer
from users import status
from users.handler import handler as users

ADMIN = claims(roles="admin", scope="atrium/users.write atrium/me")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KEY = {"sk": {"S": "META"}}
OTHER = "01890a5d-ac96-774b-bcce-000000000002"
EVE = "01890a5d-ac96-774b-bcce-b302099a8fff"


@pytest.fixture
def office(database: pg8000.native.Connection, table: Any) -> pg8000.native.Connection:
    """Two administrators: the caller, and another."""
    new_admin(database, UID, "ada@example.org")
    new_admin(database, OTHER, "grace@example.org")
    return database


def new_admin(database: pg8000.native.Connection, uid: str, email: str) -> None:
    new_user(database, uid, email)
    user_table.transact([*grants.puts(granted(uid, "admin")), admins.joining(uid)])


def granted(uid: str, role: str) -> GrantRecord:
    return GrantRecord(
        id=str(uuid.uuid4()),
        uid=uid,
        role=role,
        action=None,
        scope="*",
        reason=None,
        granted_by="operator",
        granted_at="2026-01-01T00:00:00.000Z",
        expires_at=None,
    )


def new_user(
    database: pg8000.native.Connection, uid: str, email: str, status: str = "active"
) -> None:
    new = "INSERT INTO users (uid, email, status) VALUES (:uid, :email, :status)"
    database.run(new, uid=uid, email=email, status=status)
    database.run(
        "INSERT INTO identities (provider, subject, uid) VALUES (:pool, :email, :uid)",
        pool=f"cognito:{POOL}",
        email=email,
        uid=uid,
    )
    meta = {
        "pk": {"S": f"U#{uid}"},
        "sk": {"S": "META"},
        "access_epoch": {"N": "1"},
        "version": {"N": "1"},
    }
    dynamodb.client().put_item(TableName=TABLE, Item=meta | {"status": {"S": status}})


def call(
    route: str,
    body: Any,
    path: dict[str, str] | None = None,
    handler: Handler = users,
    token: dict[str, str] = ADMIN,
    **headers: str,
) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {
        "Content-Type": "application/json"
    }
    event = api_event(route, json.dumps(body) if body is not None else None, sent, token=token)
    return answer(handler(event | {"pathParameters": path}, Context()))


def invite(key: str = "") -> Answer:
    return call(
        "POST /v1/users", {"email": "new@example.org"}, Idempotency_Key=key or str(uuid.uuid4())
    )


def set_status(uid: str, status: str) -> Answer:
    return call("PUT /v1/users/{id}/status", {"status": status}, {"id": uid}, If_Match="*")


def make_admin(uid: str) -> Answer:
    return call(
        "POST /v1/users/{id}/grants", {"role": "admin"}, {"id": uid}, access, Idempotency_Key=uid
    )


def item(operation: str) -> dict[str, Any]:
    found = user_table.item(*commands.key(operation))
    assert found is not None
    return found


def make_due(database: pg8000.native.Connection) -> None:
    database.run("UPDATE outbox SET due_at = now()")


def state(database: pg8000.native.Connection, operation: str) -> Any:
    [[found]] = database.run("SELECT state FROM operations WHERE id = :id", id=operation)
    return found


def meta_of(uid: str) -> tuple[str, int]:
    meta = user_table.meta(uid)
    assert meta is not None
    return meta.status, meta.access_epoch


def broken(*_: object, **__: object) -> None:
    raise user_table.TableUnavailableError("the table is away")


def test_an_invitation_is_accepted_while_the_table_is_away_and_the_relay_sends_it(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        accepted = invite()
        make_due(office)
        assert relay.send_due() == 0  # still away: the row stays
    operation = accepted.json["id"]
    assert (accepted.status, user_table.item(*commands.key(operation))) == (202, None)
    assert relay.send_due() == 0  # not its turn yet
    make_due(office)
    assert relay.send_due() == 1
    assert (item(operation)["outcome"], item(operation)["command"]) == ("pending", "create_user")
    make_due(office)
    assert relay.send_due() == 1
    assert item(operation)["attempts"] == 1  # put once, then a reminder


def test_an_invitation_that_died_before_its_command_is_answered_again_and_the_relay_sends_it(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As nothing in the function can catch it."""

    def die(_: object) -> None:
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(user_table, "transact", die)
        with pytest.raises(Killed):
            invite(key="k")
    again = invite(key="k")
    operation = again.json["id"]
    assert (again.status, again.headers["idempotency-replayed"]) == (202, "true")
    assert office.run("SELECT id::text, state FROM operations") == [[operation, "pending"]]
    make_due(office)
    assert relay.send_due() == 1
    assert item(operation)["command"] == "create_user"


def test_who_is_disabled_while_the_table_is_away_is_taken_out_by_the_relay(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        assert set_status(OTHER, "disabled").status == 202
    assert meta_of(OTHER) == ("active", 1)
    for _ in range(2):
        make_due(office)
        assert relay.send_due() == 1
        assert meta_of(OTHER) == ("disabled", 2)  # once
    refused = set_status(OTHER, "active")
    assert (refused.status, refused.json["code"]) == (409, "operation_pending")


@pytest.mark.parametrize("before", ["active", "disabled"])
@pytest.mark.parametrize("is_new", [False, True])
def test_the_status_of_a_user_who_gains_rights_meanwhile_stays(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch, before: str, is_new: bool
) -> None:
    """A clerk changes somebody who becomes an administrator after their rights were compared."""
    clerk, target = (str(uuid.uuid4()) for _ in range(2))
    new_user(office, clerk, "clerk@example.org")
    new_user(office, target, "target@example.org", before)
    if is_new:  # has never signed in
        dynamodb.client().delete_item(TableName=TABLE, Key=KEY | {"pk": {"S": f"U#{target}"}})
    role = {"pk": {"S": "R#clerk"}, "sk": {"S": "PERM#users.write"}}
    dynamodb.client().put_item(TableName=TABLE, Item=role | {"permission": {"S": "users.write"}})
    for each in grants.puts(granted(clerk, "clerk")):
        user_table.transact([each])
    write = status.write

    def be_late(*arguments: Any) -> Any:
        written = write(*arguments)
        if is_new:
            user_table.create_meta(target)
        assert make_admin(target).status == 201
        return written

    wanted = "disabled" if before == "active" else "active"
    with monkeypatch.context() as late:
        late.setattr(status, "write", be_late)
        late.setattr(authority, "refuse_single_write", lambda _: None)
        token = claims(uid=clerk, roles="clerk")
        refused = call(
            "PUT /v1/users/{id}/status",
            {"status": wanted},
            {"id": target},
            token=token,
            If_Match="*",
        )
    assert (refused.status, refused.json["code"]) == (409, "rights_changed"), refused.text
    rows = "SELECT status FROM users WHERE uid = :uid"
    assert office.run(rows, uid=target) == [[before]]
    assert office.run("SELECT state FROM operations WHERE uid = :uid", uid=target) == [["failed"]]
    assert meta_of(target) == ("active" if is_new else before, 2)


@pytest.mark.parametrize("by_relay", [False, True])
def test_the_last_administrator_gets_back_what_was_taken_too_late(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch, by_relay: bool
) -> None:
    """Two administrators disable each other: both looked before either wrote."""
    user_table.transact([admins.leaving(UID)])
    monkeypatch.setattr(admins, "is_last", lambda uid: False)
    with monkeypatch.context() as away:
        if by_relay:
            away.setattr(user_table, "transact", broken)
        refused = set_status(OTHER, "disabled")
    if by_relay:
        make_due(office)
        assert relay.send_due() == 0
    else:
        assert (refused.status, refused.json["code"]) == (409, "last_admin")
    assert office.run("SELECT status, version FROM users WHERE uid = :uid", uid=OTHER) == [
        ["active", 3]
    ]
    assert office.run("SELECT state FROM operations") == [["failed"]]
    assert office.run("SELECT FROM outbox") == []
    trail = office.run("SELECT action FROM audit_events WHERE uid = :uid ORDER BY id", uid=OTHER)
    assert trail == [["user.disabled"], ["user.status_restored"]]
    assert meta_of(OTHER) == ("active", 1)


@pytest.fixture
def revoked_meanwhile(office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller loses their rights after the statement in Postgres, before the transaction in the table."""
    batch = postgres.batch

    def write(*statements: Any, **options: Any) -> Any:
        answered = batch(*statements, **options)
        set_meta(UID, "disabled", 2)
        return answered

    monkeypatch.setattr(postgres, "batch", write)


def set_meta(uid: str, status: str, epoch: int) -> None:
    numbers = {"access_epoch": {"N": str(epoch)}, "version": {"N": str(epoch)}}
    meta = {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}, "status": {"S": status}}
    dynamodb.client().put_item(TableName=TABLE, Item=meta | numbers)


STATUS_CHANGES = {
    "disable": ("active", lambda uid: set_status(uid, "disabled")),
    "enable": ("disabled", lambda uid: set_status(uid, "active")),
    "delete": (
        "active",
        lambda uid: call("DELETE /v1/users/{id}", None, {"id": uid}, If_Match="*"),
    ),
    "delete a disabled user": (
        "disabled",
        lambda uid: call("DELETE /v1/users/{id}", None, {"id": uid}, If_Match="*"),
    ),
}


@pytest.mark.parametrize(("before", "change"), STATUS_CHANGES.values(), ids=STATUS_CHANGES)
@pytest.mark.usefixtures("revoked_meanwhile")
def test_a_status_that_a_revoked_caller_changed_is_what_it_was_before(
    office: pg8000.native.Connection, before: str, change: Callable[[str], Answer]
) -> None:
    uid = str(uuid.uuid4())
    new_user(office, uid, "bob@example.org", before)
    refused = change(uid)
    assert (refused.status, refused.json["code"]) == (401, "token_stale")
    assert office.run("SELECT status, version FROM users WHERE uid = :uid", uid=uid) == [
        [before, 3]
    ]
    assert meta_of(uid) == (before, 1)
    assert office.run("SELECT state, reason IS NOT NULL FROM operations") == [["failed", True]]
    assert office.run("SELECT FROM outbox") == []
    [*_, [last]] = office.run(
        "SELECT action FROM audit_events WHERE uid = :uid ORDER BY id", uid=uid
    )
    assert last == "user.status_restored"
    make_due(office)
    assert relay.send_due() == 0


@pytest.mark.usefixtures("revoked_meanwhile")
def test_an_invitation_by_a_revoked_caller_fails(office: pg8000.native.Connection) -> None:
    refused = invite()
    assert (refused.status, refused.json["code"]) == (401, "token_stale")
    assert office.run("SELECT state, reason IS NOT NULL, email FROM operations") == [
        ["failed", True, None]
    ]
    assert office.run("SELECT FROM outbox") == []
    assert commands_sent() == 0


def commands_sent() -> int:
    items = dynamodb.client().scan(TableName=TABLE)["Items"]
    return sum(item["pk"]["S"].startswith("COMMAND#") for item in items)


def test_a_row_that_recorded_no_status_is_of_somebody_who_was_active(
    office: pg8000.native.Connection,
) -> None:
    """An older release has written it."""
    assert set_status(OTHER, "disabled").status == 202
    office.run("UPDATE outbox SET arguments = arguments - 'previous_status'")
    [row] = office.run("SELECT id, command, arguments, actor FROM outbox")
    outbox.take_back(outbox.command(tuple(row)), "Nobody else is an administrator.")
    assert office.run("SELECT status FROM users WHERE uid = :uid", uid=OTHER) == [["active"]]


def test_the_relay_sends_what_was_authorised_when_it_was_written(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table was away for the first send, and the caller is revoked before the second."""
    with monkeypatch.context() as away:
        away.setattr(user_table, "transact", broken)
        assert set_status(OTHER, "disabled").status == 202
    set_meta(UID, "disabled", 2)
    make_due(office)
    assert relay.send_due() == 1
    assert meta_of(OTHER) == ("disabled", 2)


@pytest.mark.usefixtures("revoked_meanwhile")
def test_what_the_relay_has_sent_before_the_request_could_stays(
    office: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request was slow, and its caller revoked. The relay was first, so nothing may be taken back."""
    send = commands.send

    def be_late(command: commands.Command, access_epoch: int | None) -> None:
        with ThreadPoolExecutor(1) as relays:  # no request is served there
            relays.submit(send, command).result()
        send(command, access_epoch)

    monkeypatch.setattr(commands, "send", be_late)
    assert set_status(OTHER, "disabled").status == 202
    assert meta_of(OTHER) == ("disabled", 2)
    assert office.run("SELECT status FROM users WHERE uid = :uid", uid=OTHER) == [["disabled"]]
    assert office.run("SELECT state FROM operations") == [["pending"]]


@pytest.mark.parametrize("status", ["disabled", "deleted"])
def test_an_administrator_may_end_their_own_account(
    office: pg8000.native.Connection, status: str
) -> None:
    """The caller is the target: their condition joins the change of their META."""
    ended = set_status(UID, status) if status == "disabled" else call("DELETE /v1/users/{id}", None, {"id": UID}, If_Match="*")  # fmt: skip
    assert ended.status == 202
    assert meta_of(UID) == (status, 2)
    assert set_status(OTHER, "disabled").status == 401


@pytest.mark.trials
def test_of_many_administrators_disabled_at_once_one_stays(
    office: pg8000.native.Connection, crowd: Crowd
) -> None:
    """Each is disabled in Postgres, and nobody was the last one, before the table hears of the first.

    The caller is none of them: their grant has an end, so they do not count.
    """
    user_table.transact([admins.leaving(UID)])
    uids = [OTHER, *(str(uuid.uuid4()) for _ in range(WRITERS - 1))]
    for uid in uids[1:]:
        new_admin(office, uid, f"{uid}@example.org")
    answers = crowd.at_once([partial(set_status, uid, "disabled") for uid in uids])
    assert Counter(each.json.get("code", each.status) for each in answers) == {
        202: WRITERS - 1,
        "last_admin": 1,
    }
    [stayed] = [uid for uid, each in zip(uids, answers, strict=True) if each.status == 409]
    assert user_table.item("R#admin", "HOLDERS") == {
        "pk": "R#admin",
        "sk": "HOLDERS",
        "uids": [stayed],
    }
    assert office.run(
        "SELECT uid::text FROM users WHERE status = 'active' AND uid <> :uid", uid=UID
    ) == [[stayed]]
    assert {uid for uid in uids if meta_of(uid) == ("active", 1)} == {stayed}
    assert office.run("SELECT count(*) FROM outbox") == [[WRITERS - 1]]


@pytest.mark.parametrize(
    ("before", "after", "count"), [("active", "disabled", 0), ("disabled", "active", WRITERS // 2)]
)
def test_a_grant_that_meets_a_change_of_status_leaves_those_as_administrators_who_are_active(
    office: pg8000.native.Connection,
    crowd: Crowd,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    after: str,
    count: int,
) -> None:
    """Both have read before either writes; the second one reads again."""
    monkeypatch.setattr(contention, "_LAST_REPEAT", 600)
    uids = [str(uuid.uuid4()) for _ in range(WRITERS // 2)]
    for uid in uids:
        new_user(office, uid, f"{uid}@example.org", before)
    answers = crowd.at_once(
        [
            partial(act, uid)
            for uid in uids
            for act in (make_admin, partial(set_status, status=after))
        ]
    )
    assert Counter(each.status for each in answers) == {201: len(uids), 202: len(uids)}
    holders = user_table.item("R#admin", "HOLDERS")
    assert holders is not None
    assert len({*uids} & {*holders["uids"]}) == count
    assert {meta_of(uid) for uid in uids} == {(after, 3)}


def test_who_signed_in_before_the_outcome_came_is_whom_it_is_about(
    office: pg8000.native.Connection,
) -> None:
    """pre_token_generation has made them, as somebody of its own choice."""
    operation = invite().json["id"]
    there = "01890a5d-ac96-774b-bcce-000000000003"
    office.run("INSERT INTO users (uid, email) VALUES (:uid, 'new@example.org')", uid=there)
    office.run(
        "INSERT INTO identities (provider, subject, uid) VALUES ('cognito:p', 'new', :uid)",
        uid=there,
    )
    outcome = {"outcome": "succeeded", "result": '{"provider": "cognito:p", "subject": "new"}'}
    for _ in range(2):
        handle_outcome(item(operation) | outcome)
    assert office.run("SELECT state, uid::text, email FROM operations") == [
        ["succeeded", there, None]
    ]
    assert office.run("SELECT count(*) FROM users WHERE email = 'new@example.org'") == [[1]]
    assert user_table.meta(there)


def test_an_address_that_another_identity_has_by_then_fails_the_invitation(
    office: pg8000.native.Connection,
) -> None:
    operation = invite().json["id"]
    office.run("INSERT INTO users (uid, email) VALUES (gen_random_uuid(), 'new@example.org')")
    handle_outcome(
        item(operation)
        | {"outcome": "succeeded", "result": '{"provider": "cognito:p", "subject": "new"}'}
    )
    assert office.run("SELECT state, reason IS NOT NULL FROM operations") == [["failed", True]]


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """Cognito, which answers what a test adds."""
    client = botocore.session.get_session().create_client(
        "cognito-idp", "eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    monkeypatch.setattr(cognito, "_client", lambda service: client)
    monkeypatch.setattr(cognito, "_pool", lambda: POOL)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def deliver(operation: str) -> Any:
    """The command's record, as the stream brings it."""
    image = dynamodb.client().get_item(
        TableName=TABLE, Key=KEY | {"pk": {"S": f"COMMAND#{operation}"}}
    )["Item"]
    return identity_commands(
        {"Records": [{"dynamodb": {"NewImage": image, "SequenceNumber": "7"}}]}, Context()
    )


DONE: dict[str, Any] = {"batchItemFailures": []}
AGAIN = {"batchItemFailures": [{"itemIdentifier": "7"}]}


@pytest.mark.parametrize("left", ["deleted", "disabled"])
def test_an_atrium_whose_administrators_cannot_sign_in_is_told_and_repaired(
    office: pg8000.native.Connection, pool: Stubber, logs: Logs, left: str
) -> None:
    """Ada is the last administrator. Her account was deleted or disabled in the user pool."""
    user_table.transact([admins.leaving(OTHER)])
    assert administrators.check()
    if left == "deleted":
        pool.add_client_error("admin_get_user", "UserNotFoundException")
    else:
        pool.add_response("admin_get_user", {"Username": "ada", "Enabled": False})
    assert (deliver("administrators"), counted(logs)) == (DONE, ("ERROR", 0))
    new_user(office, EVE, "eve@example.org")
    assert first_admin({"email": "eve@example.org"}) == {"uid": EVE, "granted": True}
    assert admins.uids() == [UID, EVE]
    eve = claims(uid=EVE, roles="admin", access_epoch="2")
    gone = call("DELETE /v1/users/{id}", None, {"id": UID}, token=eve, If_Match="*")
    assert gone.status == 202, gone.text
    assert admins.uids() == [EVE]
    refused = call("DELETE /v1/users/{id}", None, {"id": EVE}, token=eve, If_Match="*")
    assert (refused.status, refused.json["code"]) == (409, "last_admin")
    make_check_due()
    assert administrators.check()
    pool.add_response("admin_get_user", {"Username": "eve", "Enabled": True})
    assert (deliver("administrators"), counted(logs)) == (DONE, ("INFO", 1))
    pool.assert_no_pending_responses()


def test_administrators_are_counted_every_ten_minutes(
    office: pg8000.native.Connection, pool: Stubber, logs: Logs
) -> None:
    assert [administrators.check() for _ in range(2)] == [True, False]
    pool.add_client_error("admin_get_user", "InternalErrorException")
    assert deliver("administrators") == AGAIN
    for _ in range(2):
        pool.add_response("admin_get_user", {"Username": "x", "Enabled": True})
    assert (deliver("administrators"), counted(logs)) == (DONE, ("INFO", 2))
    make_check_due()
    assert administrators.check()
    assert item("administrators")["outcome"] == "pending", "the stream brings it to the pool"


def test_an_atrium_that_never_had_an_administrator_is_not_counted(
    database: pg8000.native.Connection, table: Any
) -> None:
    assert not administrators.check()


def make_check_due() -> None:
    """Let more than ten minutes pass."""
    dynamodb.client().update_item(
        TableName=TABLE,
        Key=KEY | {"pk": {"S": "COMMAND#administrators"}},
        UpdateExpression="SET created_at = :then",
        ExpressionAttributeValues={":then": {"S": "2026-01-01T00:00:00.000Z"}},
    )


def counted(logs: Logs) -> tuple[str, int]:
    """Return level and value of the last count."""
    name = "AdministratorsAbleToSignIn"
    return [(line["level"], line[name]) for line in logs.lines() if name in line][-1]


def test_what_may_pass_leaves_the_command_to_the_stream(
    office: pg8000.native.Connection, pool: Stubber
) -> None:
    operation = invite().json["id"]
    pool.add_client_error("admin_create_user", "InternalErrorException")
    assert deliver(operation) == AGAIN
    assert item(operation)["outcome"] == "pending"
    pool.add_response(
        "admin_create_user", {"User": {"Attributes": [{"Name": "sub", "Value": "s"}]}}
    )
    assert deliver(operation) == DONE
    assert item(operation)["outcome"] == "succeeded"
    assert (
        deliver(operation) == DONE
    )  # an old record: Cognito is not asked again, or the stub would refuse
    pool.assert_no_pending_responses()


def test_what_cognito_will_never_do_fails_with_a_reason(
    office: pg8000.native.Connection, pool: Stubber
) -> None:
    operation = invite().json["id"]
    pool.add_client_error("admin_create_user", "CodeDeliveryFailureException")
    pool.add_response("admin_delete_user", {}, {"UserPoolId": POOL, "Username": "new@example.org"})
    assert deliver(operation) == DONE
    handle_outcome(item(operation))
    assert office.run("SELECT state, reason FROM operations") == [
        ["failed", "The invitation could not be delivered."]
    ]
    assert office.run("SELECT FROM outbox") == []


def test_who_was_invited_long_ago_and_never_came_gets_the_mail_again(
    office: pg8000.native.Connection, pool: Stubber
) -> None:
    operation = invite().json["id"]
    user = {"Username": "u", "UserStatus": "FORCE_CHANGE_PASSWORD", "UserCreateDate": LONG_AGO}
    pool.add_client_error("admin_create_user", "UsernameExistsException")
    attributes = [{"Name": "sub", "Value": "s"}, {"Name": "email_verified", "Value": "true"}]
    pool.add_response("admin_get_user", user | {"UserAttributes": attributes})
    resent = {"UserPoolId": POOL, "Username": "new@example.org", "MessageAction": "RESEND"}
    pool.add_response("admin_create_user", {}, resent)
    assert deliver(operation) == DONE
    pool.assert_no_pending_responses()
    assert item(operation)["outcome"] == "succeeded"


def test_who_is_not_in_the_pool_is_disabled_already(
    office: pg8000.native.Connection, pool: Stubber
) -> None:
    operation = set_status(OTHER, "disabled").json["id"]
    for call_ in ("admin_disable_user", "admin_user_global_sign_out"):
        pool.add_client_error(call_, "UserNotFoundException")
    assert deliver(operation) == DONE
    handle_outcome(item(operation))
    assert state(office, operation) == "succeeded"


def test_a_row_of_the_outbox_is_taken_by_one_relay_and_waits_longer_each_time(
    office: pg8000.native.Connection,
) -> None:
    invite()
    waits = []
    for _ in range(9):
        make_due(office)
        assert (len(outbox.take_due(10)), outbox.take_due(10)) == (1, [])
        [[minutes]] = office.run(
            "SELECT extract(epoch FROM due_at - now())::float / 60 FROM outbox"
        )
        waits.append(round(minutes))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
