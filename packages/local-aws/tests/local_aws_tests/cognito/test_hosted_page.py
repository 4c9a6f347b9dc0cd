"""The hosted sign-in page: sign-ins, redirects, and attacks by pages of other sites."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local_aws_tests.cognito.hosted import (
    APP_CALLBACK,
    CALLBACK,
    HOSTED,
    SIGNED_OUT,
    App,
    hosted_app,
)
from local_aws_tests.cognito.user_pool_harness import EMAIL, PASSWORD, UserPoolHarness

INCORRECT = "Incorrect username or password."


@pytest.fixture
def app(harness: UserPoolHarness) -> App:
    harness.signed_in()
    return hosted_app(harness)


def test_the_right_password_redirects_to_the_app(app: App) -> None:
    page = app.login_page()
    assert page.status == 200
    assert page.form.visible == ["username", "password"]
    back = app.browser.fill(page, username=EMAIL.upper(), password=PASSWORD)
    assert back.location.startswith(f"{CALLBACK}?")
    assert back.told.keys() == {"code", "state"}
    assert back.told["state"] == "s1"


def test_a_wrong_password_shows_the_page_again(app: App) -> None:
    page = app.sign_in(password="Wrong-Horse-77")
    assert page.status == 400
    assert page.form.alert == INCORRECT
    assert page.form.values["username"] == EMAIL
    assert PASSWORD not in page.text
    assert "code" in app.browser.fill(page, username=EMAIL, password=PASSWORD).told


def test_an_unknown_user_sees_the_same_page_as_a_wrong_password(app: App) -> None:
    assert app.sign_in(email="nobody@example.org").form.alert == INCORRECT


def test_guessing_on_the_page_locks_out(app: App) -> None:
    for _ in range(5):
        app.sign_in(password="Wrong-Horse-77")
    assert app.sign_in().form.alert == "Password attempts exceeded"


def test_a_disabled_user_is_refused(app: App) -> None:
    app.harness.admin.admin_disable_user(UserPoolId=app.harness.pool_id, Username=EMAIL)
    assert app.sign_in().form.alert == "User is disabled."


def test_an_invited_user_chooses_a_password(app: App) -> None:
    email = "eve@example.org"
    app.harness.admin.admin_create_user(UserPoolId=app.harness.pool_id, Username=email)
    page = app.sign_in(email, app.harness.code(email))
    assert page.form.visible == ["NEW_PASSWORD"]
    page = app.browser.fill(page, NEW_PASSWORD="short")
    assert page.form.alert.startswith("Password did not conform with policy")
    assert "code" in app.browser.fill(page, NEW_PASSWORD="Another-Horse-7").told
    assert app.harness.sign_in(email, "Another-Horse-7")["AuthenticationResult"]


def test_a_user_with_an_authenticator_app_enters_its_code(app: App) -> None:
    harness = app.harness
    harness.server.clock.stop()
    harness.require_mfa("OPTIONAL")
    token = harness.sign_in()["AuthenticationResult"]["AccessToken"]
    secret = harness.public.associate_software_token(AccessToken=token)["SecretCode"]
    harness.public.verify_software_token(AccessToken=token, UserCode=harness.app_code(secret))
    harness.public.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True}
    )
    harness.server.clock.advance(30)
    page = app.sign_in()
    assert page.form.visible == ["SOFTWARE_TOKEN_MFA_CODE"]
    page = app.browser.fill(page, SOFTWARE_TOKEN_MFA_CODE="000000")
    assert page.form.alert == "Invalid code received for user"
    back = app.browser.fill(page, SOFTWARE_TOKEN_MFA_CODE=f" {harness.app_code(secret)}")
    assert "code" in back.told


def test_a_session_of_another_client_is_refused(app: App) -> None:
    """Check that the page answers only challenges of its own client, as RespondToAuthChallenge
    does.
    """
    email = "eve@example.org"
    app.harness.admin.admin_create_user(UserPoolId=app.harness.pool_id, Username=email)
    other = hosted_app(app.harness)
    theirs = other.sign_in(email, app.harness.code(email)).form.values
    page = app.login_page()
    given = page.form.values | {"challenge": "NEW_PASSWORD_REQUIRED", "session": theirs["session"]}
    answer = app.browser.post(page.form.action, given | {"NEW_PASSWORD": "Another-Horse-7"})
    assert answer.form.alert == "Invalid session for the user."


def test_a_pool_that_requires_an_app_says_that_the_page_cannot_set_one_up(app: App) -> None:
    app.harness.require_mfa("ON")
    page = app.sign_in()
    assert page.status == 501
    assert "MFA_SETUP" in page.text


def test_a_signed_in_browser_needs_no_password(app: App) -> None:
    first = app.code()
    assert app.authorize(state="s2").told["state"] == "s2"
    assert app.authorize().told["code"] != first
    second_app = hosted_app(app.harness)
    second_app.browser = app.browser
    assert "code" in second_app.authorize().told


def test_the_page_asks_for_the_password_after_an_hour(app: App) -> None:
    app.code()
    app.harness.server.clock.advance(3600)
    assert urlsplit(app.authorize().location).path == "/login"


@pytest.mark.parametrize("end", ["admin_disable_user", "admin_delete_user"])
def test_the_page_asks_for_the_password_once_the_account_is_deleted(app: App, end: str) -> None:
    app.code()
    getattr(app.harness.admin, end)(UserPoolId=app.harness.pool_id, Username=EMAIL)
    assert urlsplit(app.authorize().location).path == "/login"


def test_a_session_belongs_to_one_pool(app: App) -> None:
    app.code()
    app.harness.create_pool()
    elsewhere = hosted_app(app.harness)
    elsewhere.browser = app.browser
    assert urlsplit(elsewhere.authorize().location).path == "/login"


def test_prompt_forces_or_forbids_the_page(app: App) -> None:
    assert app.authorize(prompt="none").told == {"error": "login_required", "state": "s1"}
    app.code()
    assert "code" in app.authorize(prompt="none").told
    assert urlsplit(app.authorize(prompt="login").location).path == "/login"


def test_signing_out_ends_the_session(app: App) -> None:
    app.code()
    assert (
        app.browser.get(f"/logout?client_id={app.client_id}&logout_uri={SIGNED_OUT}").location
        == SIGNED_OUT
    )
    assert urlsplit(app.authorize().location).path == "/login"


def test_signing_out_ends_the_session_not_just_the_cookie(app: App) -> None:
    app.code()
    stolen = dict(app.browser.cookies)
    app.browser.get(f"/logout?client_id={app.client_id}&logout_uri={SIGNED_OUT}")
    app.browser.cookies = stolen
    assert urlsplit(app.authorize().location).path == "/login"


def test_a_sign_out_can_lead_to_a_new_sign_in(app: App) -> None:
    app.code()
    page = app.browser.get(app.browser.get(f"/logout?{app.query()}").location)
    assert page.form.visible == ["username", "password"]


@pytest.mark.parametrize(
    "query", ["", "client_id=nobody", "client_id={}", "client_id={}&logout_uri=https://evil.test/"]
)
def test_sign_out_redirects_only_to_registered_addresses(app: App, query: str) -> None:
    app.code()
    page = app.browser.get("/logout?" + query.format(app.client_id))
    assert page.status == 400
    assert "location" not in page.headers
    assert "code" in app.authorize().told


@pytest.mark.parametrize("where", ["authorize", "login"])
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.test/"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CALLBACK.upper()},
    ],
)
def test_an_unregistered_redirect_address_is_refused(
    app: App, where: str, changes: dict[str, str | None]
) -> None:
    app.code()
    page = app.authorize(**changes)
    if where == "login":
        page = app.browser.get(f"/login?{app.query(**changes)}")
    assert page.status == 400
    assert "location" not in page.headers


def test_a_duplicate_parameter_is_refused(app: App) -> None:
    assert app.browser.get(f"/oauth2/authorize?{app.query()}&redirect_uri={CALLBACK}").status == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "id_token"}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"scope": "openid phone"}, "invalid_scope"),
        ({"scope": "openid atrium/users.write"}, "invalid_scope"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"identity_provider": "Google"}, "invalid_request"),
    ],
)
def test_an_invalid_request_is_reported_to_the_app(
    app: App, changes: dict[str, str | None], error: str
) -> None:
    page = app.authorize(**changes)
    assert page.location.startswith(f"{CALLBACK}?")
    assert page.told == {"error": error, "state": "s1"}


@pytest.mark.parametrize("off", [{"AllowedOAuthFlowsUserPoolClient": False}, {"CallbackURLs": []}])
def test_a_client_without_the_flow_has_no_page(app: App, off: dict[str, Any]) -> None:
    app.harness.admin.update_user_pool_client(
        UserPoolId=app.harness.pool_id, ClientId=app.client_id, **(HOSTED | off)
    )
    assert app.authorize().status == 400


def test_a_client_without_the_code_flow_is_refused(app: App) -> None:
    machine = {"AllowedOAuthFlows": ["client_credentials"], "GenerateSecret": True}
    app.client_id = app.harness.create_client(**HOSTED | machine)["ClientId"]
    assert app.authorize().told["error"] == "unauthorized_client"


def test_a_pool_without_a_domain_has_no_page(app: App) -> None:
    app.harness.create_pool()
    app.client_id = app.harness.create_client(**HOSTED)["ClientId"]
    page = app.authorize()
    assert page.status == 400
    assert "no domain" in page.text


def test_an_apps_own_scheme_and_query_are_kept(app: App) -> None:
    back = app.sign_in(redirect_uri=APP_CALLBACK)
    assert back.location.startswith(f"{APP_CALLBACK}&code=")


AWKWARD = "a&b=c#d e+f%20\"'<script>\r\nSet-Cookie: x=y"


def test_an_unusual_state_is_returned_unchanged(app: App) -> None:
    back = app.sign_in(state=AWKWARD)
    assert back.told["state"] == AWKWARD
    assert dict(parse_qsl(urlsplit(back.location).query))["state"] == AWKWARD


def test_input_is_escaped_in_html(app: App) -> None:
    page = app.login_page(state=AWKWARD, login_hint='"><script>alert(1)</script>')
    assert "<script>" not in page.text
    assert page.form.values["username"] == '"><script>alert(1)</script>'
    page = app.sign_in(email='"><script>alert(1)</script>', password="x")
    assert "<script>" not in page.text
    page = app.authorize(client_id="<script>alert(1)</script>")
    assert "<script>" not in page.text
    page = app.browser.get(f'/login?{app.query()}&raw="><script>alert(1)</script>')
    assert page.status == 200
    assert "<script>" not in page.text


def test_the_page_loads_nothing_and_cannot_be_framed(app: App) -> None:
    page = app.login_page()
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert not any(word in page.text for word in ("src=", "href=", "<script", "url(", "@import"))
    assert '<html lang="en">' in page.text


def no_cookie(app: App) -> None:
    app.browser.cookies.clear()


def other_cookie(app: App) -> None:
    app.browser.cookies = dict.fromkeys(app.browser.cookies, "chosen-by-someone")


@pytest.mark.parametrize("attack", [no_cookie, other_cookie])
def test_a_form_of_another_site_is_refused(app: App, attack: Callable[[App], None]) -> None:
    page = app.login_page()
    attack(app)
    refused = app.browser.fill(page, username=EMAIL, password=PASSWORD)
    assert refused.status == 403
    assert "code" in app.browser.fill(refused, username=EMAIL, password=PASSWORD).told


def test_a_form_without_its_csrf_token_is_refused(app: App) -> None:
    page = app.login_page()
    given = {"username": EMAIL, "password": PASSWORD}
    assert app.browser.post(page.form.action, given).status == 403
    assert app.browser.post(page.form.action, given | {"form": "x"}).status == 403
    app.browser.cookies.clear()
    assert app.browser.post(page.form.action, given | {"form": ""}).status == 403


def test_two_open_tabs_both_work(app: App) -> None:
    first, second = app.login_page(state="one"), app.login_page(state="two")
    assert app.browser.fill(second, username=EMAIL, password=PASSWORD).told["state"] == "two"
    assert app.browser.fill(first, username=EMAIL, password=PASSWORD).told["state"] == "one"
