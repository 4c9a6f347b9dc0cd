"""A pool with a domain, and an app whose users sign in on the hosted page."""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from local_aws_tests.cognito.browser import Browser, Page
from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness

CALLBACK = "http://localhost:5173/signed-in"
APP_CALLBACK = "myapp://signed-in?from=cognito"
SIGNED_OUT = "http://localhost:5173/"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
HOSTED: dict[str, Any] = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "email"],
    "CallbackURLs": [CALLBACK, APP_CALLBACK],
    "LogoutURLs": [SIGNED_OUT],
    "SupportedIdentityProviders": ["COGNITO"],
}


@dataclass
class App:
    harness: UserPoolHarness
    browser: Browser
    client_id: str
    secret: str | None = None

    def authorize(self, **changes: str | None) -> Page:
        return self.browser.get(f"/oauth2/authorize?{self.query(**changes)}")

    def query(self, **changes: str | None) -> str:
        """Return the query of the authorization request; None leaves a parameter out."""
        asked = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "openid email",
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        return urlencode({name: value for name, value in asked.items() if value is not None})

    def login_page(self, **changes: str | None) -> Page:
        return self.browser.get(self.authorize(**changes).location)

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **changes: str | None) -> Page:
        return self.browser.fill(self.login_page(**changes), username=email, password=password)

    def code(self, **changes: str | None) -> str:
        page = self.browser.fill(self.login_page(**changes), username=EMAIL, password=PASSWORD)
        return page.told["code"]

    def exchange(self, code: str | None, **changes: str | None) -> tuple[int, dict[str, Any]]:
        asked = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        } | changes
        return self.post(
            "/oauth2/token", {name: value for name, value in asked.items() if value is not None}
        )

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        status, told = self.exchange(self.code(**changes))
        assert status == 200, told
        return told

    def refresh(self, refresh_token: str) -> tuple[int, dict[str, Any]]:
        return self.post(
            "/oauth2/token",
            {
                "grant_type": "refresh_token",
                "client_id": self.client_id,
                "refresh_token": refresh_token,
            },
        )

    def post(
        self, path: str, form: dict[str, str] | list[tuple[str, str]], **headers: str
    ) -> tuple[int, dict[str, Any]]:
        return self._fetch(path, urlencode(form).encode(), headers)

    def user_info(self, access_token: str) -> tuple[int, dict[str, Any]]:
        return self._fetch("/oauth2/userInfo", None, {"Authorization": f"Bearer {access_token}"})

    def _fetch(
        self, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        address = self.harness.server.settings.aws_endpoint_url + path
        request = urllib.request.Request(address, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else {}
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)


def hosted_app(harness: UserPoolHarness, **changes: Any) -> App:
    if "Domain" not in harness.admin.describe_user_pool(UserPoolId=harness.pool_id)["UserPool"]:
        harness.admin.create_user_pool_domain(
            UserPoolId=harness.pool_id, Domain=f"d-{harness.client_id}"
        )
    created = harness.create_client(**(HOSTED | changes))
    browser = Browser(harness.server.settings.aws_port)
    return App(harness, browser, created["ClientId"], created.get("ClientSecret"))


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
