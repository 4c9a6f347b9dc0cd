"""pycognito, amazon-cognito-identity-js and aws-amplify, configured only with another endpoint."""

import os
import secrets
from typing import Any

import pytest
from pycognito.exceptions import TokenVerificationException

from local_aws_tests.cognito.user_pool_harness import (
    EMAIL,
    PASSWORD,
    FunctionError,
    UserPoolHarness,
)
from local_aws_tests.cognito_clients.apps import App, RefusedError
from local_aws_tests.cognito_clients.identity_js import IdentityJs
from local_aws_tests.cognito_clients.python_client import Pycognito

# a warning of pycognito's own code
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

NEW_PASSWORD = "Another-Horse-7"
NEW_EMAIL = "countess@example.org"
INCORRECT = "Incorrect username or password."


def signed_in(harness: UserPoolHarness, app: App, email: str = EMAIL) -> None:
    app.sign_up(email, PASSWORD)
    app.confirm(email, harness.code(email))
    assert app.sign_in(email, PASSWORD) == "SIGNED_IN"


def enrolled(harness: UserPoolHarness, app: App) -> str:
    """Sign in a user with an authenticator app, whose next code is a new one."""
    harness.server.clock.stop()
    signed_in(harness, app)
    secret = app.associate()
    app.verify_app(harness.app_code(secret))
    app.prefer_app(True)
    harness.server.clock.advance(30)
    return secret


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_user_signs_up_and_in(harness: UserPoolHarness, app: App) -> None:
    app.sign_up(EMAIL, PASSWORD)
    with pytest.raises(RefusedError, match="UserNotConfirmedException"):
        app.sign_in(EMAIL, PASSWORD)
    with pytest.raises(RefusedError, match="CodeMismatchException"):
        app.confirm(EMAIL, wrong(harness.code()))
    app.confirm(EMAIL, harness.code())
    assert app.sign_in(EMAIL, PASSWORD) == "SIGNED_IN"
    tokens = app.tokens()
    access, identity = harness.claims(tokens.access), harness.claims(tokens.id)
    assert (access["client_id"], access["token_use"]) == (harness.client_id, "access")
    assert (identity["aud"], identity["email"]) == (harness.client_id, EMAIL)


