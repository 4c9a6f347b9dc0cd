"""Claims of access and ID tokens, and their changes by a pre token generation trigger."""

import uuid
from typing import Any

import pytest

from local_aws_tests.cognito.world import CLIENT, EMAIL, World, refused

ADMIN_SCOPE = "aws.cognito.signin.user.admin"
ROLE = "arn:aws:iam::000000000000:role/{}"


def join(world: World, group: str, precedence: int | None = None, role: str | None = None) -> None:
    optional: dict[str, Any] = {}
    if precedence is not None:
        optional["Precedence"] = precedence
    if role:
        optional["RoleArn"] = ROLE.format(role)
    world.admin.create_group(UserPoolId=world.pool_id, GroupName=group, **optional)
    world.admin.admin_add_user_to_group(UserPoolId=world.pool_id, GroupName=group, Username=EMAIL)


def customize(world: World, version: str = "V2_0", **details: Any) -> None:
    key = "claimsOverrideDetails" if version == "V1_0" else "claimsAndScopeOverrideDetails"
    world.deploy(
        "PreTokenGeneration", lambda event: event | {"response": {key: details}}, version=version
    )


def tokens(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the claims of a new sign-in: access token, ID token."""
    result = world.sign_in()["AuthenticationResult"]
    return dict(world.claims(result["AccessToken"])), dict(world.claims(result["IdToken"]))


def test_an_access_token_has_the_claims_of_cognito(world: World) -> None:
    claims = dict(world.claims(world.signed_in()["AccessToken"]))
    sub = world.user()["Username"]
    assert claims.pop("exp") - claims["iat"] == 30 * 60
    assert abs(claims.pop("iat") - world.server.clock()) < 30
    assert abs(claims.pop("auth_time") - world.server.clock()) < 30
    for name in ("jti", "origin_jti", "event_id"):
        assert uuid.UUID(claims.pop(name))
    assert claims == {
        "sub": sub,
        "iss": f"{world.server.settings.aws_endpoint_url}/{world.pool_id}",
        "client_id": world.client_id,
        "token_use": "access",
        "scope": ADMIN_SCOPE,
        "username": sub,
    }


def test_an_id_token_has_the_claims_of_cognito(world: World) -> None:
    world.sign_up(UserAttributes=[{"Name": "given_name", "Value": "Ada"}])
    world.confirm()
    access, identity = tokens(world)
    sub = world.user()["Username"]
    assert identity.pop("exp") - identity["iat"] == 10 * 60
    assert identity.pop("jti") != access["jti"]
    for shared in ("iat", "auth_time", "origin_jti", "event_id", "iss"):
        assert identity.pop(shared) == access[shared]
    assert identity == {
        "sub": sub,
        "aud": world.client_id,
        "token_use": "id",
        "cognito:username": sub,
        "email": EMAIL,
        "email_verified": True,
        "given_name": "Ada",
    }


def test_a_client_without_validities_gets_the_defaults(world: World) -> None:
    flows = {"ExplicitAuthFlows": CLIENT["ExplicitAuthFlows"]}
    created = world.admin.create_user_pool_client(
        UserPoolId=world.pool_id, ClientName="plain", **flows
    )
    world.client_id = created["UserPoolClient"]["ClientId"]
    result = world.signed_in()
    assert result["ExpiresIn"] == 3600
    for token in ("AccessToken", "IdToken"):
        claims = world.claims(result[token])
        assert claims["exp"] - claims["iat"] == 3600
    world.server.clock.advance(30 * 86400 - 60)
    assert world.refresh(result["RefreshToken"])
    world.server.clock.advance(61)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        world.refresh(result["RefreshToken"])


def test_groups_are_ordered_by_precedence_with_their_roles(world: World) -> None:
    world.signed_in()
    join(world, "anyone")
    join(world, "writers", 20, "writer")
    join(world, "admins", 10, "admin")
    access, identity = tokens(world)
    assert access["cognito:groups"] == identity["cognito:groups"] == ["admins", "writers", "anyone"]
    assert identity["cognito:roles"] == [ROLE.format("admin"), ROLE.format("writer")]
    assert identity["cognito:preferred_role"] == ROLE.format("admin")
    assert "cognito:roles" not in access


def test_the_event_of_version_2_has_the_keys_of_aws(world: World) -> None:
    world.signed_in()
    join(world, "admins", 10, "admin")
    world.deploy("PreTokenGeneration", lambda event: event, version="V2_0")
    world.sign_in()
    sub = world.user()["Username"]
    assert world.events == [
        {
            "version": "2",
            "region": "eu-central-1",
            "userPoolId": world.pool_id,
            "userName": sub,
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": world.client_id,
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


def test_the_event_of_version_1_has_the_keys_of_aws(world: World) -> None:
    world.signed_in()
    world.deploy("PreTokenGeneration", lambda event: event)
    world.sign_in()
    [event] = world.events
    assert event["version"] == "1"
    assert "scopes" not in event["request"]
    assert event["response"] == {"claimsOverrideDetails": None}


def test_each_way_to_a_token_has_its_trigger_source(world: World) -> None:
    refresh_token = world.signed_in()["RefreshToken"]
    world.deploy("PreTokenGeneration", lambda event: event, version="V2_0")
    world.refresh(refresh_token)
    world.admin.admin_set_user_password(
        UserPoolId=world.pool_id, Username=EMAIL, Password="Temporary-Horse-7"
    )
    challenge = world.sign_in(password="Temporary-Horse-7")
    world.public.respond_to_auth_challenge(
        ClientId=world.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": EMAIL, "NEW_PASSWORD": "Permanent-Horse-7"},
        ClientMetadata={"device": "phone"},
    )
    assert [event["triggerSource"] for event in world.events] == [
        "TokenGeneration_RefreshTokens",
        "TokenGeneration_NewPasswordChallenge",
    ]
    assert "clientMetadata" not in world.events[0]["request"]
    assert world.events[1]["request"]["clientMetadata"] == {"device": "phone"}


def test_the_metadata_of_initiate_auth_does_not_reach_the_trigger(world: World) -> None:
    world.signed_in()
    world.deploy("PreTokenGeneration", lambda event: event, version="V2_0")
    world.public.initiate_auth(
        ClientId=world.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": EMAIL, "PASSWORD": "Correct-Horse-7"},
        ClientMetadata={"ignored": "by Cognito"},
    )
    assert "clientMetadata" not in world.events[0]["request"]


def test_version_2_changes_each_token_separately(world: World) -> None:
    world.signed_in()
    customize(
        world,
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
    access, identity = tokens(world)
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


def test_a_suppressed_scope_blocks_cognitos_own_calls(world: World) -> None:
    world.signed_in()
    customize(
        world,
        accessTokenGeneration={"scopesToAdd": ["atrium/me"], "scopesToSuppress": [ADMIN_SCOPE]},
    )
    token = world.sign_in()["AuthenticationResult"]["AccessToken"]
    assert world.claims(token)["scope"] == "atrium/me"
    with refused("NotAuthorizedException", "Access Token does not have required scopes"):
        world.public.get_user(AccessToken=token)


def test_a_claim_that_is_set_and_suppressed_is_suppressed(world: World) -> None:
    world.signed_in()
    customize(
        world,
        accessTokenGeneration={"claimsToAddOrOverride": {"uid": "1"}, "claimsToSuppress": ["uid"]},
    )
    assert "uid" not in tokens(world)[0]


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


def test_reserved_claims_keep_their_value(world: World) -> None:
    """Check that they are neither set nor suppressed, without an error, as on AWS."""
    world.signed_in()
    access_only, id_only = (
        ["client_id", "scope", "username", "event_id", "version"],
        ["aud", "cognito:username"],
    )
    for names, generation, index in (
        (RESERVED + access_only, "accessTokenGeneration", 0),
        (RESERVED + id_only, "idTokenGeneration", 1),
    ):
        customize(
            world,
            "V2_0",
            **{generation: {"claimsToAddOrOverride": dict.fromkeys([*names, "dev:x"], "forged")}},
        )
        assert "forged" not in tokens(world)[index].values()
        customize(world, "V2_0", **{generation: {"claimsToSuppress": names}})
        always = {"sub", "iss", "exp", "iat", "jti", "origin_jti", "token_use", "auth_time"}
        assert always <= tokens(world)[index].keys()


def test_the_audience_of_an_access_token_can_only_be_the_client(world: World) -> None:
    world.signed_in()
    customize(world, accessTokenGeneration={"claimsToAddOrOverride": {"aud": "someone else"}})
    assert "aud" not in tokens(world)[0]
    customize(world, accessTokenGeneration={"claimsToAddOrOverride": {"aud": world.client_id}})
    assert tokens(world)[0]["aud"] == world.client_id


def test_groups_are_overridden_in_both_tokens(world: World) -> None:
    world.signed_in()
    join(world, "staff")
    customize(
        world,
        groupOverrideDetails={"groupsToOverride": ["a", "b"], "preferredRole": ROLE.format("x")},
    )
    access, identity = tokens(world)
    assert access["cognito:groups"] == identity["cognito:groups"] == ["a", "b"]
    assert identity["cognito:preferred_role"] == ROLE.format("x")


@pytest.mark.parametrize("details", [None, {}])
def test_empty_group_details_remove_the_groups(world: World, details: Any) -> None:
    world.signed_in()
    join(world, "staff")
    customize(world, groupOverrideDetails=details)
    access, identity = tokens(world)
    assert "cognito:groups" not in access
    assert "cognito:groups" not in identity
    customize(world, idTokenGeneration={"claimsToAddOrOverride": {"x": "y"}})
    assert tokens(world)[0]["cognito:groups"] == ["staff"]


def test_version_1_changes_only_the_id_token(world: World) -> None:
    world.signed_in()
    customize(world, "V1_0", claimsToAddOrOverride={"team": "red"}, claimsToSuppress=["email"])
    access, identity = tokens(world)
    assert identity["team"] == "red"
    assert "email" not in identity
    assert "team" not in access
    customize(world, "V1_0", claimsToAddOrOverride={"team": ["red"]})
    with refused("InvalidLambdaResponseException"):
        world.sign_in()


@pytest.mark.parametrize(
    "details",
    [
        {"accessTokenGeneration": {"scopesToAdd": "atrium/me"}},
        {"accessTokenGeneration": {"scopesToAdd": ["two words"]}},
        {"accessTokenGeneration": []},
        {"idTokenGeneration": {"claimsToSuppress": [1]}},
    ],
)
def test_a_malformed_answer_is_refused(world: World, details: dict[str, Any]) -> None:
    world.signed_in()
    customize(world, **details)
    with refused("InvalidLambdaResponseException", "Unrecognizable lambda output"):
        world.sign_in()


def test_a_refresh_calls_the_trigger_again(world: World) -> None:
    refresh_token = world.signed_in()["RefreshToken"]
    customize(world, accessTokenGeneration={"claimsToAddOrOverride": {"access_epoch": "7"}})
    fresh = world.refresh(refresh_token)["AuthenticationResult"]
    assert world.claims(fresh["AccessToken"])["access_epoch"] == "7"
