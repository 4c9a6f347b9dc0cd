"""Triggers: their occasions, events, answers and failures."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from local_aws.cognito import triggers
from local_aws.lambda_service import errors as lambda_errors
from local_aws_tests.cognito.user_pool_harness import (
    EMAIL,
    PASSWORD,
    FunctionError,
    UserPoolHarness,
    refused,
)

Event = dict[str, Any]


def unchanged(event: Event) -> Event:
    return event


def failing(message: str) -> Callable[[Event], Event]:
    def handler(event: Event) -> Event:
        raise FunctionError(message)

    return handler


def answering(**response: Any) -> Callable[[Event], Event]:
    return lambda event: event | {"response": event["response"] | response}


def test_the_pre_sign_up_event_has_the_keys_of_aws(harness: UserPoolHarness) -> None:
    harness.deploy("PreSignUp", unchanged)
    sub = harness.sign_up(
        UserAttributes=[{"Name": "given_name", "Value": "Ada"}],
        ValidationData=[{"Name": "captcha", "Value": "42"}],
        ClientMetadata={"consent": "v3"},
    )["UserSub"]
    assert harness.events == [
        {
            "version": "1",
            "region": "eu-central-1",
            "userPoolId": harness.pool_id,
            "userName": sub,
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": harness.client_id,
            },
            "triggerSource": "PreSignUp_SignUp",
            "request": {
                "userAttributes": {"email": EMAIL, "given_name": "Ada"},
                "validationData": {"captcha": "42"},
                "clientMetadata": {"consent": "v3"},
            },
            "response": {
                "autoConfirmUser": False,
                "autoVerifyEmail": False,
                "autoVerifyPhone": False,
            },
        }
    ]


def test_the_function_is_invoked_in_the_name_of_the_pool(harness: UserPoolHarness) -> None:
    """Check this, so that a missing aws_lambda_permission fails here as on AWS."""
    harness.deploy("PreSignUp", unchanged)
    harness.sign_up()
    arn = f"arn:aws:cognito-idp:eu-central-1:000000000000:userpool/{harness.pool_id}"
    assert harness.server.functions.sources == [("cognito-idp.amazonaws.com", arn)]


def test_a_refused_sign_up_creates_no_user(harness: UserPoolHarness) -> None:
    harness.deploy("PreSignUp", failing("only example.com may sign up"))
    with refused(
        "UserLambdaValidationException", "PreSignUp failed with error only example.com may sign up."
    ):
        harness.sign_up()
    assert harness.mails() == []
    with refused("UserNotFoundException"):
        harness.user()


def test_an_invalid_request_does_not_reach_the_trigger(harness: UserPoolHarness) -> None:
    harness.deploy("PreSignUp", unchanged)
    with refused("InvalidPasswordException"):
        harness.sign_up(password="weak")
    assert harness.events == []


def test_auto_confirm_allows_a_sign_in_without_a_code(harness: UserPoolHarness) -> None:
    harness.deploy("PreSignUp", answering(autoConfirmUser=True, autoVerifyEmail=True))
    harness.deploy("PostConfirmation", unchanged)
    answer = harness.sign_up()
    assert answer["UserConfirmed"] is True
    assert "CodeDeliveryDetails" not in answer
    assert harness.mails() == []
    assert harness.user()["Attributes"]["email_verified"] == "true"
    assert [event["triggerSource"] for event in harness.events] == [
        "PreSignUp_SignUp",
        "PostConfirmation_ConfirmSignUp",
    ]
    assert harness.sign_in()["AuthenticationResult"]


def test_auto_verify_alone_does_not_confirm(harness: UserPoolHarness) -> None:
    harness.deploy("PreSignUp", answering(autoVerifyEmail=True))
    assert harness.sign_up()["UserConfirmed"] is False
    with refused("UserNotConfirmedException"):
        harness.sign_in()


def test_the_post_confirmation_event_has_the_keys_of_aws(harness: UserPoolHarness) -> None:
    harness.deploy("PostConfirmation", unchanged)
    sub = harness.sign_up()["UserSub"]
    assert harness.events == []
    harness.confirm()
    [event] = harness.events
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert event["userName"] == sub
    assert event["callerContext"]["clientId"] == harness.client_id
    assert event["request"] == {
        "userAttributes": {
            "sub": sub,
            "email": EMAIL,
            "email_verified": "true",
            "cognito:user_status": "CONFIRMED",
        }
    }
    assert event["response"] == {}


def test_a_confirmation_by_an_administrator_calls_the_trigger(harness: UserPoolHarness) -> None:
    harness.deploy("PostConfirmation", unchanged)
    harness.sign_up()
    harness.admin.admin_confirm_sign_up(
        UserPoolId=harness.pool_id, Username=EMAIL, ClientMetadata={"by": "support"}
    )
    [event] = harness.events
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert event["request"]["clientMetadata"] == {"by": "support"}


def test_a_failed_post_confirmation_is_reported_after_the_confirmation(
    harness: UserPoolHarness,
) -> None:
    harness.deploy("PostConfirmation", failing("database away"))
    harness.sign_up()
    with refused(
        "UserLambdaValidationException", "PostConfirmation failed with error database away."
    ):
        harness.confirm()
    assert harness.user()["UserStatus"] == "CONFIRMED"
    assert harness.sign_in()["AuthenticationResult"]


def test_a_failed_pre_token_generation_refuses_the_sign_in(harness: UserPoolHarness) -> None:
    tokens = harness.signed_in()
    harness.deploy("PreTokenGeneration", failing("no table"), version="V2_0")
    with refused("UserLambdaValidationException", "PreTokenGeneration failed with error no table."):
        harness.sign_in()
    with refused("UserLambdaValidationException", "PreTokenGeneration failed with error no table."):
        harness.refresh(tokens["RefreshToken"])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {},
        b"not json",
        {"response": None},
        {"response": {"autoConfirmUser": "yes"}},
    ],
)
def test_an_answer_that_is_not_an_event_is_refused(harness: UserPoolHarness, answer: Any) -> None:
    harness.deploy("PreSignUp", lambda event: answer)
    with refused("InvalidLambdaResponseException", "Unrecognizable lambda output"):
        harness.sign_up()


def test_a_slow_trigger_is_called_three_times(
    harness: UserPoolHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(event: Event) -> Event:
        await asyncio.sleep(1)
        return event

    monkeypatch.setattr(triggers, "TIME_LIMIT", 0.01)
    harness.deploy("PreSignUp", slow)
    message = (
        "PreSignUp invocation failed due to error Socket timeout while invoking Lambda function."
    )
    with refused("UnexpectedLambdaException", message):
        harness.sign_up()
    assert len(harness.events) == 3


def test_the_timeout_is_five_seconds() -> None:
    assert triggers.TIME_LIMIT == 5


def test_a_throttled_trigger_is_called_again(harness: UserPoolHarness) -> None:
    def throttled_twice(event: Event) -> Event:
        if len(harness.events) < 3:
            raise lambda_errors.throttled("ConcurrentInvocationLimitExceeded")
        return event

    harness.deploy("PreSignUp", throttled_twice)
    assert harness.sign_up()["UserSub"]
    assert len(harness.events) == 3


def test_a_function_without_permission_is_called_once(harness: UserPoolHarness) -> None:
    def denied(event: Event) -> Event:
        raise lambda_errors.access_denied("cognito-idp.amazonaws.com", "arn")

    harness.deploy("PreSignUp", denied)
    message = "PreSignUp invocation failed due to error AccessDeniedException."
    with refused("UnexpectedLambdaException", message):
        harness.sign_up()
    assert len(harness.events) == 1


def test_a_failing_function_is_called_once(harness: UserPoolHarness) -> None:
    harness.deploy("PreSignUp", failing("no"))
    with refused("UserLambdaValidationException"):
        harness.sign_up()
    assert len(harness.events) == 1


def test_one_of_two_concurrent_sign_ups_of_a_name_wins(harness: UserPoolHarness) -> None:
    """Let the second one complete while the first one's trigger runs: the first one is refused."""

    async def overtaken(event: Event) -> Event:
        if len(harness.events) == 1:
            await asyncio.to_thread(harness.sign_up, password="Overtaking-Horse-7")
        return event

    harness.deploy("PreSignUp", overtaken)
    with refused("UsernameExistsException"):
        harness.sign_up()
    harness.confirm()
    with refused("NotAuthorizedException"):
        harness.sign_in(password=PASSWORD)
    assert harness.sign_in(password="Overtaking-Horse-7")["AuthenticationResult"]


