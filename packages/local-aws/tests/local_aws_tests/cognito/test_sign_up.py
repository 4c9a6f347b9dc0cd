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
from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness, refused


def test_the_mailed_random_code_confirms_a_sign_up(harness: UserPoolHarness) -> None:
    answer = harness.sign_up()
    assert answer["UserConfirmed"] is False
    assert answer["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    user = harness.user()
    assert user["UserStatus"] == "UNCONFIRMED"
    assert user["Username"] == answer["UserSub"] == user["Attributes"]["sub"]
    assert re.fullmatch(r"\d{6}", harness.code())

    harness.confirm()
    user = harness.user()
    assert user["UserStatus"] == "CONFIRMED"
    assert user["Attributes"]["email_verified"] == "true"
    assert harness.sign_in()["AuthenticationResult"]["AccessToken"]


def test_codes_differ(harness: UserPoolHarness) -> None:
    harness.sign_up("a@example.org")
    harness.sign_up("b@example.org")
    harness.sign_up("c@example.org")
    assert len({mail["code"] for mail in harness.mails()}) > 1


def test_errors_have_the_form_of_aws(harness: UserPoolHarness) -> None:
    """Check the name in body and header: SDKs of different languages read one or the other."""
    body = {"ClientId": harness.client_id, "Username": EMAIL, "Password": "short"}
    request = urllib.request.Request(
        harness.server.settings.aws_endpoint_url,
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
def test_the_pools_password_policy_is_enforced(
    harness: UserPoolHarness, password: str, reason: str
) -> None:
    with refused("InvalidPasswordException", f"Password did not conform with policy: {reason}"):
        harness.sign_up(password=password)


def test_a_weaker_policy_accepts_weaker_passwords(harness: UserPoolHarness) -> None:
    lax = {
        "PasswordPolicy": {"MinimumLength": 6, "RequireUppercase": False, "RequireLowercase": True}
    }
    harness.create_pool(Policies=lax)
    assert harness.sign_up(password="simple")["UserSub"]


def test_a_name_in_use_is_refused_in_any_case(harness: UserPoolHarness) -> None:
    harness.sign_up("ada@example.org")
    with refused("UsernameExistsException", "An account with the given email already exists."):
        harness.sign_up("Ada@Example.ORG")


def test_a_case_sensitive_pool_distinguishes_cases(harness: UserPoolHarness) -> None:
    harness.create_pool(UsernameConfiguration={"CaseSensitive": True})
    harness.sign_up("ada@example.org")
    assert harness.sign_up("Ada@example.org")["UserSub"]


def test_a_pool_with_usernames_accepts_them(harness: UserPoolHarness) -> None:
    harness.create_pool(UsernameAttributes=[])
    attributes = [{"Name": "email", "Value": EMAIL}]
    harness.sign_up("ada", UserAttributes=attributes)
    with refused("UsernameExistsException", "User already exists"):
        harness.sign_up("ada", UserAttributes=attributes)
    harness.public.confirm_sign_up(
        ClientId=harness.client_id, Username="ada", ConfirmationCode=harness.code()
    )
    tokens = harness.sign_in("ada")["AuthenticationResult"]
    assert harness.claims(tokens["AccessToken"])["username"] == "ada"


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
    harness: UserPoolHarness, username: str, attributes: dict[str, str], message: str
) -> None:
    with refused("InvalidParameterException", message):
        harness.sign_up(
            username, UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()]
        )


def test_a_required_attribute_must_be_given(harness: UserPoolHarness) -> None:
    schema = [
        {"Name": "given_name", "AttributeDataType": "String", "Required": True, "Mutable": True}
    ]
    harness.create_pool(Schema=schema)
    with refused(
        "InvalidParameterException",
        "Attributes did not conform to the schema: given_name: The attribute is required\n",
    ):
        harness.sign_up()
    assert harness.sign_up(UserAttributes=[{"Name": "given_name", "Value": "Ada"}])["UserSub"]


def test_users_cannot_set_email_verified(harness: UserPoolHarness) -> None:
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        harness.sign_up(UserAttributes=[{"Name": "email_verified", "Value": "true"}])


def test_a_client_writes_only_its_permitted_attributes(harness: UserPoolHarness) -> None:
    harness.client_id = harness.create_client(WriteAttributes=["email", "given_name"])["ClientId"]
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        harness.sign_up(UserAttributes=[{"Name": "family_name", "Value": "Lovelace"}])
    assert harness.sign_up(UserAttributes=[{"Name": "given_name", "Value": "Ada"}])["UserSub"]


def test_a_pool_for_invited_users_refuses_sign_up(harness: UserPoolHarness) -> None:
    harness.create_pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    with refused("NotAuthorizedException", "SignUp is not permitted for this user pool"):
        harness.sign_up()


def test_an_unknown_client_is_refused(harness: UserPoolHarness) -> None:
    harness.client_id = "nobody"
    with refused("ResourceNotFoundException", "User pool client nobody does not exist."):
        harness.sign_up()


