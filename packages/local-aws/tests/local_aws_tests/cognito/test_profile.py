"""UpdateUserAttributes, DeleteUserAttributes, and the verification of a new e-mail address."""

from typing import Any

import pytest

from local_aws_tests.cognito.world import EMAIL, World, refused

NEW = "countess@example.org"
TAKEN = "An account with the given email already exists."
KEEP_UNTIL_VERIFIED = {"AttributesRequireVerificationBeforeUpdate": ["email"]}


@pytest.fixture
def token(world: World) -> str:
    """Return the token of a user in a pool where a new address counts only once it is confirmed.

    modules/cognito configures the pool like this.
    """
    world.create_pool(UserAttributeUpdateSettings=KEEP_UNTIL_VERIFIED)
    return str(world.signed_in()["AccessToken"])


def update(world: World, token: str, **values: str) -> list[dict[str, Any]]:
    attributes = [{"Name": name, "Value": value} for name, value in values.items()]
    answer = world.public.update_user_attributes(AccessToken=token, UserAttributes=attributes)
    told: list[dict[str, Any]] = answer["CodeDeliveryDetailsList"]
    return told


def verify(world: World, token: str, code: str) -> None:
    world.public.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)


def attributes(world: World, token: str) -> dict[str, str]:
    found = world.public.get_user(AccessToken=token)["UserAttributes"]
    return {attribute["Name"]: attribute["Value"] for attribute in found}


def test_users_change_their_attributes(world: World, token: str) -> None:
    assert update(world, token, given_name="Ada", locale="en") == []
    assert attributes(world, token)["given_name"] == "Ada"
    update(world, token, given_name="Augusta")
    found = attributes(world, token)
    assert (found["given_name"], found["locale"]) == ("Augusta", "en")


@pytest.mark.parametrize("values", [{"shoe": "44"}, {"sub": "x"}, {"email": "nonsense"}])
def test_attributes_that_violate_the_schema_are_refused(
    world: World, token: str, values: dict[str, str]
) -> None:
    before = attributes(world, token)
    with refused("InvalidParameterException"):
        update(world, token, given_name="Ada", **values)
    assert attributes(world, token) == before


def test_attributes_that_the_client_cannot_write_are_refused(world: World, token: str) -> None:
    world.client_id = world.create_client(WriteAttributes=["email", "locale"])["ClientId"]
    limited = world.sign_in()["AuthenticationResult"]["AccessToken"]
    update(world, limited, locale="en")
    for values in ({"given_name": "Ada"}, {"email_verified": "true"}):
        with refused(
            "NotAuthorizedException", "A client attempted to write unauthorized attribute"
        ):
            update(world, limited, **values)
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        world.public.delete_user_attributes(AccessToken=limited, UserAttributeNames=["given_name"])


def test_users_cannot_set_email_verified(world: World, token: str) -> None:
    with refused("NotAuthorizedException", "A client attempted to write unauthorized attribute"):
        update(world, token, email=NEW, email_verified="true")