def worded(event: Event) -> Event:
    """Return texts with the given placeholders, as a CustomMessage function does."""
    request, source = event["request"], event["triggerSource"].removeprefix("CustomMessage_")
    text = f"{source}: {request['usernameParameter'] or ''} {request['codeParameter']}"
    return event | {"response": event["response"] | {"emailSubject": source, "emailMessage": text}}


def test_the_custom_message_event_has_the_keys_of_aws(harness: UserPoolHarness) -> None:
    harness.deploy("CustomMessage", worded)
    sub = harness.sign_up(ClientMetadata={"theme": "dark"})["UserSub"]
    [event] = harness.events
    assert event == {
        "version": "1",
        "region": "eu-central-1",
        "userPoolId": harness.pool_id,
        "userName": sub,
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": harness.client_id,
        },
        "triggerSource": "CustomMessage_SignUp",
        "request": {
            "userAttributes": {
                "sub": sub,
                "email": EMAIL,
                "cognito:user_status": "UNCONFIRMED",
            },
            "codeParameter": "{####}",
            "linkParameter": "{##Click Here##}",
            "usernameParameter": None,
            "clientMetadata": {"theme": "dark"},
        },
        "response": {"smsMessage": None, "emailMessage": None, "emailSubject": None},
    }
    [mail] = harness.mails()
    assert (mail["subject"], mail["body"]) == ("SignUp", f"SignUp:  {harness.code()}")


