"""The page's two cookies: the browser session and the CSRF token.

Browsers share cookies between the ports of a host, so the names include the port. This separates
two stacks on one laptop.

The cookies lack `Secure`, because the page is plain HTTP on loopback.
"""

import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web

from local_aws.cognito import pools
from local_aws.cognito.pools import Pool, User
from local_aws.cognito.service import Service
from local_aws.cognito.state import BrowserSession

SESSION_LIFETIME = 3600  # seconds, as on AWS


def sign_in(service: Service, user: User) -> tuple[str, BrowserSession]:
    """Create a session and return it with the cookie's value."""
    now = service.clock()
    live = {
        cookie: each
        for cookie, each in service.state.browser_sessions.items()
        if each.expires_at > now
    }
    cookie = secrets.token_urlsafe(32)
    live[cookie] = BrowserSession(user.id, int(now), now + SESSION_LIFETIME)
    service.state.browser_sessions = live
    return cookie, live[cookie]


def remember(service: Service, response: web.Response, cookie: str) -> None:
    _set(response, _session_name(service), cookie, SESSION_LIFETIME)


def current(service: Service, request: web.Request, pool: Pool) -> BrowserSession | None:
    """Return the user signed in at this pool, if the account still exists and is enabled."""
    session = service.state.browser_sessions.get(request.cookies.get(_session_name(service), ""))
    if session is None or session.expires_at <= service.clock():
        return None
    user = pools.find_user_by_sub(pool, session.sub)
    return session if user is not None and user.enabled else None


def sign_out(service: Service, request: web.Request, response: web.Response) -> None:
    service.state.browser_sessions.pop(request.cookies.get(_session_name(service), ""), None)
    response.del_cookie(_session_name(service), path="/")


def form_token(service: Service, request: web.Request) -> str:
    """Return the CSRF token of the hidden field and the cookie.

    It is reused while it is valid, so that two open tabs both work.
    """
    return request.cookies.get(_form_name(service)) or secrets.token_urlsafe(32)


def remember_form(service: Service, response: web.Response, token: str) -> None:
    _set(response, _form_name(service), token, SESSION_LIFETIME)


def is_own_form(service: Service, request: web.Request, token: str) -> bool:
    """Return True if the form's token equals the cookie's.

    A page of another site can send the form, but it can neither read nor set the cookie.
    """
    kept = request.cookies.get(_form_name(service), "")
    return bool(kept) and hmac.compare_digest(kept.encode(), token.encode())


def _set(response: web.Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, samesite="Lax")


def _session_name(service: Service) -> str:
    return f"cognito-{urlsplit(service.endpoint_url).port}"


def _form_name(service: Service) -> str:
    return f"cognito-form-{urlsplit(service.endpoint_url).port}"
