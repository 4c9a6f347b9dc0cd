"""CORS for apps in a browser, which have another origin: the calls and responses that their pages
may use.
"""

import json
import urllib.request
from email.message import Message

import pytest

from local_aws_tests.cognito.hosted import hosted_app
from local_aws_tests.cognito.user_pool_harness import UserPoolHarness

ORIGIN = {"Origin": "http://localhost:5173"}


def headers_of(
    harness: UserPoolHarness, method: str, path: str, body: bytes | None = None, **headers: str
) -> Message:
    address = harness.server.settings.aws_endpoint_url + path
    request = urllib.request.Request(address, body, ORIGIN | headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        told: Message = answer.headers
        return told


def allowed_headers(harness: UserPoolHarness, path: str) -> set[str]:
    told = headers_of(harness, "OPTIONS", path)
    assert told["Access-Control-Allow-Origin"] == "*"
    assert "POST" in told["Access-Control-Allow-Methods"]
    return set(told["Access-Control-Allow-Headers"].split(","))


def test_a_page_may_call_cognito(harness: UserPoolHarness) -> None:
    assert {"content-type", "x-amz-target", "x-amz-user-agent", "cache-control"} <= allowed_headers(
        harness, "/"
    )
    body = json.dumps({"ClientId": harness.client_id, "Username": "nobody@example.org"}).encode()
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.ForgotPassword"}
    assert headers_of(harness, "POST", "/", body, **target)["Access-Control-Allow-Origin"] == "*"


def test_a_page_cannot_sign_calls(harness: UserPoolHarness) -> None:
    """Check this, because every access key is accepted here, so any site could use the laptop's AWS
    through a visitor's browser.
    """
    assert "authorization" not in allowed_headers(harness, "/")


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/userInfo", "/oauth2/revoke"])
def test_a_page_may_call_the_oauth_endpoints(harness: UserPoolHarness, path: str) -> None:
    assert allowed_headers(harness, path) == {"authorization", "content-type"}


def test_a_page_may_read_keys_and_configuration(harness: UserPoolHarness) -> None:
    for document in ("jwks.json", "openid-configuration"):
        told = headers_of(harness, "GET", f"/{harness.pool_id}/.well-known/{document}")
        assert told["Access-Control-Allow-Origin"] == "*"


def test_a_page_cannot_read_mails_or_the_sign_in_page(harness: UserPoolHarness) -> None:
    app = hosted_app(harness)
    for path in ("/_local/inbox", f"/login?{app.query()}"):
        assert headers_of(harness, "GET", path)["Access-Control-Allow-Origin"] is None
