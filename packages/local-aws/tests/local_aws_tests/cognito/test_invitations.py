"""AdminCreateUser and the first sign-in of an invited user."""

import json
from typing import Any

import pytest

from local_aws_tests.cognito.world import EMAIL, PASSWORD, FunctionError, World, refused


def invite(world: World, email: str = EMAIL, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = world.admin.admin_create_user(
        UserPoolId=world.pool_id, Username=email, **more
    )["User"]
    return answer


def choose_password(world: World, session: str, password: str, **more: str) -> dict[str, Any]:
    answer: dict[str, Any] = world.public.respond_to_auth_challenge(
        ClientId=world.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=session,
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": password, **more},
    )
    return answer


def test_an_invited_user_can_choose_a_password(world: World) -> None:
    user = invite(world, UserAttributes=[{"Name": "given_name", "Value": "Ada"}])
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert user["Enabled"] is True
    attributes = {a["Name"]: a["Value"] for a in user["Attributes"]}
    assert attributes == {"email": EMAIL, "given_name": "Ada", "sub": user["Username"]}
    mail = world.mails()[-1]
    assert EMAIL in mail["body"]
    assert mail["code"] in mail["body"]

    challenge = world.sign_in(password=mail["code"])
    assert "AuthenticationResult" not in challenge
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert challenge["ChallengeParameters"]["USER_ID_FOR_SRP"] == user["Username"]
    told = json.loads(challenge["ChallengeParameters"]["userAttributes"])
    assert told == {"email": EMAIL, "given_name": "Ada"}

    session = challenge["Session"]
    with refused("InvalidPasswordException"):
        choose_password(world, session, "weak")
    tokens = choose_password(world, session, PASSWORD)["AuthenticationResult"]
    assert world.claims(tokens["AccessToken"])["sub"] == user["Username"]
    assert world.user()["UserStatus"] == "CONFIRMED"
    assert world.sign_in()["AuthenticationResult"]
    with refused(
        "NotAuthorizedException", "Invalid session for the user, session can only be used once."
    ):
        choose_password(world, session, PASSWORD)


def test_an_administrator_answers_the_challenge(world: World) -> None:
    invite(world)
    parameters = {"USERNAME": EMAIL, "PASSWORD": world.code()}
    both = {"UserPoolId": world.pool_id, "ClientId": world.client_id}
    challenge = world.admin.admin_initiate_auth(
        **both, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters
    )
    answer = world.admin.admin_respond_to_auth_challenge(
        **both,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": PASSWORD},
    )
    assert answer["AuthenticationResult"]["AccessToken"]


def test_the_first_sign_in_completes_the_profile(world: World) -> None:
    schema = [
        {"Name": "family_name", "AttributeDataType": "String", "Required": True, "Mutable": True}
    ]
    world.create_pool(Schema=schema)
    with refused("InvalidParameterException"):
        invite(world)
    invite(world, UserAttributes=[{"Name": "family_name", "Value": "Byron"}])
    session = world.sign_in(password=world.code())["Session"]
    choose_password(world, session, PASSWORD, **{"userAttributes.family_name": "Lovelace"})
    assert world.user()["Attributes"]["family_name"] == "Lovelace"


def test_a_challenge_expires_after_three_minutes(world: World) -> None:
    invite(world)
    session = world.sign_in(password=world.code())["Session"]
    world.server.clock.advance(181)
    with refused("NotAuthorizedException", "Invalid session for the user, session is expired."):
        choose_password(world, session, PASSWORD)


def test_a_session_belongs_to_one_user(world: World) -> None:
    invite(world, "eve@example.org")
    session = world.sign_in("eve@example.org", world.code("eve@example.org"))["Session"]
    world.signed_in()
    with refused("NotAuthorizedException", "Invalid session for the user."):
        choose_password(world, session, "Stolen-Horse-77")
    assert world.sign_in()["AuthenticationResult"]


def test_a_temporary_password_expires_after_the_policys_days(world: World) -> None:
    invite(world)
    password = world.code()
    world.server.clock.advance(3 * 86400 + 1)
    with refused(
        "NotAuthorizedException",
        "Temporary password has expired and must be reset by an administrator.",
    ):
        world.sign_in(password=password)
    invite(world, MessageAction="RESEND")
    assert world.sign_in(password=world.code())["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_the_administrator_may_choose_the_temporary_password(world: World) -> None:
    with refused("InvalidPasswordException"):
        invite(world, TemporaryPassword="weak")
    invite(world, TemporaryPassword="Temporary-Horse-7", MessageAction="SUPPRESS")
    assert world.mails() == []
    assert world.sign_in(password="Temporary-Horse-7")["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_an_existing_user_cannot_be_invited(world: World) -> None:
    world.signed_in()
    with refused("UsernameExistsException", "An account with the given email already exists."):
        invite(world, EMAIL.upper())
    with refused("UnsupportedUserStateException"):
        invite(world, MessageAction="RESEND")


def test_the_trigger_is_called_but_its_flags_are_ignored(world: World) -> None:
    world.deploy(
        "PreSignUp",
        lambda event: event | {"response": {"autoConfirmUser": True, "autoVerifyEmail": True}},
    )
    world.deploy("PostConfirmation", lambda event: event)
    user = invite(world, ClientMetadata={"invited": "yes"})
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert "email_verified" not in world.user()["Attributes"]
    [event] = world.events
    assert event["triggerSource"] == "PreSignUp_AdminCreateUser"
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert event["request"]["clientMetadata"] == {"invited": "yes"}
    choose_password(world, world.sign_in(password=world.code())["Session"], PASSWORD)
    assert [event["triggerSource"] for event in world.events] == ["PreSignUp_AdminCreateUser"]


def test_the_trigger_can_refuse_an_invitation(world: World) -> None:
    def refuse(event: dict[str, Any]) -> Any:
        raise FunctionError("not this domain")

    world.deploy("PreSignUp", refuse)
    with refused("UserLambdaValidationException", "PreSignUp failed with error not this domain."):
        invite(world)
    with refused("UserNotFoundException"):
        world.user()


def test_the_pools_own_invitation_is_mailed(world: World) -> None:
    template = {"EmailSubject": "Join us", "EmailMessage": "{username}: {####}"}
    world.create_pool(AdminCreateUserConfig={"InviteMessageTemplate": template})
    invite(world)
    [mail] = world.mails()
    assert (mail["subject"], mail["body"]) == ("Join us", f"{EMAIL}: {mail['code']}")


def test_every_generated_password_fits_the_policy(world: World) -> None:
    for number in range(20):
        invite(world, f"person{number}@example.org")
    passwords = {mail["code"] for mail in world.mails()}
    assert len(passwords) == 20
    for password in passwords:
        world.admin.admin_set_user_password(
            UserPoolId=world.pool_id, Username="person0@example.org", Password=password
        )


@pytest.mark.parametrize("medium", ["SMS"])
def test_text_messages_are_not_emulated(world: World, medium: str) -> None:
    with refused("NotEmulated", status=501):
        invite(world, DesiredDeliveryMediums=[medium])