def test_a_new_address_is_used_only_once_it_is_confirmed(world: World, token: str) -> None:
    [told] = update(world, token, email=NEW, given_name="Ada")
    assert told == {"Destination": "c***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    found = attributes(world, token)
    assert (found["email"], found["email_verified"], found["given_name"]) == (EMAIL, "true", "Ada")
    assert world.sign_in()["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        world.sign_in(NEW)
    verify(world, token, world.code(NEW))
    found = attributes(world, token)
    assert (found["email"], found["email_verified"]) == (NEW, "true")
    assert world.sign_in(NEW)["AuthenticationResult"]
    with refused("NotAuthorizedException"):
        world.sign_in()


def test_without_confirmation_a_new_address_is_used_at_once_but_unverified(world: World) -> None:
    token = world.signed_in()["AccessToken"]
    assert len(update(world, token, email=NEW)) == 1
    found = attributes(world, token)
    assert (found["email"], found["email_verified"]) == (NEW, "false")
    verify(world, token, world.code(NEW))
    assert attributes(world, token)["email_verified"] == "true"


def test_a_wrong_code_changes_nothing(world: World, token: str) -> None:
    update(world, token, email=NEW)
    wrong = f"{(int(world.code(NEW)) + 1) % 10**6:06}"
    with refused("CodeMismatchException"):
        verify(world, token, wrong)
    assert attributes(world, token)["email"] == EMAIL


def test_a_code_is_valid_for_a_day(world: World, token: str) -> None:
    update(world, token, email=NEW)
    world.server.clock.advance(24 * 3600)
    fresh = world.sign_in()["AuthenticationResult"]["AccessToken"]
    with refused("ExpiredCodeException"):
        verify(world, fresh, world.code(NEW))


def test_a_code_for_one_address_does_not_confirm_another(world: World, token: str) -> None:
    update(world, token, email=NEW)
    first = world.code(NEW)
    update(world, token, email="eve@example.org")
    if first != world.code("eve@example.org"):
        with refused("CodeMismatchException"):
            verify(world, token, first)
    update(world, token, email=EMAIL)  # back to the address in use
    with refused("ExpiredCodeException"):
        verify(world, token, world.code("eve@example.org"))
    assert attributes(world, token)["email"] == EMAIL


def test_a_new_code_can_be_requested(world: World, token: str) -> None:
    update(world, token, email=NEW)
    answer = world.public.get_user_attribute_verification_code(
        AccessToken=token, AttributeName="email"
    )
    assert answer["CodeDeliveryDetails"]["Destination"] == "c***@e***"
    assert len(world.mails(NEW)) == 2
    verify(world, token, world.code(NEW))
    assert attributes(world, token)["email"] == NEW
    with refused("ExpiredCodeException"):
        verify(world, token, world.code(NEW))


def test_attributes_other_than_the_email_cannot_be_verified(world: World, token: str) -> None:
    for name, code, status in (
        ("given_name", "InvalidParameterException", 400),
        ("phone_number", "NotEmulated", 501),
    ):
        with refused(code, status=status):
            world.public.get_user_attribute_verification_code(AccessToken=token, AttributeName=name)
        with refused(code, status=status):
            world.public.verify_user_attribute(AccessToken=token, AttributeName=name, Code="123456")


def test_an_address_in_use_is_refused(world: World, token: str) -> None:
    world.signed_in("eve@example.org")
    with refused("AliasExistsException", TAKEN):
        update(world, token, email="EVE@example.org")


def test_an_address_taken_meanwhile_is_refused(world: World, token: str) -> None:
    update(world, token, email=NEW)
    code = world.code(NEW)
    world.sign_up(NEW)
    with refused("AliasExistsException", TAKEN):
        verify(world, token, code)
    assert attributes(world, token)["email"] == EMAIL


def test_an_administrators_change_of_address_is_confirmed_too(world: World, token: str) -> None:
    world.admin.admin_update_user_attributes(
        UserPoolId=world.pool_id, Username=EMAIL, UserAttributes=[{"Name": "email", "Value": NEW}]
    )
    assert attributes(world, token)["email"] == EMAIL
    verify(world, token, world.code(NEW))
    assert attributes(world, token)["email"] == NEW


def test_users_remove_attributes(world: World, token: str) -> None:
    update(world, token, given_name="Ada", locale="en")
    world.public.delete_user_attributes(
        AccessToken=token, UserAttributeNames=["given_name", "family_name"]
    )
    found = attributes(world, token)
    assert "given_name" not in found
    assert found["locale"] == "en"


@pytest.mark.parametrize("name", ["email", "sub"])
def test_required_and_immutable_attributes_cannot_be_removed(
    world: World, token: str, name: str
) -> None:
    with refused("InvalidParameterException"):
        world.public.delete_user_attributes(AccessToken=token, UserAttributeNames=[name])
    assert attributes(world, token)["email"] == EMAIL


def test_changes_need_a_valid_access_token(world: World, token: str) -> None:
    world.public.global_sign_out(AccessToken=token)
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        update(world, token, given_name="Ada")
