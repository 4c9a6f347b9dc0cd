"""openid-client, oidc-client-ts and authlib, unmodified, with the pool's OAuth endpoints."""

import os
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.integrations.requests_client import OAuth2Session

from local_aws_tests.cognito.hosted import CALLBACK, App, hosted_app
from local_aws_tests.cognito.test_client_credentials import MACHINE, ORDERS
from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness
from local_aws_tests.cognito_clients.apps import RefusedError
from local_aws_tests.cognito_clients.identity_js import Node, install

SCOPE = "openid email"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    install()
    running = Node("openid.mjs")
    yield running
    running.close()


@pytest.fixture
def hosted(harness: UserPoolHarness) -> App:
    """Return an app of a pool with a sign-in page and a user."""
    harness.sign_up()
    harness.confirm()
    flows = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
    return hosted_app(harness, ExplicitAuthFlows=flows)


@pytest.fixture
def issuer(harness: UserPoolHarness) -> str:
    return f"{harness.server.settings.aws_endpoint_url}/{harness.pool_id}"


def browse(hosted: App, address: str) -> str:
    """Sign in on the page as a user does. Return the address of the app's callback."""
    parts = urlsplit(address)
    page = hosted.browser.get(f"{parts.path}?{parts.query}")
    back = hosted.browser.fill(
        hosted.browser.get(page.location), username=EMAIL, password=PASSWORD
    ).location
    assert back.startswith(CALLBACK)
    return back


def test_openid_client_signs_in_refreshes_and_revokes(hosted: App, node: Node, issuer: str) -> None:
    node.call("openOpenid", issuer=issuer, clientId=hosted.client_id, secret=None)
    address = node.call("authorize", redirect=CALLBACK, scope=SCOPE)
    tokens = node.call("callback", address=browse(hosted, address))
    claims = hosted.harness.claims(tokens["id_token"])
    assert claims["email"] == EMAIL
    subject = claims["sub"]
    told = node.call("userInfo", token=tokens["access_token"], subject=subject)
    assert told["email"] == EMAIL
    renewed = node.call("refresh", token=tokens["refresh_token"])
    assert renewed["access_token"] != tokens["access_token"]
    node.call("revoke", token=tokens["refresh_token"])
    with pytest.raises(RefusedError, match="invalid_grant"):
        node.call("refresh", token=tokens["refresh_token"])


def test_openid_client_rotates_its_refresh_token(
    harness: UserPoolHarness, node: Node, issuer: str
) -> None:
    harness.sign_up()
    harness.confirm()
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
    flows = ["ALLOW_USER_SRP_AUTH"]
    app = hosted_app(harness, ExplicitAuthFlows=flows, RefreshTokenRotation=rotation)
    node.call("openOpenid", issuer=issuer, clientId=app.client_id, secret=None)
    address = node.call("authorize", redirect=CALLBACK, scope=SCOPE)
    first = node.call("callback", address=browse(app, address))["refresh_token"]
    second = node.call("refresh", token=first)["refresh_token"]
    with pytest.raises(RefusedError, match="invalid_grant"):
        node.call("refresh", token=first)
    assert node.call("refresh", token=second)["access_token"]


def test_openid_client_fetches_a_machines_token(
    harness: UserPoolHarness, node: Node, issuer: str
) -> None:
    harness.admin.create_resource_server(UserPoolId=harness.pool_id, **ORDERS)
    machine = hosted_app(harness, **MACHINE)
    node.call("openOpenid", issuer=issuer, clientId=machine.client_id, secret=machine.secret)
    told = node.call("clientCredentials", scope="orders/read")
    assert harness.claims(told["access_token"])["scope"] == "orders/read"
    with pytest.raises(RefusedError, match="invalid_scope"):
        node.call("clientCredentials", scope="orders/delete")


def test_oidc_client_ts_signs_in_refreshes_and_revokes(
    hosted: App, node: Node, issuer: str
) -> None:
    node.call("openOidc", issuer=issuer, clientId=hosted.client_id, redirect=CALLBACK, scope=SCOPE)
    back = browse(hosted, node.call("oidcAuthorize"))
    tokens = node.call("oidcCallback", address=back)
    assert tokens["profile"]["email"] == EMAIL
    assert node.call("oidcRefresh")["access_token"] != tokens["access_token"]
    node.call("oidcRevoke", token=tokens["refresh_token"])
    with pytest.raises(RefusedError, match="invalid_grant"):
        node.call("oidcRefresh")


def test_authlib_signs_in_refreshes_and_revokes(
    hosted: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "AUTHLIB_INSECURE_TRANSPORT", "1")
    base = hosted.harness.server.settings.aws_endpoint_url
    with OAuth2Session(
        hosted.client_id,
        redirect_uri=CALLBACK,
        scope=SCOPE,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    ) as session:
        verifier = "v" * 48
        address, state = session.create_authorization_url(
            f"{base}/oauth2/authorize", code_verifier=verifier
        )
        back = browse(hosted, address)
        assert parse_qs(urlsplit(back).query)["state"] == [state]
        token = session.fetch_token(
            f"{base}/oauth2/token", authorization_response=back, code_verifier=verifier
        )
        assert hosted.harness.claims(token["id_token"])["email"] == EMAIL
        assert session.get(f"{base}/oauth2/userInfo").json()["email"] == EMAIL
        renewed = session.refresh_token(f"{base}/oauth2/token", token["refresh_token"])
        assert renewed["access_token"] != token["access_token"]
        revoked = session.revoke_token(f"{base}/oauth2/revoke", token["refresh_token"])
        assert revoked.status_code == 200
