"""The OAuth endpoints that an app calls after the sign-in page (token, userInfo, revoke), and its
tokens.
"""

import base64
import hashlib
from typing import Any

import pytest

from local_aws_tests.cognito.hosted import CALLBACK, CHALLENGE, VERIFIER, App, basic, hosted_app
from local_aws_tests.cognito.user_pool_harness import EMAIL, FunctionError, UserPoolHarness, refused

USER_SCOPE = "aws.cognito.signin.user.admin"


@pytest.fixture
def app(harness: UserPoolHarness) -> App:
    harness.signed_in()
    return hosted_app(harness)


def test_a_code_is_exchanged_for_tokens(app: App) -> None:
    told = app.tokens(nonce="n1")
    assert told.keys() == {"access_token", "id_token", "refresh_token", "expires_in", "token_type"}
    assert (told["expires_in"], told["token_type"]) == (30 * 60, "Bearer")
    access, identity = (
        app.harness.claims(told["access_token"]),
        app.harness.claims(told["id_token"]),
    )
    assert access["scope"].split() == ["openid", "email"]
    assert (access["client_id"], access["token_use"]) == (app.client_id, "access")
    assert (identity["aud"], identity["token_use"], identity["nonce"]) == (
        app.client_id,
        "id",
        "n1",
    )
    assert (identity["email"], identity["email_verified"]) == (EMAIL, True)
    assert access["sub"] == identity["sub"] == app.harness.user()["Attributes"]["sub"]
    digest = hashlib.sha256(told["access_token"].encode()).digest()[:16]
    assert identity["at_hash"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_code_can_be_used_once(app: App) -> None:
    code = app.code()
    assert app.exchange(code)[0] == 200
    assert app.exchange(code) == (400, {"error": "invalid_grant"})


def test_a_code_expires_after_five_minutes(app: App) -> None:
    app.harness.server.clock.stop()
    first, second = app.code(), app.authorize().told["code"]
    app.harness.server.clock.advance(295)
    assert app.exchange(first)[0] == 200
    app.harness.server.clock.advance(5)
    assert app.exchange(second) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("verifier", [None, VERIFIER[:-1] + "x", CHALLENGE])
def test_a_code_needs_its_verifier(app: App, verifier: str | None) -> None:
    assert app.exchange(app.code(), code_verifier=verifier) == (400, {"error": "invalid_grant"})


def test_a_wrong_verifier_invalidates_the_code(app: App) -> None:
    code = app.code()
    app.exchange(code, code_verifier="x" * 43)
    assert app.exchange(code) == (400, {"error": "invalid_grant"})


def test_without_a_challenge_a_verifier_is_refused(app: App) -> None:
    plain: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
    assert app.exchange(app.code(**plain)) == (400, {"error": "invalid_grant"})
    assert app.exchange(app.authorize(**plain).told["code"], code_verifier=None)[0] == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
        ({"code": None}, "invalid_request"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_secret": "made-up"}, "invalid_client"),
    ],
)
def test_an_invalid_exchange_is_refused(
    app: App, changes: dict[str, str | None], error: str
) -> None:
    given = {"code": app.code()} | changes
    status, told = app.exchange(given.pop("code"), **given)
    assert (status, told["error"]) == (400, error)


def test_another_client_can_neither_use_nor_invalidate_a_code(app: App) -> None:
    code = app.code()
    assert hosted_app(app.harness).exchange(code) == (400, {"error": "invalid_grant"})
    assert app.exchange(code)[0] == 200


def test_a_client_without_the_flow_gets_no_tokens(app: App) -> None:
    code = app.code()
    app.client_id = app.harness.client_id
    assert app.exchange(code) == (400, {"error": "unauthorized_client"})


def test_a_user_disabled_meanwhile_gets_no_tokens(app: App) -> None:
    code = app.code()
    app.harness.admin.admin_disable_user(UserPoolId=app.harness.pool_id, Username=EMAIL)
    assert app.exchange(code) == (400, {"error": "invalid_grant"})


def test_a_body_other_than_a_form_is_refused(app: App) -> None:
    status, told = app.post(
        "/oauth2/token", {"grant_type": "refresh_token"}, **{"Content-Type": "application/json"}
    )
    assert (status, told["error"]) == (400, "invalid_request")


def test_a_form_with_a_duplicate_field_is_refused(app: App) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "refresh_token": app.tokens()["refresh_token"],
    }
    assert app.post("/oauth2/token", form)[0] == 200
    status, told = app.post("/oauth2/token", [*form.items(), ("client_id", app.client_id)])
    assert (status, told["error"]) == (400, "invalid_request")


