"""Choice-based sign-in (USER_AUTH) with the password. Passkeys are refused by name."""

from typing import Any

import pytest

from local_aws_tests.cognito.user_pool_harness import (
    CLIENT,
    EMAIL,
    PASSWORD,
    UserPoolHarness,
    refused,
)


@pytest.fixture
def choosing(harness: UserPoolHarness) -> UserPoolHarness:
    harness.signed_in()
    flows = [*CLIENT["ExplicitAuthFlows"], "ALLOW_USER_AUTH"]
    harness.client_id = harness.create_client(ExplicitAuthFlows=flows)["ClientId"]
    return harness


def respond(harness: UserPoolHarness, name: str, session: str, **responses: str) -> dict[str, Any]:
    answer: dict[str, Any] = harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName=name,
        Session=session,
        ChallengeResponses={"USERNAME": EMAIL, **responses},
    )
    return answer


def test_the_challenge_is_offered_and_answered(choosing: UserPoolHarness) -> None:
    offered = choosing.initiate("USER_AUTH", USERNAME=EMAIL)
    assert offered["ChallengeName"] == "SELECT_CHALLENGE"
    assert set(offered["AvailableChallenges"]) == {"PASSWORD", "PASSWORD_SRP"}
    signed_in = respond(
        choosing, "SELECT_CHALLENGE", offered["Session"], ANSWER="PASSWORD", PASSWORD=PASSWORD
    )
    claims = choosing.claims(signed_in["AuthenticationResult"]["AccessToken"])
    assert claims["username"] == choosing.user()["Username"]
    with refused(
        "NotAuthorizedException", "Invalid session for the user, session can only be used once."
    ):
        respond(
            choosing, "SELECT_CHALLENGE", offered["Session"], ANSWER="PASSWORD", PASSWORD=PASSWORD
        )


def test_a_preferred_password_signs_in_at_once(choosing: UserPoolHarness) -> None:
    given = {"USERNAME": EMAIL, "PREFERRED_CHALLENGE": "PASSWORD"}
    assert choosing.initiate("USER_AUTH", **given, PASSWORD=PASSWORD)["AuthenticationResult"]
    asked = choosing.initiate("USER_AUTH", **given)
    assert asked["ChallengeName"] == "PASSWORD"
    assert respond(choosing, "PASSWORD", asked["Session"], PASSWORD=PASSWORD)[
        "AuthenticationResult"
    ]


def test_a_preferred_srp_exchange_begins_at_once(choosing: UserPoolHarness) -> None:
    given = {"USERNAME": EMAIL, "PREFERRED_CHALLENGE": "PASSWORD_SRP"}
    begun = choosing.initiate("USER_AUTH", **given, SRP_A="abc123")
    assert begun["ChallengeName"] == "PASSWORD_VERIFIER"
    asked = choosing.initiate("USER_AUTH", **given)
    assert asked["ChallengeName"] == "PASSWORD_SRP"
    begun = respond(choosing, "PASSWORD_SRP", asked["Session"], SRP_A="abc123")
    assert begun["ChallengeName"] == "PASSWORD_VERIFIER"


@pytest.mark.parametrize("preferred", ["WEB_AUTHN", "EMAIL_OTP"])
def test_an_unavailable_preference_gives_the_list_of_challenges(
    choosing: UserPoolHarness, preferred: str
) -> None:
    offered = choosing.initiate("USER_AUTH", USERNAME=EMAIL, PREFERRED_CHALLENGE=preferred)
    assert offered["ChallengeName"] == "SELECT_CHALLENGE"
    with refused("InvalidParameterException"):
        respond(choosing, "SELECT_CHALLENGE", offered["Session"], ANSWER=preferred)


def test_a_wrong_password_is_refused(choosing: UserPoolHarness) -> None:
    offered = choosing.initiate("USER_AUTH", USERNAME=EMAIL)
    with refused("NotAuthorizedException", "Incorrect username or password."):
        respond(
            choosing,
            "SELECT_CHALLENGE",
            offered["Session"],
            ANSWER="PASSWORD",
            PASSWORD="Wrong-Horse-77",
        )


def test_an_unknown_name_looks_like_a_known_one(choosing: UserPoolHarness) -> None:
    known = choosing.initiate("USER_AUTH", USERNAME=EMAIL)
    unknown = choosing.initiate("USER_AUTH", USERNAME="nobody@example.org")
    assert set(known) == set(unknown)
    assert known["AvailableChallenges"] == unknown["AvailableChallenges"]
    with refused("NotAuthorizedException", "Incorrect username or password."):
        respond(
            choosing,
            "SELECT_CHALLENGE",
            unknown["Session"],
            USERNAME="nobody@example.org",
            ANSWER="PASSWORD",
            PASSWORD=PASSWORD,
        )


def test_a_session_belongs_to_the_user_who_began_it(choosing: UserPoolHarness) -> None:
    offered = choosing.initiate("USER_AUTH", USERNAME="nobody@example.org")
    with refused("NotAuthorizedException", "Invalid session for the user."):
        respond(
            choosing, "SELECT_CHALLENGE", offered["Session"], ANSWER="PASSWORD", PASSWORD=PASSWORD
        )


def test_a_second_factor_is_required(choosing: UserPoolHarness) -> None:
    choosing.server.clock.stop()
    choosing.require_mfa("ON")
    given = {"USERNAME": EMAIL, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD}
    assert choosing.initiate("USER_AUTH", **given)["ChallengeName"] == "MFA_SETUP"


@pytest.mark.parametrize("factor", ["WEB_AUTHN", "EMAIL_OTP", "SMS_OTP"])
def test_a_pool_with_another_first_factor_is_refused(harness: UserPoolHarness, factor: str) -> None:
    policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", factor]}}
    with refused("NotEmulated", status=501):
        harness.admin.create_user_pool(PoolName="x", Policies=policies)
