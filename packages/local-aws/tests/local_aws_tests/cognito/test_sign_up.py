"""SignUp, ConfirmSignUp, ResendConfirmationCode, AdminConfirmSignUp."""

import base64
import hashlib
import hmac
import json
import re
import urllib.error
import urllib.request

import pytest

from local_aws.cognito import pools
from local_aws_tests.cognito.world import EMAIL, PASSWORD, World, refused


def test_the_mailed_random_code_confirms_a_sign_up(world: World) -> None:
    answer = world.sign_up()
    assert answer["UserConfirmed"] is False
    assert answer["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    user = world.user()
    assert user["UserStatus"] == "UNCONFIRMED"
    assert user["Username"] == answer["UserSub"] == user["Attributes"]["sub"]
    assert re.fullmatch(r"\d{6}", world.code())

    world.confirm()
    user = world.user()
    assert user["UserStatus"] == "CONFIRMED"
    assert user["Attributes"]["email_verified"] == "true"
    assert world.sign_in()["AuthenticationResult"]["AccessToken"]


def test_codes_differ(world: World) -> None:
    world.sign_up("a@example.org")
    world.sign_up("b@example.org")
    world.sign_up("c@example.org")
    assert len({mail["code"] for mail in world.mails()}) > 1


def test_errors_have_the_form_of_aws(world: World) -> None:
    """Check the name in body and header: SDKs of different languages read one or the other."""
    body = {"ClientId": world.client_id, "Username": EMAIL, "Password": "short"}
    request = urllib.request.Request(
        world.server.settings.aws_endpoint_url,
        data=json.dumps(body).encode(),
        headers={
            "X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    with caught.value as answer:
        assert answer.code == 400
        assert answer.headers["x-amzn-ErrorType"] == "InvalidPasswordException"
        assert json.load(answer) == {
            "__type": "InvalidPasswordException",
            "message": "Password did not conform with policy: Password not long enough",
        }


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("Short-1", "Password not long enough"),
        ("correct-horse-7", "Password must have uppercase characters"),
        ("CORRECT-HORSE-7", "Password must have lowercase characters"),
        ("Correct-Horse-x", "Password must have numeric characters"),
        ("CorrectHorse777", "Password must have symbol characters"),
    ],
)
def test_the_pools_password_policy_is_enforced(world: World, password: str, reason: str) -> None:
    with refused("InvalidPasswordException", f"Password did not conform with policy: {reason}"):
        world.sign_up(password=password)


def test_a_weaker_policy_accepts_weaker_passwords(world: World) -> None:
    lax = {
        "PasswordPolicy": {"MinimumLength": 6, "RequireUppercase": False, "RequireLowercase": True}
    }
    world.create_pool(Policies=lax)
    assert world.sign_up(password="simple")["UserSub"]


def test_a_name_in_use_is_refused_in_any_case(world: World) -> None:
    world.sign_up("ada@example.org")
    with refused("UsernameExistsException", "An account with the given email already exists."):
        world.sign_up("Ada@Example.ORG")


def test_a_case_sensitive_pool_distinguishes_cases(world: World) -> None:
    world.create_pool(UsernameConfiguration={"CaseSensitive": True})
    world.sign_up("ada@example.org")
    assert world.sign_up("Ada@example.org")["UserSub"]


def test_a_pool_with_usernames_accepts_them(world: World) -> None:
    world.create_pool(UsernameAttributes=[])
    attributes = [{"Name": "email", "Value": EMAIL}]
    world.sign_up("ada", UserAttributes=attributes)
    with refused("UsernameExistsException", "User already exists"):
        world.sign_up("ada", UserAttributes=attributes)
    world.public.confirm_sign_up(
        ClientId=world.client_id, Username="ada", ConfirmationCode=world.code()
    )
    tokens = world.sign_in("ada")["AuthenticationResult"]
    assert world.claims(tokens["AccessToken"])["username"] == "ada"


@pytest.mark.parametrize(
    ("username", "attributes", "message"),
    [
        ("no-address", {}, "Username should be an email."),
        (
            EMAIL,
            {"shoe": "42"},
            "Attributes did not conform to the schema: shoe: Attribute does not exist in the schema.\n",
        ),
        (EMAIL, {"sub": "me"}, "Cannot modify the non-mutable attribute sub"),
    ],
)
def test_invalid_names_and_attributes_are_refused(
    world: World, username: str, attributes: dict[str, str], message: str
) -> None:
    with refused("InvalidParameterException", message):
        world.sign_up(
            username, UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()]
        )


def test_a_required_attribute_must_be_given(world: World) -> None:
    schema = [
        {"Name": "given_name", "AttributeDataType": "String", "Required": True, "Mutable": True}
    ]
    world.create_pool(Schema=schema)
    with refused(
        "InvalidParameterException",
        "Attributes did not conform to the schema: given_name: The attribute is required\n",
    ):
        world.sign_up()
    assert world.sign_up(UserAttributes=[{"Name": "given_name", "Value": "Ada"}])["UserSub"]


def test_users_cannot_set_email_verified(world: World) -> None:
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        world.sign_up(UserAttributes=[{"Name": "email_verified", "Value": "true"}])


def test_a_client_writes_only_its_permitted_attributes(world: World) -> None:
    world.client_id = world.create_client(WriteAttributes=["email", "given_name"])["ClientId"]
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        world.sign_up(UserAttributes=[{"Name": "family_name", "Value": "Lovelace"}])
    assert world.sign_up(UserAttributes=[{"Name": "given_name", "Value": "Ada"}])["UserSub"]