class TestAClientWithASecret:
    @pytest.fixture
    def app(self, harness: UserPoolHarness) -> App:
        harness.signed_in()
        return hosted_app(harness, GenerateSecret=True)

    def test_the_secret_can_be_sent_by_http_basic(self, app: App) -> None:
        assert app.secret
        granted = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": app.code()}
        form = {"grant_type": "authorization_code", **granted}
        for secret, expected in (("wrong", 400), ("", 400), (app.secret, 200)):
            status, _ = app.post("/oauth2/token", form, Authorization=basic(app.client_id, secret))
            assert status == expected

    def test_the_secret_can_be_sent_in_the_form(self, app: App) -> None:
        assert app.exchange(app.code(), client_secret=app.secret)[0] == 200

    @pytest.mark.parametrize("secret", [None, "wrong"])
    def test_a_client_without_its_secret_is_refused(self, app: App, secret: str | None) -> None:
        assert app.exchange(app.code(), client_secret=secret) == (400, {"error": "invalid_client"})

    @pytest.mark.parametrize("header", ["Basic !", "Bearer x", "Basic"])
    def test_a_malformed_authorization_header_is_refused(self, app: App, header: str) -> None:
        status, told = app.post(
            "/oauth2/token", {"grant_type": "refresh_token"}, Authorization=header
        )
        assert (status, told["error"]) == (400, "invalid_client")


def test_an_app_without_scopes_gets_all_scopes_of_its_client(app: App) -> None:
    told = app.tokens(scope=None)
    assert app.harness.claims(told["access_token"])["scope"].split() == ["openid", "email"]


def test_without_openid_there_is_no_id_token(app: App) -> None:
    told = app.tokens(scope="email")
    assert "id_token" not in told
    assert "id_token" not in app.refresh(told["refresh_token"])[1]


def test_scopes_decide_which_claims_an_app_sees(harness: UserPoolHarness) -> None:
    harness.sign_up(UserAttributes=[{"Name": "given_name", "Value": "Ada"}])
    harness.confirm()
    app = hosted_app(harness, AllowedOAuthScopes=["openid", "email", "phone", "profile"])
    seen = {
        "openid": {"email", "given_name"},
        "openid profile": {"email", "given_name"},
        "openid email": {"email"},
        "openid phone": set(),
        "openid phone profile": {"email", "given_name"},
    }
    for scope, expected in seen.items():
        app.browser.cookies.clear()
        told = app.tokens(scope=scope)
        for known in (harness.claims(told["id_token"]), app.user_info(told["access_token"])[1]):
            assert known.keys() & {"email", "given_name"} == expected, scope


def test_a_token_without_the_scope_cannot_read_the_account(app: App) -> None:
    token = app.tokens()["access_token"]
    with refused("NotAuthorizedException", "Access Token does not have required scopes"):
        app.harness.public.get_user(AccessToken=token)


def test_a_token_with_the_scope_can_read_the_account(harness: UserPoolHarness) -> None:
    harness.signed_in()
    app = hosted_app(harness, AllowedOAuthScopes=["openid", USER_SCOPE])
    assert harness.public.get_user(
        AccessToken=app.tokens(scope=f"openid {USER_SCOPE}")["access_token"]
    )


def test_a_refresh_keeps_the_scopes_and_the_auth_time(app: App) -> None:
    told = app.tokens()
    app.harness.server.clock.advance(60)
    status, fresh = app.refresh(told["refresh_token"])
    assert status == 200
    assert fresh.keys() == {"access_token", "id_token", "expires_in", "token_type"}
    old, new = app.harness.claims(told["access_token"]), app.harness.claims(fresh["access_token"])
    assert new["jti"] != old["jti"]
    for name in ("scope", "origin_jti", "auth_time", "sub"):
        assert new[name] == old[name]


def test_the_auth_time_is_that_of_the_users_sign_in(app: App) -> None:
    app.harness.server.clock.stop()
    first = app.harness.claims(app.tokens()["access_token"])
    app.harness.server.clock.advance(600)
    _, told = app.exchange(app.authorize().told["code"])
    second = app.harness.claims(told["access_token"])
    assert second["auth_time"] == first["auth_time"]
    assert second["iat"] == first["iat"] + 600


