"""Changes of a user's status: disabled, enabled and deleted, except for the last administrator."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from botocore.exceptions import ClientError

from tools.laptop.client import Client, Person
from users.tests.conftest import OPERATIONS, Office, code, new_email

WRITERS = 50
HOLDERS = {"pk": {"S": "R#admin"}, "sk": {"S": "HOLDERS"}}


def meta(office: Office, uid: str) -> tuple[str, int]:
    item = office.client.aws("dynamodb").get_item(
        TableName=office.client.outputs.user_attributes_table,
        Key={"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
    )["Item"]
    return item["status"]["S"], int(item["access_epoch"]["N"])


def holders(office: Office) -> set[str]:
    item = office.client.aws("dynamodb").get_item(
        TableName=office.client.outputs.user_attributes_table, Key=HOLDERS, ConsistentRead=True
    )["Item"]
    return set(item["uids"]["SS"])


def new_admin(client: Client) -> Person:
    person = client.new_member()
    make_admin(client, person.email)
    return client.sign_in(person)


def make_admin(client: Client, email: str) -> None:
    answer = client.aws("lambda").invoke(
        FunctionName=client.outputs.functions["first_admin"],
        Qualifier="live",
        Payload=f'{{"email": "{email}"}}',
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_a_disabled_user_is_refused_until_enabled_and_signed_in_again(office: Office) -> None:
    person = office.client.new_member()
    uid, (_, epoch) = person.uid, meta(office, person.uid)
    accepted = office.set_status(uid, "disabled")
    assert meta(office, uid) == (
        "disabled",
        epoch + 1,
    )  # counted from before the response, because containers cache META for 30 s
    with pytest.raises(ClientError, match="disabled"):  # at once
        office.client.sign_in(person)
    assert office.ended(accepted)["state"] == "succeeded"
    with pytest.raises(ClientError):
        refresh(office, person)
    assert not office.cognito_user(person.email)["Enabled"]
    assert office.call("GET", f"/v1/users/{uid}").json["status"] == "disabled"
    assert office.ended(office.set_status(uid, "active"))["state"] == "succeeded"
    assert office.client.call("GET", "/v1/me", person.token).status == 401  # a token from before
    assert office.client.call("GET", "/v1/me", office.client.sign_in(person).token).status == 200
    assert [action for _, action in office.trail(uid)] == [
        "user.created",
        "user.disabled",
        "user.enabled",
    ]


def test_a_deleted_user_is_listed_only_on_request(office: Office) -> None:
    person = office.client.new_member()
    path = f"/v1/users/{person.uid}"
    etag = office.call("GET", path).headers["etag"]
    assert office.call("DELETE", path).status == 428
    assert office.ended(office.call("DELETE", path, If_Match=etag))["kind"] == "user.delete"
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"locale": "en"})):
        assert office.call(method, path, body, If_Match="*").status == 404
    assert office.set_status(person.uid, "active").status == 404
    found = f"/v1/users?email={person.email}"
    assert office.call("GET", found).json["items"] == []
    assert [
        user["uid"] for user in office.call("GET", f"{found}&status=deleted").json["items"]
    ] == [person.uid]
    with pytest.raises(ClientError):
        office.client.sign_in(person)


def test_one_of_many_changes_of_the_same_version_succeeds(office: Office) -> None:
    person = office.client.new_member()
    etag = office.call("GET", f"/v1/users/{person.uid}").headers["etag"]
    answers = office.at_once(
        [lambda: office.set_status(person.uid, "disabled", etag)] * WRITERS, OPERATIONS
    )
    assert Counter(answer.status for answer in answers) == {202: 1, 412: WRITERS - 1}
    [accepted] = [answer for answer in answers if answer.status == 202]
    assert office.ended(accepted)["state"] == "succeeded"
    assert [action for _, action in office.trail(person.uid)] == ["user.created", "user.disabled"]


def test_a_change_is_refused_while_another_one_is_pending(office: Office) -> None:
    person = office.client.new_member()
    answers = office.at_once([lambda: office.set_status(person.uid, "disabled")] * 10, OPERATIONS)
    refused = [answer for answer in answers if answer.status != 202]
    assert {code(answer) for answer in refused} == {"operation_pending"}
    accepted = [answer for answer in answers if answer.status == 202]
    for answer in accepted:
        office.ended(answer)
    assert len(office.trail(person.uid)) == 1 + len(accepted)


def test_a_change_of_status_needs_the_permission(office: Office) -> None:
    """Check this with a token that has neither the permission nor its scope."""
    person = office.client.new_member()
    assert office.set_status(office.admin.uid, "disabled", person=person).status == 403
    assert office.set_status(person.uid, "disabled", person=person).status == 403


def test_a_caller_with_users_write_disables_users_with_fewer_rights(office: Office) -> None:
    """Check this on the stack, because comparing rights reads more of the table than an
    administrator's request.
    """
    name = f"disabler-{new_email().split('@')[0]}"
    caller = office.client.new_holder(name, ["users.write", "document.read"])
    below = office.client.new_holder(f"{name}-below", ["document.read"])
    above = office.client.new_holder(f"{name}-above", ["document.write"])
    body = {"status": "disabled"}
    answers = [
        office.client.call("PUT", f"/v1/users/{uid}/status", caller.token, body, If_Match="*")
        for uid in (below.uid, above.uid)
    ]
    assert [answer.status for answer in answers] == [202, 403], answers
    assert code(answers[1]) == "rights_exceeded"


def test_a_user_without_an_identity_has_a_status(office: Office) -> None:
    """Delete the identity, as if its user pool were gone."""
    person = office.client.new_member()
    office.database.run("DELETE FROM identities WHERE uid = :uid", uid=person.uid)
    assert office.ended(office.set_status(person.uid, "disabled"))["state"] == "succeeded"
    assert meta(office, person.uid)[0] == "disabled"


@contextmanager
def only_administrators(office: Office, uids: set[str]) -> Iterator[None]:
    """Hide all other administrators, as if they had been disabled."""
    before = holders(office)
    put_holders(office, uids)
    try:
        yield
    finally:
        put_holders(office, before)


def put_holders(office: Office, uids: set[str]) -> None:
    office.client.aws("dynamodb").put_item(
        TableName=office.client.outputs.user_attributes_table,
        Item=HOLDERS | {"uids": {"SS": sorted(uids)}},
    )


def test_the_last_administrator_cannot_be_disabled_or_deleted(office: Office) -> None:
    with only_administrators(office, {office.admin.uid}):
        for refused in (
            office.set_status(office.admin.uid, "disabled"),
            office.call("DELETE", f"/v1/users/{office.admin.uid}", If_Match="*"),
        ):
            assert (refused.status, code(refused)) == (409, "last_admin")
        assert holders(office) == {office.admin.uid}
    assert office.call("GET", "/v1/me").json["status"] == "active"


def test_one_of_many_administrators_disabled_at_once_remains(office: Office) -> None:
    """Attack ten administrators five times each at once, by a caller who is not counted."""
    people = [new_admin(office.client) for _ in range(10)]
    uids = {person.uid for person in people}
    with only_administrators(office, uids):
        answers = office.at_once(
            [partial(office.set_status, uid, "disabled") for uid in [*uids] * 5], OPERATIONS
        )
        assert {answer.status for answer in answers} <= {202, 409}
        for answer in answers:
            if answer.status == 202:
                office.ends(answer.json["id"])
        [remaining] = holders(office)
    statuses = {uid: office.call("GET", f"/v1/users/{uid}").json["status"] for uid in uids}
    assert [uid for uid, status in statuses.items() if status == "active"] == [remaining]
    assert {uid: meta(office, uid)[0] for uid in uids} == statuses
    assert (
        office.ended(office.set_status(next(iter(uids - {remaining})), "active"))["state"]
        == "succeeded"
    )


def test_a_restored_administrator_is_counted_again(office: Office) -> None:
    person = new_admin(office.client)
    assert person.uid in holders(office)
    office.ended(office.set_status(person.uid, "disabled"))
    assert person.uid not in holders(office)
    office.ended(office.set_status(person.uid, "active"))
    assert person.uid in holders(office)


def test_a_change_interrupted_after_postgres_is_completed_by_the_relay(office: Office) -> None:
    """Leave the state of a process that died between Postgres and the table: the outbox has the
    command.
    """
    person = office.client.new_member()
    for command, kind, status in (
        ("disable_user", "user.disable", "disabled"),
        ("enable_user", "user.enable", "active"),
    ):
        operation = leave_behind(office, person.uid, command, kind, status)
        office.relay()
        assert office.ends(operation)["state"] == "succeeded"
        assert meta(office, person.uid)[0] == status
        assert office.cognito_user(person.email)["Enabled"] is (status == "active")


def leave_behind(office: Office, uid: str, command: str, kind: str, status: str) -> str:
    [[operation]] = office.database.run(
        "INSERT INTO operations (id, kind, uid, actor) VALUES (gen_random_uuid(), :kind, :uid, :actor) RETURNING id::text",
        kind=kind,
        uid=uid,
        actor=office.admin.uid,
    )
    office.database.run(
        "INSERT INTO outbox (id, command, arguments, actor, due_at) SELECT :id, :command, jsonb_build_object('uid', uid, "
        "'status', CAST(:status AS text), 'identities', jsonb_build_array(jsonb_build_array(provider, subject))), "
        "uid, now() FROM identities WHERE uid = :uid",
        id=operation,
        command=command,
        status=status,
        uid=uid,
    )
    return str(operation)


def refresh(office: Office, person: Person) -> None:
    office.client.cognito.initiate_auth(
        ClientId=office.client.outputs.user_pool_client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": person.tokens["RefreshToken"]},
    )
