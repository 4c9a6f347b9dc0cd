"""Sign-up: a person signs up, is confirmed with a mailed code, and signs in."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.laptop.client import Client, Person, claims


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    described = error.value.response["Error"]
    return described["Code"], described["Message"]


def test_a_refusal_of_pre_sign_up_has_its_message(client: Client) -> None:
    with pytest.raises(ClientError) as error:
        client.sign_up("someone@mailinator.com")
    code, message = refusal(error)
    assert code == "UserLambdaValidationException"
    assert message.startswith("PreSignUp failed with error ")
    assert "mailinator.com" in message


def test_only_the_mailed_code_confirms_an_account(client: Client) -> None:
    person = client.sign_up()
    right = client.code(person.email)
    with pytest.raises(ClientError) as error:
        client.confirm(person, f"{(int(right) + 1) % 1_000_000:06d}")
    assert refusal(error)[0] == "CodeMismatchException"
    client.confirm(person)
    assert client.sign_in(person).tokens["AccessToken"]


def test_an_unconfirmed_person_cannot_sign_in(client: Client) -> None:
    person = client.sign_up()
    with pytest.raises(ClientError) as error:
        client.sign_in(person)
    assert refusal(error)[0] == "UserNotConfirmedException"


def test_a_wrong_password_is_refused(client: Client, member: Person) -> None:
    with pytest.raises(ClientError) as error:
        client.sign_in(member, "Wrong-Horse-7-Battery")
    assert refusal(error) == ("NotAuthorizedException", "Incorrect username or password.")


def test_post_confirmation_creates_the_user_and_their_meta(client: Client) -> None:
    person = client.sign_up()
    assert _user(client, person.email) == []
    client.confirm(person)
    [[uid, status]] = _user(client, person.email)
    assert status == "active"
    key = {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}}
    item = client.aws("dynamodb").get_item(TableName=client.outputs.user_attributes_table, Key=key)[
        "Item"
    ]
    assert item["status"] == {"S": "active"}


def test_the_access_token_has_the_users_id_and_roles(client: Client, member: Person) -> None:
    token = claims(member.tokens["AccessToken"])
    [[uid, _]] = _user(client, member.email)
    assert token["uid"] == str(uid)
    assert token["token_use"] == "access"
    assert "atrium/me" in token["scope"].split()
    assert token["roles"] == ""
    assert token["access_epoch"].isdigit()


def test_the_admin_of_make_up_holds_the_role(client: Client) -> None:
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    assert "admin" in claims(admin.tokens["AccessToken"])["roles"].split()


def _user(client: Client, email: str) -> list[list[Any]]:
    with client.database() as connection:
        rows: list[list[Any]] = connection.run(
            "SELECT uid, status FROM users WHERE email = :email", email=email
        )
        return rows


def test_a_password_reset_works_and_writes_the_command_for_a_mail(client: Client) -> None:
    member = client.new_member()
    app, new = client.outputs.user_pool_client_id, "Another-Horse-8-Battery"
    client.cognito.forgot_password(ClientId=app, Username=member.email)
    client.cognito.confirm_forgot_password(
        ClientId=app,
        Username=member.email,
        ConfirmationCode=client.code(member.email),
        Password=new,
    )
    assert client.sign_in(member, new).tokens["AccessToken"]
    found = client.aws("dynamodb").query(
        TableName=client.outputs.user_attributes_table,
        IndexName="GSI1",
        KeyConditionExpression="gsi1pk = :about",
        ExpressionAttributeValues={":about": {"S": f"ABOUT#{member.uid}"}},
    )
    commands = [item.get("command", {}).get("S") for item in found["Items"]]
    assert "tell_password_reset" in commands