def test_a_pool_for_invited_users_refuses_sign_up(world: World) -> None:
    world.create_pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    with refused("NotAuthorizedException", "SignUp is not permitted for this user pool"):
        world.sign_up()


def test_an_unknown_client_is_refused(world: World) -> None:
    world.client_id = "nobody"
    with refused("ResourceNotFoundException", "User pool client nobody does not exist."):
        world.sign_up()


def test_a_missing_parameter_is_named(world: World) -> None:
    request = urllib.request.Request(
        world.server.settings.aws_endpoint_url,
        data=json.dumps({"ClientId": world.client_id, "Username": EMAIL}).encode(),
        headers={"X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    with caught.value as answer:
        told = json.load(answer)
    assert told["__type"] == "InvalidParameterException"
    assert "`Password`" in told["message"]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_wrong_code_is_refused(world: World) -> None:
    world.sign_up()
    with refused("CodeMismatchException", "Invalid verification code provided, please try again."):
        world.confirm(code=wrong(world.code()))
    assert world.user()["UserStatus"] == "UNCONFIRMED"


def test_guessing_a_code_is_limited(world: World) -> None:
    world.server.clock.stop()
    world.sign_up()
    for _ in range(15):
        with refused("CodeMismatchException"):
            world.confirm(code=wrong(world.code()))
    with refused("LimitExceededException", "Attempt limit exceeded, please try after some time."):
        world.confirm()
    world.server.clock.advance(3600)
    world.confirm()


def test_a_code_is_valid_for_a_day(world: World) -> None:
    world.server.clock.stop()
    world.sign_up()
    world.server.clock.advance(24 * 3600 - 5)
    with refused("CodeMismatchException"):
        world.confirm(code=wrong(world.code()))
    world.server.clock.advance(10)
    with refused("ExpiredCodeException", "Invalid code provided, please request a code again."):
        world.confirm()


def test_a_resent_code_invalidates_the_first(world: World) -> None:
    world.sign_up()
    first = world.code()
    answer = world.public.resend_confirmation_code(ClientId=world.client_id, Username=EMAIL)
    assert answer["CodeDeliveryDetails"]["Destination"] == "a***@e***"
    if first != world.code():
        with refused("CodeMismatchException"):
            world.confirm(code=first)
    world.confirm()


def test_a_second_confirmation_is_refused(world: World) -> None:
    world.sign_up()
    code = world.code()
    world.confirm()
    with refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"):
        world.confirm(code=code)
    with refused("InvalidParameterException", "User is already confirmed."):
        world.public.resend_confirmation_code(ClientId=world.client_id, Username=EMAIL)


def test_the_answer_does_not_reveal_which_names_exist(world: World) -> None:
    answer = world.public.resend_confirmation_code(
        ClientId=world.client_id, Username="eve@example.org"
    )
    assert answer["CodeDeliveryDetails"]["Destination"] == "e***@e***"
    assert world.mails() == []
    with refused("ExpiredCodeException"):
        world.confirm("eve@example.org", "123456")


def test_a_legacy_client_reveals_which_names_exist(world: World) -> None:
    world.client_id = world.create_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("UserNotFoundException", "Username/client id combination not found."):
        world.public.resend_confirmation_code(ClientId=world.client_id, Username="eve@example.org")
    with refused("UserNotFoundException"):
        world.confirm("eve@example.org", "123456")


def test_without_verification_no_code_is_sent(world: World) -> None:
    world.create_pool(AutoVerifiedAttributes=[])
    assert "CodeDeliveryDetails" not in world.sign_up()
    assert world.mails() == []


def test_an_administrator_confirms_the_user_but_not_the_email(world: World) -> None:
    world.sign_up()
    code = world.code()
    world.admin.admin_confirm_sign_up(UserPoolId=world.pool_id, Username=EMAIL.upper())
    user = world.user()
    assert user["UserStatus"] == "CONFIRMED"
    assert user["Attributes"].get("email_verified") != "true"
    with refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"):
        world.confirm(code=code)


def test_passwords_are_not_stored(world: World) -> None:
    world.sign_up()
    user = pools.require_user(pools.find_pool(world.pool_id), EMAIL)
    assert PASSWORD not in str(vars(user))
    assert PASSWORD not in str(world.server.cognito.state)


def test_a_client_with_a_secret_must_send_its_hash(world: World) -> None:
    client = world.create_client(GenerateSecret=True)
    world.client_id = client["ClientId"]
    with refused("NotAuthorizedException"):
        world.sign_up()
    with refused("NotAuthorizedException"):
        world.sign_up(SecretHash="guess")
    message = (EMAIL + client["ClientId"]).encode()
    digest = hmac.digest(client["ClientSecret"].encode(), message, hashlib.sha256)
    assert world.sign_up(SecretHash=base64.b64encode(digest).decode())["UserSub"]


def test_the_pools_own_mail_template_is_used(world: World) -> None:
    template = {
        "EmailSubject": "Welcome to Atrium",
        "EmailMessage": "Here it is: {####}",
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
    }
    world.create_pool(VerificationMessageTemplate=template)
    world.sign_up()
    mail = world.mails(EMAIL.upper())[-1]
    assert mail["to"] == EMAIL
    assert mail["subject"] == "Welcome to Atrium"
    assert mail["body"] == f"Here it is: {mail['code']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", mail["sent_at"])
    assert world.mails("nobody@example.org") == []
