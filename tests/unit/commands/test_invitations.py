"""Invitations that race with a revocation or another sign-in, or that Cognito refuses."""

from datetime import UTC, datetime

import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.stores import dynamodb, user_table
from attribute_changes.outcomes import handle_outcome
from tests.unit.commands.requests import AGAIN, DONE, deliver, invite, item
from tests.unit.conftest import TABLE
from tests.unit.events import POOL

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


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


def test_an_invited_user_who_signs_in_before_the_outcome_is_its_user(
    office: pg8000.native.Connection,
) -> None:
    """Let pre_token_generation create the user, with an id of its own choice."""
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


def test_an_address_taken_meanwhile_fails_the_invitation(
    office: pg8000.native.Connection,
) -> None:
    operation = invite().json["id"]
    office.run("INSERT INTO users (uid, email) VALUES (gen_random_uuid(), 'new@example.org')")
    handle_outcome(
        item(operation)
        | {"outcome": "succeeded", "result": '{"provider": "cognito:p", "subject": "new"}'}
    )
    assert office.run("SELECT state, reason IS NOT NULL FROM operations") == [["failed", True]]


def test_a_transient_error_leaves_the_command_to_the_stream(
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
    assert deliver(operation) == DONE  # an expired record: a call of Cognito would fail here
    pool.assert_no_pending_responses()


def test_a_permanent_error_of_cognito_fails_with_a_reason(
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


def test_an_unanswered_old_invitation_sends_the_mail_again(
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