def test_custom_message_is_called_for_every_mail(harness: UserPoolHarness) -> None:
    harness.deploy("CustomMessage", worded)
    harness.sign_up()
    harness.public.resend_confirmation_code(ClientId=harness.client_id, Username=EMAIL)
    harness.confirm()
    tokens = harness.sign_in()["AuthenticationResult"]
    harness.public.forgot_password(ClientId=harness.client_id, Username=EMAIL)
    attribute = [{"Name": "email", "Value": "ada@new.example"}]
    harness.public.update_user_attributes(
        AccessToken=tokens["AccessToken"], UserAttributes=attribute
    )
    harness.public.get_user_attribute_verification_code(
        AccessToken=tokens["AccessToken"], AttributeName="email"
    )
    harness.admin.admin_create_user(UserPoolId=harness.pool_id, Username="bob@example.org")
    assert [mail["subject"] for mail in harness.mails()] == [
        "SignUp",
        "ResendCode",
        "ForgotPassword",
        "UpdateUserAttribute",
        "VerifyUserAttribute",
        "AdminCreateUser",
    ]
    assert harness.mails("bob@example.org")[0]["body"].startswith(
        "AdminCreateUser: bob@example.org "
    )


@pytest.mark.parametrize("text", [None, "no code", ""])
def test_a_custom_message_without_the_code_is_not_sent(
    harness: UserPoolHarness, text: str | None
) -> None:
    harness.deploy("CustomMessage", answering(emailSubject="Welcome", emailMessage=text))
    harness.sign_up()
    [mail] = harness.mails()
    assert mail["subject"] == "Your verification code"


def test_a_custom_message_that_fails_or_is_too_long_stops_the_mail(
    harness: UserPoolHarness,
) -> None:
    harness.deploy("CustomMessage", failing("no template"))
    with refused("UserLambdaValidationException", "CustomMessage failed with error no template."):
        harness.sign_up()
    harness.deploy("CustomMessage", answering(emailSubject="x" * 141, emailMessage="{####}"))
    with refused("InvalidLambdaResponseException"):
        harness.sign_up("bob@example.org")
    assert harness.mails() == []
