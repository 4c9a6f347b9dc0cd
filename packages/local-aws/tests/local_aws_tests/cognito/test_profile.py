"""UpdateUserAttributes, DeleteUserAttributes, and the verification of a new e-mail address."""

from typing import Any

import pytest

from local_aws_tests.cognito.user_pool_harness import EMAIL, UserPoolHarness, refused

NEW = "countess@example.org"
TAKEN = "An account with the given email already exists."
KEEP_UNTIL_VERIFIED = {"AttributesRequireVerificationBeforeUpdate": ["email"]}


@pytest.fixture
def token(harness: UserPoolHarness) -> str:
    """Return the token of a user in a pool where a new address counts only once it is confirmed.

    modules/cognito configures the pool like this.
    """
    harness.create_pool(UserAttributeUpdateSettings=KEEP_UNTIL_VERIFIED)
    return str(harness.signed_in()["AccessToken"])


def update(harness: UserPoolHarness, token: str, **values: str) -> list[dict[str, Any]]:
    attributes = [{"Name": name, "Value": value} for name, value in values.items()]
    answer = harness.public.update_user_attributes(AccessToken=token, UserAttributes=attributes)
    told: list[dict[str, Any]] = answer["CodeDeliveryDetailsList"]
    return told


def verify(harness: UserPoolHarness, token: str, code: str) -> None:
    harness.public.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)


def attributes(harness: UserPoolHarness, token: str) -> dict[str, str]:
    found = harness.public.get_user(AccessToken=token)["UserAttributes"]
    return {attribute["Name"]: attribute["Value"] for attribute in found}


def test_users_change_their_attributes(harness: UserPoolHarness, token: str) -> None:
    assert update(harness, token, given_name="Ada", locale="en") == []
    assert attributes(harness, token)["given_name"] == "Ada"
    update(harness, token, given_name="Augusta")
    found = attributes(harness, token)
    assert (found["given_name"], found["locale"]) == ("Augusta", "en")


@pytest.mark.parametrize("values", [{"shoe": "44"}, {"sub": "x"}, {"email": "nonsense"}])
def test_attributes_that_violate_the_schema_are_refused(
    harness: UserPoolHarness, token: str, values: dict[str, str]
) -> None:
    before = attributes(harness, token)
    with refused("InvalidParameterException"):
        update(harness, token, given_name="Ada", **values)
    assert attributes(harness, token) == before


def test_attributes_that_the_client_cannot_write_are_refused(
    harness: UserPoolHarness, token: str
) -> None:
    harness.client_id = harness.create_client(WriteAttributes=["email", "locale"])["ClientId"]
    limited = harness.sign_in()["AuthenticationResult"]["AccessToken"]
    update(harness, limited, locale="en")
    for values in ({"given_name": "Ada"}, {"email_verified": "true"}):
        with refused(
            "NotAuthorizedException", "A client attempted to write unauthorized attribute"
        ):
            update(harness, limited, **values)
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        harness.public.delete_user_attributes(
            AccessToken=limited, UserAttributeNames=["given_name"]
        )


def test_users_cannot_set_email_verified(harness: UserPoolHarness, token: str) -> None:
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        update(harness, token, email=NEW, email_verified="true")