def test_a_salt_with_leading_zeros_works(
    harness: UserPoolHarness, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check such a salt, because one in 512 begins with a zero byte before one without the high
    bit.
    """
    monkeypatch.setattr(secrets, "token_bytes", lambda size: b"\0\1" + os.urandom(size - 2))
    signed_in(harness, app)


@pytest.mark.parametrize("password", ["Correct-Horse-8", "correct-horse-7", "x"])
def test_a_wrong_password_is_refused(harness: UserPoolHarness, app: App, password: str) -> None:
    app.sign_up(EMAIL, PASSWORD)
    app.confirm(EMAIL, harness.code())
    with pytest.raises(RefusedError, match=f"NotAuthorizedException: {INCORRECT}"):
        app.sign_in(EMAIL, password)


def test_an_unknown_person_looks_like_a_wrong_password(app: App) -> None:
    with pytest.raises(RefusedError, match=f"NotAuthorizedException: {INCORRECT}"):
        app.sign_in("nobody@example.org", PASSWORD)


def test_guessing_locks_out(harness: UserPoolHarness, app: App) -> None:
    harness.server.clock.stop()
    signed_in(harness, app)
    for _ in range(5):
        with pytest.raises(RefusedError, match=INCORRECT):
            app.sign_in(EMAIL, "Wrong-Horse-77")
    with pytest.raises(RefusedError, match="Password attempts exceeded"):
        app.sign_in(EMAIL, PASSWORD)
    harness.server.clock.advance(1)
    assert app.sign_in(EMAIL, PASSWORD) == "SIGNED_IN"


@pytest.mark.parametrize("preferred", ["PASSWORD_SRP", "PASSWORD"])
@pytest.mark.parametrize("app", ["aws-amplify"], indirect=True)
def test_choice_based_sign_in(harness: UserPoolHarness, app: IdentityJs, preferred: str) -> None:
    allow(harness, "ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
    app.sign_up(EMAIL, PASSWORD)
    app.confirm(EMAIL, harness.code())
    told = app.node.call(
        "signIn", email=EMAIL, password=PASSWORD, flow="USER_AUTH", preferred=preferred
    )
    assert told == "SIGNED_IN"
    app.refresh()
    assert harness.claims(app.tokens().id)["email"] == EMAIL


def test_a_new_confirmation_code_works(harness: UserPoolHarness, app: App) -> None:
    app.sign_up(EMAIL, PASSWORD)
    first = harness.code()
    app.resend(EMAIL)
    assert len(harness.mails(EMAIL)) == 2
    if first != harness.code():
        with pytest.raises(RefusedError, match="CodeMismatchException"):
            app.confirm(EMAIL, first)
    app.confirm(EMAIL, harness.code())
    with pytest.raises(RefusedError, match="InvalidParameterException: User is already confirmed"):
        app.resend(EMAIL)


def test_a_flow_that_the_client_does_not_allow_is_refused(
    harness: UserPoolHarness, app: App
) -> None:
    signed_in(harness, app)
    allow(harness, "ALLOW_REFRESH_TOKEN_AUTH")
    with pytest.raises(RefusedError, match="USER_SRP_AUTH is not enabled for the client"):
        app.sign_in(EMAIL, PASSWORD)


def allow(harness: UserPoolHarness, *flows: str) -> None:
    harness.admin.update_user_pool_client(
        UserPoolId=harness.pool_id, ClientId=harness.client_id, ExplicitAuthFlows=list(flows)
    )


def test_a_refresh_that_the_client_does_not_allow_is_refused(
    harness: UserPoolHarness, python: Pycognito
) -> None:
    signed_in(harness, python)
    allow(harness, "ALLOW_USER_SRP_AUTH")
    with pytest.raises(
        RefusedError, match="InvalidParameterException: Auth flow not enabled for this client"
    ):
        python.refresh()


def test_a_sign_in_with_a_plain_password_is_refused(
    harness: UserPoolHarness, javascript: IdentityJs
) -> None:
    signed_in(harness, javascript)
    with pytest.raises(RefusedError, match="USER_PASSWORD_AUTH flow not enabled for this client"):
        javascript.sign_in(EMAIL, PASSWORD, flow="USER_PASSWORD_AUTH")


def test_tokens_are_refreshed(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    old = app.tokens()
    harness.server.clock.advance(60)
    app.refresh()
    new = app.tokens()
    assert new.refresh == old.refresh
    assert harness.claims(new.access)["iat"] >= harness.claims(old.access)["iat"] + 60
    assert harness.claims(new.access)["origin_jti"] == harness.claims(old.access)["origin_jti"]


def test_tokens_are_valid_for_the_clients_time(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    tokens = app.tokens()
    for token, minutes in ((tokens.access, 30), (tokens.id, 10)):
        claims = harness.claims(token)
        assert claims["exp"] - claims["iat"] == minutes * 60
    harness.server.clock.advance(30 * 60)
    with pytest.raises(RefusedError, match="Access Token has expired"):
        app.attributes()
    app.refresh()
    assert app.attributes()["email"] == EMAIL
    harness.server.clock.advance(12 * 3600)
    # Without the app, because amazon-cognito-identity-js retries a refused refresh for six seconds.
    with pytest.raises(
        harness.public.exceptions.NotAuthorizedException, match="Refresh Token has expired"
    ):
        harness.refresh(app.tokens().refresh)


def test_an_invited_user_chooses_a_password(harness: UserPoolHarness, app: App) -> None:
    harness.admin.admin_create_user(UserPoolId=harness.pool_id, Username=EMAIL)
    temporary = harness.code()
    assert app.sign_in(EMAIL, temporary) == "NEW_PASSWORD_REQUIRED"
    with pytest.raises(RefusedError, match="InvalidPasswordException"):
        app.answer_new_password("short")
    assert app.sign_in(EMAIL, temporary) == "NEW_PASSWORD_REQUIRED"
    app.answer_new_password(NEW_PASSWORD)
    assert harness.claims(app.tokens().id)["email"] == EMAIL
    assert app.sign_in(EMAIL, NEW_PASSWORD) == "SIGNED_IN"
    with pytest.raises(RefusedError, match=INCORRECT):
        app.sign_in(EMAIL, temporary)


def test_a_forgotten_password_is_replaced(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    app.forgot(EMAIL)
    with pytest.raises(RefusedError, match="CodeMismatchException"):
        app.confirm_forgot(EMAIL, wrong(harness.code()), NEW_PASSWORD)
    app.confirm_forgot(EMAIL, harness.code(), NEW_PASSWORD)
    with pytest.raises(RefusedError, match=INCORRECT):
        app.sign_in(EMAIL, PASSWORD)
    assert app.sign_in(EMAIL, NEW_PASSWORD) == "SIGNED_IN"


def test_a_password_is_changed(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    with pytest.raises(RefusedError, match=INCORRECT):
        app.change_password("Wrong-Horse-77", NEW_PASSWORD)
    with pytest.raises(RefusedError, match="InvalidPasswordException"):
        app.change_password(PASSWORD, "short")
    app.change_password(PASSWORD, NEW_PASSWORD)
    assert app.sign_in(EMAIL, NEW_PASSWORD) == "SIGNED_IN"
    with pytest.raises(RefusedError, match=INCORRECT):
        app.sign_in(EMAIL, PASSWORD)


def test_a_user_signs_out_everywhere(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    elsewhere = app.tokens()
    assert app.sign_in(EMAIL, PASSWORD) == "SIGNED_IN"
    app.sign_out_everywhere()
    with pytest.raises(
        harness.public.exceptions.NotAuthorizedException, match="Access Token has been revoked"
    ):
        harness.public.get_user(AccessToken=elsewhere.access)
    with pytest.raises(
        harness.public.exceptions.NotAuthorizedException, match="Refresh Token has been revoked"
    ):
        harness.refresh(elsewhere.refresh)
    assert app.sign_in(EMAIL, PASSWORD) == "SIGNED_IN"


def test_a_user_reads_and_changes_their_record(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    app.update(given_name="Ada", locale="en")
    found = app.attributes()
    assert found["sub"] == harness.user()["Attributes"]["sub"]
    assert (found["email"], found["email_verified"], found["given_name"]) == (EMAIL, "true", "Ada")
    with pytest.raises(RefusedError, match="NotAuthorizedException"):
        app.update(nickname="Countess")


def test_a_new_address_must_be_confirmed(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    app.update(email=NEW_EMAIL)
    assert app.attributes()["email"] == EMAIL
    app.send_verification()
    assert len(harness.mails(NEW_EMAIL)) == 2
    with pytest.raises(RefusedError, match="CodeMismatchException"):
        app.verify_email(wrong(harness.code(NEW_EMAIL)))
    app.verify_email(harness.code(NEW_EMAIL))
    assert app.attributes()["email"] == NEW_EMAIL
    assert app.sign_in(NEW_EMAIL, PASSWORD) == "SIGNED_IN"


def test_an_authenticator_app_is_enrolled_and_required(harness: UserPoolHarness, app: App) -> None:
    secret = enrolled(harness, app)
    assert app.sign_in(EMAIL, PASSWORD) == "SOFTWARE_TOKEN_MFA"
    with pytest.raises(RefusedError, match="CodeMismatchException"):
        app.answer_code(wrong(harness.app_code(secret)))
    app.answer_code(harness.app_code(secret))
    assert harness.claims(app.tokens().access)["username"] == harness.user()["Username"]
    assert app.sign_in(EMAIL, PASSWORD) == "SOFTWARE_TOKEN_MFA"
    with pytest.raises(RefusedError, match="ExpiredCodeException"):
        app.answer_code(harness.app_code(secret))
    harness.server.clock.advance(30)
    app.answer_code(harness.app_code(secret))
    app.prefer_app(False)
    assert app.sign_in(EMAIL, PASSWORD) == "SIGNED_IN"


def test_a_wrong_code_of_an_authenticator_app_is_refused(
    harness: UserPoolHarness, app: App
) -> None:
    harness.server.clock.stop()
    signed_in(harness, app)
    secret = app.associate()
    with pytest.raises(RefusedError, match="EnableSoftwareTokenMFAException"):
        app.verify_app(wrong(harness.app_code(secret)))
    with pytest.raises(RefusedError, match="InvalidParameterException"):
        app.prefer_app(True)


def test_a_user_deletes_their_account(harness: UserPoolHarness, app: App) -> None:
    signed_in(harness, app)
    app.delete_account()
    with pytest.raises(RefusedError, match=INCORRECT):
        app.sign_in(EMAIL, PASSWORD)


def test_the_refusal_of_a_trigger_is_returned_to_the_app(
    harness: UserPoolHarness, app: App
) -> None:
    def refuse(_: dict[str, Any]) -> None:
        raise FunctionError("Only example.com")

    harness.deploy("PreSignUp", refuse)
    with pytest.raises(
        RefusedError,
        match=r"UserLambdaValidationException: PreSignUp failed with error Only example\.com",
    ):
        app.sign_up(EMAIL, PASSWORD)


def test_a_required_authenticator_app_is_set_up(
    harness: UserPoolHarness, javascript: IdentityJs
) -> None:
    """Skip pycognito, which does not support MFA_SETUP."""
    harness.server.clock.stop()
    harness.require_mfa("ON")
    javascript.sign_up(EMAIL, PASSWORD)
    javascript.confirm(EMAIL, harness.code())
    assert javascript.sign_in(EMAIL, PASSWORD) == "MFA_SETUP"
    secret = javascript.associate()
    with pytest.raises(RefusedError, match="EnableSoftwareTokenMFAException"):
        javascript.verify_app(wrong(harness.app_code(secret)))
    javascript.verify_app(harness.app_code(secret))
    assert javascript.attributes()["email"] == EMAIL
    assert javascript.node.call("factors") == ["SOFTWARE_TOKEN_MFA"]
    harness.server.clock.advance(30)
    assert javascript.sign_in(EMAIL, PASSWORD) == "SOFTWARE_TOKEN_MFA"
    javascript.answer_code(harness.app_code(secret))


def test_signing_out_of_one_app_revokes_its_refresh_token(
    harness: UserPoolHarness, javascript: IdentityJs
) -> None:
    """Use `signOut` with a callback; pycognito has no such call."""
    signed_in(harness, javascript)
    tokens = javascript.tokens()
    assert javascript.sign_in(EMAIL, PASSWORD) == "SIGNED_IN"
    kept = javascript.tokens()
    assert javascript.sign_in(EMAIL, PASSWORD) == "SIGNED_IN"
    gone = javascript.tokens()
    javascript.node.call("signOut")
    with pytest.raises(
        harness.public.exceptions.NotAuthorizedException, match="Refresh Token has been revoked"
    ):
        harness.refresh(gone.refresh)
    for other in (tokens, kept):
        assert harness.refresh(other.refresh)


def test_an_attribute_is_removed(harness: UserPoolHarness, javascript: IdentityJs) -> None:
    signed_in(harness, javascript)
    javascript.update(given_name="Ada", locale="en")
    javascript.node.call("remove", names=["given_name"])
    found = javascript.attributes()
    assert "given_name" not in found
    assert found["locale"] == "en"


def test_a_client_with_a_secret_works(harness: UserPoolHarness) -> None:
    """Check an app on a server.

    A refresh is hashed with the user's own name, so pycognito's uses `sub`.
    """
    created = harness.create_client(
        GenerateSecret=True, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )
    harness.client_id = created["ClientId"]
    app = Pycognito(harness.server.settings.aws_endpoint_url, harness.pool_id, harness.client_id)
    for secret, problem in (
        (None, "SECRET_HASH was not received"),
        ("wrong", "SecretHash does not match"),
    ):
        app.cognito.client_secret, app.cognito.username = secret, EMAIL
        with pytest.raises(RefusedError, match=problem):
            app.sign_in(EMAIL, PASSWORD)
    app.cognito.client_secret = created["ClientSecret"]
    signed_in(harness, app)
    app.cognito.username = harness.user()["Username"]
    app.refresh()
    app.cognito.client.close()


def test_tokens_of_another_stack_are_refused_by_the_client(
    harness: UserPoolHarness, python: Pycognito
) -> None:
    """Check pycognito, which compares signature, issuer and audience with the published ones."""
    signed_in(harness, python)
    python.cognito.verify_tokens()
    head, payload, signature = python.tokens().access.split(".")
    python.cognito.access_token = f"{head}.{payload}.{signature[:-8]}AAAAAAAA"
    with pytest.raises(TokenVerificationException):
        python.cognito.verify_tokens()