def test_an_invalid_refresh_token_is_refused(app: App) -> None:
    told = app.tokens()
    assert app.refresh("nonsense")[1]["error"] == "invalid_grant"
    other = hosted_app(app.harness)
    assert other.refresh(told["refresh_token"])[1]["error"] == "invalid_grant"
    app.harness.admin.admin_user_global_sign_out(UserPoolId=app.harness.pool_id, Username=EMAIL)
    assert app.refresh(told["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_client_without_refresh_gets_no_new_tokens(harness: UserPoolHarness) -> None:
    harness.signed_in()
    app = hosted_app(harness, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    assert app.refresh(app.tokens()["refresh_token"]) == (400, {"error": "unauthorized_client"})


class TestUserInfo:
    def test_the_users_attributes_are_returned(self, app: App) -> None:
        status, told = app.user_info(app.tokens()["access_token"])
        user = app.harness.user()
        assert status == 200
        assert told == {
            "sub": user["Attributes"]["sub"],
            "username": user["Username"],
            "email": EMAIL,
            "email_verified": "true",
        }

    def test_the_scope_openid_is_required(self, app: App) -> None:
        for token in (
            app.tokens(scope="email")["access_token"],
            app.harness.sign_in()["AuthenticationResult"]["AccessToken"],
        ):
            assert app.user_info(token)[0] == 401

    def test_a_valid_access_token_is_required(self, app: App) -> None:
        told = app.tokens()
        assert app.user_info(told["id_token"])[0] == 401
        assert app.user_info("")[0] == 400
        app.harness.admin.admin_user_global_sign_out(UserPoolId=app.harness.pool_id, Username=EMAIL)
        status, refusal = app.user_info(told["access_token"])
        assert (status, refusal["error"]) == (401, "invalid_token")


class TestRevoke:
    def revoke(self, app: App, token: str, **changes: str) -> tuple[int, dict[str, Any]]:
        return app.post("/oauth2/revoke", {"token": token, "client_id": app.client_id} | changes)

    def test_the_sign_in_ends(self, app: App) -> None:
        told = app.tokens()
        assert self.revoke(app, told["refresh_token"]) == (200, {})
        assert app.refresh(told["refresh_token"])[0] == 400
        assert app.user_info(told["access_token"])[0] == 401

    def test_an_unknown_token_is_accepted(self, app: App) -> None:
        assert self.revoke(app, "unknown") == (200, {})

    def test_other_tokens_are_refused(self, app: App) -> None:
        told = app.tokens()
        for token, changes, error in (
            (told["access_token"], {}, "unsupported_token_type"),
            ("", {}, "invalid_request"),
            (
                told["refresh_token"],
                {"client_id": hosted_app(app.harness).client_id},
                "invalid_client",
            ),
        ):
            assert self.revoke(app, token, **changes)[1]["error"] == error
        assert app.refresh(told["refresh_token"])[0] == 200


def scopes_of(event: dict[str, Any]) -> dict[str, Any]:
    change = {
        "scopesToAdd": ["atrium/me"],
        "scopesToSuppress": ["email"],
        "claimsToAddOrOverride": {"uid": "u1"},
    }
    event["response"] = {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": change}}
    return event


def test_the_trigger_gets_the_hosted_page_as_source_and_the_scopes(app: App) -> None:
    app.harness.deploy("PreTokenGeneration", scopes_of, "V2_0")
    told = app.tokens()
    event = app.harness.events[-1]
    assert event["triggerSource"] == "TokenGeneration_HostedAuth"
    assert event["request"]["scopes"] == ["openid", "email"]
    assert event["callerContext"]["clientId"] == app.client_id
    claims = app.harness.claims(told["access_token"])
    assert (claims["scope"].split(), claims["uid"]) == (["openid", "atrium/me"], "u1")
    app.refresh(told["refresh_token"])
    event = app.harness.events[-1]
    assert event["triggerSource"] == "TokenGeneration_RefreshTokens"
    assert event["request"]["scopes"] == ["openid", "email"]


def test_the_refusal_of_a_trigger_is_returned_to_the_app(app: App) -> None:
    def refuse(event: dict[str, Any]) -> dict[str, Any]:
        raise FunctionError("This account is disabled")

    app.harness.deploy("PreTokenGeneration", refuse, "V2_0")
    status, told = app.exchange(app.code())
    assert (status, told["error"]) == (400, "invalid_grant")
    assert (
        told["error_description"]
        == "PreTokenGeneration failed with error This account is disabled."
    )


def test_discovery_names_the_endpoints(app: App) -> None:
    _, told = app.harness.get(f"/{app.harness.pool_id}/.well-known/openid-configuration")
    base = app.harness.server.settings.aws_endpoint_url
    assert {
        name: told[f"{name}_endpoint"]
        for name in ("authorization", "token", "userinfo", "revocation")
    } == {
        "authorization": f"{base}/oauth2/authorize",
        "token": f"{base}/oauth2/token",
        "userinfo": f"{base}/oauth2/userInfo",
        "revocation": f"{base}/oauth2/revoke",
    }
    assert told["end_session_endpoint"] == f"{base}/logout"
    assert told["response_types_supported"] == ["code"]