def test_a_new_address_is_used_only_once_it_is_confirmed(
    harness: UserPoolHarness, token: str
) -> None:
    [told] = update(harness, token, email=NEW, given_name="Ada")
    assert told == {"Destination": "c***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    found = attributes(harness, token)
    assert (found["email"], found["email_verified"], found["given_name"]) == (EMAIL, "true", "Ada")
    assert harness.sign_in()["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        harness.sign_in(NEW)
    verify(harness, token, harness.code(NEW))
    found = attributes(harness, token)
    assert (found["email"], found["email_verified"]) == (NEW, "true")
    assert harness.sign_in(NEW)["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        harness.sign_in()


def test_without_confirmation_a_new_address_is_used_at_once_but_unverified(
    harness: UserPoolHarness,
) -> None:
    token = harness.signed_in()["AccessToken"]
    assert len(update(harness, token, email=NEW)) == 1
    found = attributes(harness, token)
    assert (found["email"], found["email_verified"]) == (NEW, "false")
    verify(harness, token, harness.code(NEW))
    assert attributes(harness, token)["email_verified"] == "true"


def test_a_wrong_code_changes_nothing(harness: UserPoolHarness, token: str) -> None:
    update(harness, token, email=NEW)
    wrong = f"{(int(harness.code(NEW)) + 1) % 10**6:06}"
    with refused("CodeMismatchException"):
        verify(harness, token, wrong)
    assert attributes(harness, token)["email"] == EMAIL


def test_a_code_is_valid_for_a_day(harness: UserPoolHarness, token: str) -> None:
    update(harness, token, email=NEW)
    harness.server.clock.advance(24 * 3600)
    fresh = harness.sign_in()["AuthenticationResult"]["AccessToken"]
    with refused("ExpiredCodeException"):
        verify(harness, fresh, harness.code(NEW))


def test_a_code_for_one_address_does_not_confirm_another(
    harness: UserPoolHarness, token: str
) -> None:
    update(harness, token, email=NEW)
    first = harness.code(NEW)
    update(harness, token, email="eve@example.org")
    if first != harness.code("eve@example.org"):
        with refused("CodeMismatchException"):
            verify(harness, token, first)
    update(harness, token, email=EMAIL)  # back to the address in use
    with refused("ExpiredCodeException"):
        verify(harness, token, harness.code("eve@example.org"))
    assert attributes(harness, token)["email"] == EMAIL


def test_a_new_code_can_be_requested(harness: UserPoolHarness, token: str) -> None:
    update(harness, token, email=NEW)
    answer = harness.public.get_user_attribute_verification_code(
        AccessToken=token, AttributeName="email"
    )
    assert answer["CodeDeliveryDetails"]["Destination"] == "c***@e***"
    assert len(harness.mails(NEW)) == 2
    verify(harness, token, harness.code(NEW))
    assert attributes(harness, token)["email"] == NEW
    with refused("ExpiredCodeException"):
        verify(harness, token, harness.code(NEW))


def test_attributes_other_than_the_email_cannot_be_verified(
    harness: UserPoolHarness, token: str
) -> None:
    for name, code, status in (
        ("given_name", "InvalidParameterException", 400),
        ("phone_number", "NotEmulated", 501),
    ):
        with refused(code, status=status):
            harness.public.get_user_attribute_verification_code(
                AccessToken=token, AttributeName=name
            )
        with refused(code, status=status):
            harness.public.verify_user_attribute(
                AccessToken=token, AttributeName=name, Code="123456"
            )


def test_an_address_in_use_is_refused(harness: UserPoolHarness, token: str) -> None:
    harness.signed_in("eve@example.org")
    with refused("AliasExistsException", TAKEN):
        update(harness, token, email="EVE@example.org")


def test_an_address_taken_meanwhile_is_refused(harness: UserPoolHarness, token: str) -> None:
    update(harness, token, email=NEW)
    code = harness.code(NEW)
    harness.sign_up(NEW)
    with refused("AliasExistsException", TAKEN):
        verify(harness, token, code)
    assert attributes(harness, token)["email"] == EMAIL


def test_an_administrators_change_of_address_is_confirmed_too(
    harness: UserPoolHarness, token: str
) -> None:
    harness.admin.admin_update_user_attributes(
        UserPoolId=harness.pool_id, Username=EMAIL, UserAttributes=[{"Name": "email", "Value": NEW}]
    )
    assert attributes(harness, token)["email"] == EMAIL
    verify(harness, token, harness.code(NEW))
    assert attributes(harness, token)["email"] == NEW


def test_users_remove_attributes(harness: UserPoolHarness, token: str) -> None:
    update(harness, token, given_name="Ada", locale="en")
    harness.public.delete_user_attributes(
        AccessToken=token, UserAttributeNames=["given_name", "family_name"]
    )
    found = attributes(harness, token)
    assert "given_name" not in found
    assert found["locale"] == "en"


@pytest.mark.parametrize("name", ["email", "sub"])
def test_required_and_immutable_attributes_cannot_be_removed(
    harness: UserPoolHarness, token: str, name: str
) -> None:
    with refused("InvalidParameterException"):
        harness.public.delete_user_attributes(AccessToken=token, UserAttributeNames=[name])
    assert attributes(harness, token)["email"] == EMAIL


def test_changes_need_a_valid_access_token(harness: UserPoolHarness, token: str) -> None:
    harness.public.global_sign_out(AccessToken=token)
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        update(harness, token, given_name="Ada")
