"""Claims of access and ID tokens, and their changes by a pre token generation trigger."""

import uuid
from typing import Any

import pytest

from local_aws_tests.cognito.user_pool_harness import CLIENT, EMAIL, UserPoolHarness, refused

ADMIN_SCOPE = "aws.cognito.signin.user.admin"
ROLE = "arn:aws:iam::000000000000:role/{}"


def join(
    harness: UserPoolHarness, group: str, precedence: int | None = None, role: str | None = None
) -> None:
    optional: dict[str, Any] = {}
    if precedence is not None:
        optional["Precedence"] = precedence
    if role:
        optional["RoleArn"] = ROLE.format(role)
    harness.admin.create_group(UserPoolId=harness.pool_id, GroupName=group, **optional)
    harness.admin.admin_add_user_to_group(
        UserPoolId=harness.pool_id, GroupName=group, Username=EMAIL
    )


def customize(harness: UserPoolHarness, version: str = "V2_0", **details: Any) -> None:
    key = "claimsOverrideDetails" if version == "V1_0" else "claimsAndScopeOverrideDetails"
    harness.deploy(
        "PreTokenGeneration", lambda event: event | {"response": {key: details}}, version=version
    )


def tokens(harness: UserPoolHarness) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the claims of a new sign-in: access token, ID token."""
    result = harness.sign_in()["AuthenticationResult"]
    return dict(harness.claims(result["AccessToken"])), dict(harness.claims(result["IdToken"]))


def test_an_access_token_has_the_claims_of_cognito(harness: UserPoolHarness) -> None:
    claims = dict(harness.claims(harness.signed_in()["AccessToken"]))
    sub = harness.user()["Username"]
    assert claims.pop("exp") - claims["iat"] == 30 * 60
    assert abs(claims.pop("iat") - harness.server.clock()) < 30
    assert abs(claims.pop("auth_time") - harness.server.clock()) < 30
    for name in ("jti", "origin_jti", "event_id"):
        assert uuid.UUID(claims.pop(name))
    assert claims == {
        "sub": sub,
        "iss": f"{harness.server.settings.aws_endpoint_url}/{harness.pool_id}",
        "client_id": harness.client_id,
        "token_use": "access",
        "scope": ADMIN_SCOPE,
        "username": sub,
    }


def test_an_id_token_has_the_claims_of_cognito(harness: UserPoolHarness) -> None:
    harness.sign_up(UserAttributes=[{"Name": "given_name", "Value": "Ada"}])
    harness.confirm()
    access, identity = tokens(harness)
    sub = harness.user()["Username"]
    assert identity.pop("exp") - identity["iat"] == 10 * 60
    assert identity.pop("jti") != access["jti"]
    for shared in ("iat", "auth_time", "origin_jti", "event_id", "iss"):
        assert identity.pop(shared) == access[shared]
    assert identity == {
        "sub": sub,
        "aud": harness.client_id,
        "token_use": "id",
        "cognito:username": sub,
        "email": EMAIL,
        "email_verified": True,
        "given_name": "Ada",
    }


def test_a_client_without_validities_gets_the_defaults(harness: UserPoolHarness) -> None:
    flows = {"ExplicitAuthFlows": CLIENT["ExplicitAuthFlows"]}
    created = harness.admin.create_user_pool_client(
        UserPoolId=harness.pool_id, ClientName="plain", **flows
    )
    harness.client_id = created["UserPoolClient"]["ClientId"]
    result = harness.signed_in()
    assert result["ExpiresIn"] == 3600
    for token in ("AccessToken", "IdToken"):
        claims = harness.claims(result[token])
        assert claims["exp"] - claims["iat"] == 3600
    harness.server.clock.advance(30 * 86400 - 60)
    assert harness.refresh(result["RefreshToken"])
    harness.server.clock.advance(61)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        harness.refresh(result["RefreshToken"])


def test_groups_are_ordered_by_precedence_with_their_roles(harness: UserPoolHarness) -> None:
    harness.signed_in()
    join(harness, "anyone")
    join(harness, "writers", 20, "writer")
    join(harness, "admins", 10, "admin")
    access, identity = tokens(harness)
    assert access["cognito:groups"] == identity["cognito:groups"] == ["admins", "writers", "anyone"]
    assert identity["cognito:roles"] == [ROLE.format("admin"), ROLE.format("writer")]
    assert identity["cognito:preferred_role"] == ROLE.format("admin")
    assert "cognito:roles" not in access


def test_the_event_of_version_2_has_the_keys_of_aws(harness: UserPoolHarness) -> None:
    harness.signed_in()
    join(harness, "admins", 10, "admin")
    harness.deploy("PreTokenGeneration", lambda event: event, version="V2_0")
    harness.sign_in()
    sub = harness.user()["Username"]
    assert harness.events == [
        {
            "version": "2",
            "region": "eu-central-1",
            "userPoolId": harness.pool_id,
            "userName": sub,
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": harness.client_id,
            },
            "triggerSource": "TokenGeneration_Authentication",
            "request": {
                "userAttributes": {
                    "sub": sub,
                    "email": EMAIL,
                    "email_verified": "true",
                    "cognito:user_status": "CONFIRMED",
                },
                "groupConfiguration": {
                    "groupsToOverride": ["admins"],
                    "iamRolesToOverride": [ROLE.format("admin")],
                    "preferredRole": ROLE.format("admin"),
                },
                "scopes": [ADMIN_SCOPE],
            },
            "response": {"claimsAndScopeOverrideDetails": None},
        }
    ]


def test_the_event_of_version_1_has_the_keys_of_aws(harness: UserPoolHarness) -> None:
    harness.signed_in()
    harness.deploy("PreTokenGeneration", lambda event: event)
    harness.sign_in()
    [event] = harness.events
    assert event["version"] == "1"
    assert "scopes" not in event["request"]
    assert event["response"] == {"claimsOverrideDetails": None}


def test_each_way_to_a_token_has_its_trigger_source(harness: UserPoolHarness) -> None:
    refresh_token = harness.signed_in()["RefreshToken"]
    harness.deploy("PreTokenGeneration", lambda event: event, version="V2_0")
    harness.refresh(refresh_token)
    harness.admin.admin_set_user_password(
        UserPoolId=harness.pool_id, Username=EMAIL, Password="Temporary-Horse-7"
    )
    challenge = harness.sign_in(password="Temporary-Horse-7")
    harness.public.respond_to_auth_challenge(
        ClientId=harness.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": "Permanent-Horse-7"},
        ClientMetadata={"device": "phone"},
    )
    assert [event["triggerSource"] for event in harness.events] == [
        "TokenGeneration_RefreshTokens",
        "TokenGeneration_NewPasswordChallenge",
    ]
    assert "clientMetadata" not in harness.events[0]["request"]
    assert harness.events[1]["request"]["clientMetadata"] == {"device": "phone"}


def test_the_metadata_of_initiate_auth_does_not_reach_the_trigger(harness: UserPoolHarness) -> None:
    harness.signed_in()
    harness.deploy("PreTokenGeneration", lambda event: event, version="V2_0")
    harness.public.initiate_auth(
        ClientId=harness.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": EMAIL, "PASSWORD": "Correct-Horse-7"},
        ClientMetadata={"ignored": "by Cognito"},
    )
    assert "clientMetadata" not in harness.events[0]["request"]


def test_version_2_changes_each_token_separately(harness: UserPoolHarness) -> None:
    harness.signed_in()
    customize(
        harness,
        idTokenGeneration={
            "claimsToAddOrOverride": {"locale": "de"},
            "claimsToSuppress": ["email"],
        },
        accessTokenGeneration={
            "claimsToAddOrOverride": {
                "uid": "u-1",
                "roles": "admin editor",
                "nested": {"n": [1, True]},
            },
            "scopesToAdd": ["atrium/me", "atrium/users.read"],
        },
    )
    access, identity = tokens(harness)
    assert (access["uid"], access["roles"], access["nested"]) == (
        "u-1",
        "admin editor",
        {"n": [1, True]},
    )
    assert access["scope"] == f"{ADMIN_SCOPE} atrium/me atrium/users.read"
    assert identity["locale"] == "de"
    assert "email" not in identity
    assert "uid" not in identity
    assert "locale" not in access


def test_a_suppressed_scope_blocks_cognitos_own_calls(harness: UserPoolHarness) -> None:
    harness.signed_in()
    customize(
        harness,
        accessTokenGeneration={"scopesToAdd": ["atrium/me"], "scopesToSuppress": [ADMIN_SCOPE]},
    )
    token = harness.sign_in()["AuthenticationResult"]["AccessToken"]
    assert harness.claims(token)["scope"] == "atrium/me"
    with refused("NotAuthorizedException", "Access Token does not have required scopes"):
        harness.public.get_user(AccessToken=token)


def test_a_claim_that_is_set_and_suppressed_is_suppressed(harness: UserPoolHarness) -> None:
    harness.signed_in()
    customize(
        harness,
        accessTokenGeneration={"claimsToAddOrOverride": {"uid": "1"}, "claimsToSuppress": ["uid"]},
    )
    assert "uid" not in tokens(harness)[0]


RESERVED = [
    "acr",
    "amr",
    "at_hash",
    "auth_time",
    "azp",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "origin_jti",
    "sub",
    "token_use",
]


def test_reserved_claims_keep_their_value(harness: UserPoolHarness) -> None:
    """Check that they are neither set nor suppressed, without an error, as on AWS."""
    harness.signed_in()
    access_only, id_only = (
        ["client_id", "scope", "username", "event_id", "version"],
        ["aud", "cognito:username"],
    )
    for names, generation, index in (
        (RESERVED + access_only, "accessTokenGeneration", 0),
        (RESERVED + id_only, "idTokenGeneration", 1),
    ):
        customize(
            harness,
            "V2_0",
            **{generation: {"claimsToAddOrOverride": dict.fromkeys([*names, "dev:x"], "forged")}},
        )
        assert "forged" not in tokens(harness)[index].values()
        customize(harness, "V2_0", **{generation: {"claimsToSuppress": names}})
        always = {"sub", "iss", "exp", "iat", "jti", "origin_jti", "token_use", "auth_time"}
        assert always <= tokens(harness)[index].keys()


def test_the_audience_of_an_access_token_can_only_be_the_client(harness: UserPoolHarness) -> None:
    harness.signed_in()
    customize(harness, accessTokenGeneration={"claimsToAddOrOverride": {"aud": "someone else"}})
    assert "aud" not in tokens(harness)[0]
    customize(harness, accessTokenGeneration={"claimsToAddOrOverride": {"aud": harness.client_id}})
    assert tokens(harness)[0]["aud"] == harness.client_id


def test_groups_are_overridden_in_both_tokens(harness: UserPoolHarness) -> None:
    harness.signed_in()
    join(harness, "staff")
    customize(
        harness,
        groupOverrideDetails={"groupsToOverride": ["a", "b"], "preferredRole": ROLE.format("x")},
    )
    access, identity = tokens(harness)
    assert access["cognito:groups"] == identity["cognito:groups"] == ["a", "b"]
    assert identity["cognito:preferred_role"] == ROLE.format("x")


@pytest.mark.parametrize("details", [None, {}])
def test_empty_group_details_remove_the_groups(harness: UserPoolHarness, details: Any) -> None:
    harness.signed_in()
    join(harness, "staff")
    customize(harness, groupOverrideDetails=details)
    access, identity = tokens(harness)
    assert "cognito:groups" not in access
    assert "cognito:groups" not in identity
    customize(harness, idTokenGeneration={"claimsToAddOrOverride": {"x": "y"}})
    assert tokens(harness)[0]["cognito:groups"] == ["staff"]


def test_version_1_changes_only_the_id_token(harness: UserPoolHarness) -> None:
    harness.signed_in()
    customize(harness, "V1_0", claimsToAddOrOverride={"team": "red"}, claimsToSuppress=["email"])
    access, identity = tokens(harness)
    assert identity["team"] == "red"
    assert "email" not in identity
    assert "team" not in access
    customize(harness, "V1_0", claimsToAddOrOverride={"team": ["red"]})
    with refused("InvalidLambdaResponseException"):
        harness.sign_in()


@pytest.mark.parametrize(
    "details",
    [
        {"accessTokenGeneration": {"scopesToAdd": "atrium/me"}},
        {"accessTokenGeneration": {"scopesToAdd": ["two words"]}},
        {"accessTokenGeneration": []},
        {"idTokenGeneration": {"claimsToSuppress": [1]}},
    ],
)
def test_a_malformed_answer_is_refused(harness: UserPoolHarness, details: dict[str, Any]) -> None:
    harness.signed_in()
    customize(harness, **details)
    with refused("InvalidLambdaResponseException", "Unrecognizable lambda output"):
        harness.sign_in()


def test_a_refresh_calls_the_trigger_again(harness: UserPoolHarness) -> None:
    refresh_token = harness.signed_in()["RefreshToken"]
    customize(harness, accessTokenGeneration={"claimsToAddOrOverride": {"access_epoch": "7"}})
    fresh = harness.refresh(refresh_token)["AuthenticationResult"]
    assert harness.claims(fresh["AccessToken"])["access_epoch"] == "7"
