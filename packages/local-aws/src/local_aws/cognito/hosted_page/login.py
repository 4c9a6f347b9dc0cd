"""The browser's endpoints: /oauth2/authorize, /login and /logout.

https://docs.aws.amazon.com/cognito/latest/developerguide/login-endpoint.html
https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
"""

from collections.abc import Mapping

from aiohttp import web

from local_aws.cognito import challenges, mfa, pools
from local_aws.cognito.challenges import NEW_PASSWORD, Outcome, Pending
from local_aws.cognito.errors import CognitoError, NotEmulatedError
from local_aws.cognito.hosted_page import authorization, browser, page
from local_aws.cognito.hosted_page.authorization import AuthorizationRequest
from local_aws.cognito.hosted_page.page import Field, Form
from local_aws.cognito.service import Service

USERNAME = Field("username", "E-mail or user name", "text", "username")
PASSWORD = Field("password", "Password", "password", "current-password")
# The form fields of each challenge, by their names in RespondToAuthChallenge.
ASKED = {
    NEW_PASSWORD: Field("NEW_PASSWORD", "New password", "password", "new-password"),
    mfa.SOFTWARE_TOKEN: Field(
        "SOFTWARE_TOKEN_MFA_CODE", "Code of your authenticator app", "text", "one-time-code"
    ),
}
STALE_FORM = "This form is no longer valid. Please try again."


async def authorize(service: Service, request: web.Request) -> web.Response:
    asked = authorization.parse(request.query)
    session = None if asked.prompt == "login" else browser.current(service, request, asked.pool)
    if session is not None:
        return redirect(authorization.grant(service, asked, session))
    if asked.prompt == "none":
        return redirect(asked.callback(error="login_required"))
    return redirect(_login_address(request))


async def show(service: Service, request: web.Request) -> web.Response:
    asked = authorization.parse(request.query)
    return _ask(service, request, asked, (_known(USERNAME, asked.login_hint), PASSWORD), {})


async def submit(service: Service, request: web.Request) -> web.Response:
    asked = authorization.parse(request.query)
    given = {
        name: value for name, value in (await request.post()).items() if isinstance(value, str)
    }
    name = given.get("challenge", "")
    fields = (
        (ASKED[name],) if name in ASKED else (_known(USERNAME, given.get("username", "")), PASSWORD)
    )
    hidden = {"challenge": name, "session": given.get("session", "")} if name in ASKED else {}
    if not browser.is_own_form(service, request, given.get("form", "")):
        return _ask(service, request, asked, fields, hidden, STALE_FORM, status=403)
    try:
        outcome = _attempt(service, asked, given)
    except CognitoError as error:
        return _ask(service, request, asked, fields, hidden, error.message, status=400)
    if isinstance(outcome, Pending):
        return _ask_more(service, request, asked, outcome)
    cookie, session = browser.sign_in(service, outcome.user)
    response = redirect(authorization.grant(service, asked, session))
    browser.remember(service, response, cookie)
    return response


def _attempt(service: Service, asked: AuthorizationRequest, given: Mapping[str, str]) -> Outcome:
    if given.get("challenge") in ASKED:
        field = ASKED[given["challenge"]].name
        responses = {field: given.get(field, "")}
        return challenges.answer(
            service, asked.client, given["challenge"], given.get("session", ""), responses
        )
    username, password = given.get("username", "").strip(), given.get("password", "")
    user = challenges.prove_password(service, asked.pool, asked.client, username, password)
    return challenges.after_password(service, asked.pool, asked.client, user)


def _ask_more(
    service: Service, request: web.Request, asked: AuthorizationRequest, pending: Pending
) -> web.Response:
    if pending.name not in ASKED:
        raise NotEmulatedError(f"the challenge {pending.name} on the sign-in page")
    hidden = {"challenge": pending.name, "session": pending.session}
    return _ask(service, request, asked, (ASKED[pending.name],), hidden)


def _ask(
    service: Service,
    request: web.Request,
    asked: AuthorizationRequest,
    fields: tuple[Field, ...],
    hidden: dict[str, str],
    error: str = "",
    status: int = 200,
) -> web.Response:
    token = browser.form_token(service, request)
    title = f"Sign in to {asked.pool.name}"
    form = Form(
        title, fields, "Continue", _login_address(request), {"form": token, **hidden}, error
    )
    response = page.form(form, status)
    browser.remember_form(service, response, token)
    return response


def _known(field: Field, value: str) -> Field:
    return Field(field.name, field.label, field.kind, field.autocomplete, value)


async def leave(service: Service, request: web.Request) -> web.Response:
    """Sign out and redirect to a registered `logout_uri`, or to the page for another sign-in."""
    try:
        _, client = pools.find_client(request.query.get("client_id", ""))
    except CognitoError as error:
        raise authorization.UntrustedRequestError(error.message) from error
    target = request.query.get("logout_uri", "")
    if target:
        if target not in (client.extended_config.get("LogoutURLs") or []):
            raise authorization.UntrustedRequestError(
                f"{target!r} (logout_uri) is not exactly one of the client's sign-out URLs."
            )
        response = redirect(target)
    else:
        authorization.parse(request.query)
        response = redirect(_login_address(request))
    browser.sign_out(service, request, response)
    return response


def _login_address(request: web.Request) -> str:
    """Return the address of the page with the original query, still percent-encoded."""
    return f"/login?{request.rel_url.raw_query_string}"


def redirect(location: str) -> web.Response:
    """Redirect without aiohttp's HTTPFound, which would rewrite an app's custom URI scheme."""
    return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})
