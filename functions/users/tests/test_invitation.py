"""`POST /v1/users`: the invited person gets one mail, signs in, and is one user, despite any
failure.
"""

import json
import uuid
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.support.waiting import settle
from tools.laptop.client import claims
from users.tests.conftest import OPERATIONS, Office, code, new_email

WRITERS = 50


def test_an_invited_user_signs_in_with_the_mailed_password(office: Office) -> None:
    """Send the mail twice: only the second password is valid.

    The roles come with the first token.
    """
    email, role = new_email(), f"reader-{uuid.uuid4().hex[:8]}"
    held = ["users.write", "users.read", "access.write"]
    inviter = office.client.new_holder(f"inviter-{role}", held)
    definition = {"description": "Reads users", "permissions": ["users.read"]}
    assert office.call("PUT", f"/v1/roles/{role}", definition, If_None_Match="*").status == 201
    body = {"email": email, "given_name": "Grace", "family_name": "Hopper", "locale": "en-US"}
    key = str(uuid.uuid4())
    accepted = office.call(
        "POST", "/v1/users", body | {"roles": [role]}, inviter, Idempotency_Key=key
    )
    assert accepted.headers["location"] == f"/v1/operations/{accepted.json['id']}"
    assert (accepted.json["kind"], accepted.json["state"], accepted.json["uid"]) == (
        "user.invite",
        "pending",
        None,
    )
    uid = office.ended(accepted)["uid"]
    invitation = f"/v1/invitations/{accepted.json['id']}"
    office.ended(office.call("POST", f"{invitation}/resend", None, inviter, Idempotency_Key=key))
    first, mail = office.mails(email)
    with pytest.raises(ClientError):
        first_sign_in(office, email, first["code"])
    tokens = first_sign_in(office, email, mail["code"])
    assert (claims(tokens["AccessToken"])["uid"], claims(tokens["AccessToken"])["roles"]) == (
        uid,
        role,
    )
    read = office.call("GET", invitation).json
    assert (read["state"], lifetime(read)) == ("accepted", password_days(office))
    me = office.client.call("GET", "/v1/me", tokens["AccessToken"]).json
    assert (me["email"], me["given_name"], me["family_name"], me["locale"]) == (
        email,
        "Grace",
        "Hopper",
        "en-US",
    )
    [*in_postgres, _] = ["user.invited", "user.created", "user.invitation_resent", "of the table"]
    assert [action for _, action in office.trail(uid)][:3] == in_postgres


def test_a_cancelled_invitation_allows_no_sign_in_and_frees_the_address(office: Office) -> None:
    email = new_email()
    accepted = office.invite(email)
    office.ended(accepted)
    [mail] = office.mails(email)
    invitation = f"/v1/invitations/{accepted.json['id']}"
    assert office.call("DELETE", invitation, If_Match="*").status == 202
    with pytest.raises(ClientError):
        first_sign_in(office, email, mail["code"])
    listed = office.call("GET", "/v1/invitations?state=cancelled").json["items"]
    assert accepted.json["id"] in [each["id"] for each in listed]


def test_an_invitation_interrupted_after_cognito_is_completed(office: Office) -> None:
    """Check that the user gets the `sub` that Cognito gave, and one mail."""
    email = new_email()
    cognito, pool = office.client.aws("cognito-idp"), office.client.outputs.user_pool_id
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    cognito.admin_create_user(UserPoolId=pool, Username=email, UserAttributes=attributes)
    uid = office.ended(office.invite(email))["uid"]
    [mail] = office.mails(email)
    assert claims(first_sign_in(office, email, mail["code"])["AccessToken"])["uid"] == uid
    subjects = office.database.run("SELECT subject FROM identities WHERE uid = :uid", uid=uid)
    assert [{"Name": "sub", "Value": subject} for [subject] in subjects] == [
        attribute
        for attribute in office.cognito_user(email)["UserAttributes"]
        if attribute["Name"] == "sub"
    ]


def test_an_address_in_use_is_refused(office: Office) -> None:
    email = new_email()
    office.ended(office.invite(email))
    refused = office.invite(email.upper())
    assert (refused.status, code(refused)) == (409, "email_taken")
    assert refused.json["errors"][0]["pointer"] == "#/email"


def test_an_unconfirmed_sign_up_with_the_address_is_replaced(office: Office) -> None:
    """Check that the invited person chooses a new password, because somebody else may know the old
    one.
    """
    stranger = office.client.sign_up()
    uid = office.ended(office.invite(stranger.email))["uid"]
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        office.client.sign_in(stranger)
    tokens = first_sign_in(office, stranger.email, office.mails(stranger.email)[-1]["code"])
    assert claims(tokens["AccessToken"])["uid"] == uid