def test_a_missing_parameter_is_named(harness: UserPoolHarness) -> None:
    request = urllib.request.Request(
        harness.server.settings.aws_endpoint_url,
        data=json.dumps({"ClientId": harness.client_id, "Username": EMAIL}).encode(),
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


def test_a_wrong_code_is_refused(harness: UserPoolHarness) -> None:
    harness.sign_up()
    with refused("CodeMismatchException", "Invalid verification code provided, please try again."):
        harness.confirm(code=wrong(harness.code()))
    assert harness.user()["UserStatus"] == "UNCONFIRMED"


def test_guessing_a_code_is_limited(harness: UserPoolHarness) -> None:
    harness.server.clock.stop()
    harness.sign_up()
    for _ in range(15):
        with refused("CodeMismatchException"):
            harness.confirm(code=wrong(harness.code()))
    with refused("LimitExceededException", "Attempt limit exceeded, please try after some time."):
        harness.confirm()
    harness.server.clock.advance(3600)
    harness.confirm()


def test_a_code_is_valid_for_a_day(harness: UserPoolHarness) -> None:
    harness.server.clock.stop()
    harness.sign_up()
    harness.server.clock.advance(24 * 3600 - 5)
    with refused("CodeMismatchException"):
        harness.confirm(code=wrong(harness.code()))
    harness.server.clock.advance(10)
    with refused("ExpiredCodeException", "Invalid code provided, please request a code again."):
        harness.confirm()


def test_a_resent_code_invalidates_the_first(harness: UserPoolHarness) -> None:
    harness.sign_up()
    first = harness.code()
    answer = harness.public.resend_confirmation_code(ClientId=harness.client_id, Username=EMAIL)
    assert answer["CodeDeliveryDetails"]["Destination"] == "a***@e***"
    if first != harness.code():
        with refused("CodeMismatchException"):
            harness.confirm(code=first)
    harness.confirm()


def test_a_second_confirmation_is_refused(harness: UserPoolHarness) -> None:
    harness.sign_up()
    code = harness.code()
    harness.confirm()
    with refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"):
        harness.confirm(code=code)
    with refused("InvalidParameterException", "User is already confirmed."):
        harness.public.resend_confirmation_code(ClientId=harness.client_id, Username=EMAIL)


def test_the_answer_does_not_reveal_which_names_exist(harness: UserPoolHarness) -> None:
    answer = harness.public.resend_confirmation_code(
        ClientId=harness.client_id, Username="eve@example.org"
    )
    assert answer["CodeDeliveryDetails"]["Destination"] == "e***@e***"
    assert harness.mails() == []
    with refused("ExpiredCodeException"):
        harness.confirm("eve@example.org", "123456")


def test_a_legacy_client_reveals_which_names_exist(harness: UserPoolHarness) -> None:
    harness.client_id = harness.create_client(PreventUserExistenceErrors="LEGACY")["ClientId"]
    with refused("UserNotFoundException", "Username/client id combination not found."):
        harness.public.resend_confirmation_code(
            ClientId=harness.client_id, Username="eve@example.org"
        )
    with refused("UserNotFoundException"):
        harness.confirm("eve@example.org", "123456")


def test_without_verification_no_code_is_sent(harness: UserPoolHarness) -> None:
    harness.create_pool(AutoVerifiedAttributes=[])
    assert "CodeDeliveryDetails" not in harness.sign_up()
    assert harness.mails() == []


def test_an_administrator_confirms_the_user_but_not_the_email(harness: UserPoolHarness) -> None:
    harness.sign_up()
    code = harness.code()
    harness.admin.admin_confirm_sign_up(UserPoolId=harness.pool_id, Username=EMAIL.upper())
    user = harness.user()
    assert user["UserStatus"] == "CONFIRMED"
    assert user["Attributes"].get("email_verified") != "true"
    with refused("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"):
        harness.confirm(code=code)


def test_passwords_are_not_stored(harness: UserPoolHarness) -> None:
    harness.sign_up()
    user = pools.require_user(pools.find_pool(harness.pool_id), EMAIL)
    assert PASSWORD not in str(vars(user))
    assert PASSWORD not in str(harness.server.cognito.state)


def test_a_client_with_a_secret_must_send_its_hash(harness: UserPoolHarness) -> None:
    client = harness.create_client(GenerateSecret=True)
    harness.client_id = client["ClientId"]
    with refused("NotAuthorizedException"):
        harness.sign_up()
    with refused("NotAuthorizedException"):
        harness.sign_up(SecretHash="guess")
    message = (EMAIL + client["ClientId"]).encode()
    digest = hmac.digest(client["ClientSecret"].encode(), message, hashlib.sha256)
    assert harness.sign_up(SecretHash=base64.b64encode(digest).decode())["UserSub"]


def test_the_pools_own_mail_template_is_used(harness: UserPoolHarness) -> None:
    template = {
        "EmailSubject": "Welcome to Atrium",
        "EmailMessage": "Here it is: {####}",
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
    }
    harness.create_pool(VerificationMessageTemplate=template)
    harness.sign_up()
    mail = harness.mails(EMAIL.upper())[-1]
    assert mail["to"] == EMAIL
    assert mail["subject"] == "Welcome to Atrium"
    assert mail["body"] == f"Here it is: {mail['code']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", mail["sent_at"])
    assert harness.mails("nobody@example.org") == []