def test_an_operation_is_visible_to_its_caller_and_with_users_read(office: Office) -> None:
    operation = office.invite(new_email()).json["id"]
    stranger = office.client.new_member()
    assert office.call("GET", f"/v1/operations/{operation}", person=stranger).status == 404
    assert office.call("GET", f"/v1/operations/{uuid.uuid4()}").status == 404


def test_many_invitations_of_one_address_create_one_user(office: Office) -> None:
    email = new_email()
    answers = office.at_once([lambda: office.invite(email)] * WRITERS, OPERATIONS)
    assert Counter(answer.status for answer in answers) == {202: 1, 409: WRITERS - 1}
    assert {code(answer) for answer in answers if answer.status == 409} <= {
        "email_taken",
        "invitation_pending",
    }
    [accepted] = [answer for answer in answers if answer.status == 202]
    uid = office.ended(accepted)["uid"]
    assert office.users_with(email) == [uid]
    assert len(office.mails(email)) == 1


def test_a_repeated_request_is_one_invitation(office: Office) -> None:
    email, key = new_email(), str(uuid.uuid4())
    answers = office.at_once([lambda: office.invite(email, key)] * WRITERS, OPERATIONS)
    accepted = [answer for answer in answers if answer.status == 202]
    assert {code(answer) for answer in answers if answer.status != 202} <= {"idempotency_in_flight"}
    assert {answer.body for answer in accepted} == {accepted[0].body}
    office.ended(accepted[0])
    again = office.invite(email, key)
    assert (again.status, again.body, again.headers["idempotency-replayed"]) == (
        202,
        accepted[0].body,
        "true",
    )
    assert len(office.mails(email)) == 1


@pytest.mark.parametrize(
    "outcome", [{}, {"outcome": "pending"}], ids=["the outcome", "the command"]
)
def test_a_repeated_outcome_or_command_invites_once(
    office: Office, outcome: dict[str, str]
) -> None:
    """Let the stream repeat the outcome, or the command as after a crash between Cognito's answer
    and the outcome.
    """
    email = new_email()
    accepted = office.invite(email)
    before = office.ended(accepted)
    invocations = office.client.invocations("attribute_changes")
    office.remind(accepted.json["id"], **outcome)
    assert settle(lambda: office.client.invocations("attribute_changes") > invocations, 120)
    assert office.operation(accepted.json["id"]) == before
    assert office.users_with(email) == [before["uid"]]
    assert [action for _, action in office.trail(before["uid"])] == ["user.invited", "user.created"]
    assert len(office.mails(email)) == 1


@pytest.mark.parametrize("lost", ["the command", "its outcome"])
def test_the_relay_sends_a_lost_command(office: Office, lost: str) -> None:
    """Delete the command: the request died between Postgres and the table, or the stream gave up on
    the outcome.
    """
    email, operation, uid = new_email(), str(uuid.uuid4()), str(uuid.uuid4())
    if lost == "its outcome":
        finished = office.ended(office.invite(email))
        operation, uid = finished["id"], finished["uid"]
        office.database.run(
            "UPDATE operations SET state = 'pending', email = :e WHERE id = :i",
            e=email,
            i=operation,
        )
    else:
        office.database.run(
            "INSERT INTO operations (id, kind, uid, email, actor) VALUES (:id, 'user.invite', :uid, :email, :actor)",
            id=operation,
            uid=uid,
            email=email,
            actor=office.admin.uid,
        )
    office.database.run(
        "INSERT INTO outbox (id, command, arguments, actor, due_at) VALUES (:id, 'create_user', :arguments, :actor, now())",
        id=operation,
        arguments=json.dumps({"uid": uid, "email": email}),
        actor=office.admin.uid,
    )
    office.relay()
    ended = office.ends(operation)
    assert (ended["state"], ended["uid"]) == ("succeeded", uid)
    assert office.users_with(email) == [uid]
    assert office.database.run("SELECT FROM outbox WHERE id = :id", id=operation) == []
    assert len(office.mails(email)) == 1


def lifetime(invitation: Any) -> int:
    """Return for how many days an invitation is valid."""
    sent, end = (datetime.fromisoformat(invitation[name]) for name in ("sent_at", "expires_at"))
    return (end - sent).days


def password_days(office: Office) -> Any:
    """Return for how many days Cognito accepts a temporary password."""
    pool = office.client.aws("cognito-idp").describe_user_pool(
        UserPoolId=office.client.outputs.user_pool_id
    )["UserPool"]
    return pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"]


def first_sign_in(office: Office, email: str, password: str) -> dict[str, str]:
    cognito, client_id = office.client.cognito, office.client.outputs.user_pool_client_id
    challenge = cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    answered = cognito.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": email, "NEW_PASSWORD": "Correct-Horse-7-Battery"},
    )
    tokens: dict[str, str] = answered["AuthenticationResult"]
    return tokens
