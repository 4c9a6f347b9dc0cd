"""The routes of the hosted page and the form of their errors."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from local_aws.cognito import cors
from local_aws.cognito.errors import NotEmulatedError
from local_aws.cognito.hosted_page import login, oauth, page
from local_aws.cognito.hosted_page.authorization import RefusedRequestError, UntrustedRequestError
from local_aws.cognito.hosted_page.oauth import OAuthError
from local_aws.cognito.service import Service

Answer = Callable[[Service, web.Request], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


def routes(service: Service) -> list[web.RouteDef]:
    return [
        web.get("/oauth2/authorize", _for_browsers(service, login.authorize)),
        web.get("/login", _for_browsers(service, login.show)),
        web.post("/login", _for_browsers(service, login.submit)),
        web.get("/logout", _for_browsers(service, login.leave)),
        web.post("/oauth2/token", _for_apps(service, oauth.token)),
        web.get("/oauth2/userInfo", _for_apps(service, oauth.user_info)),
        web.post("/oauth2/userInfo", _for_apps(service, oauth.user_info)),
        web.post("/oauth2/revoke", _for_apps(service, oauth.revoke)),
        *cors.preflights(
            "/oauth2/token",
            "/oauth2/userInfo",
            "/oauth2/revoke",
            headers=("authorization", "content-type"),
        ),
    ]


def discovery(service: Service) -> dict[str, object]:
    base = service.endpoint_url
    return {
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "end_session_endpoint": f"{base}/logout",
        "response_types_supported": ["code"],
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "token_endpoint": f"{base}/oauth2/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "userinfo_endpoint": f"{base}/oauth2/userInfo",
    }


def _for_browsers(service: Service, answer: Answer) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await answer(service, request)
        except UntrustedRequestError as error:
            return page.message("This sign-in cannot continue", str(error), 400)
        except RefusedRequestError as error:
            return login.redirect(error.location)
        except NotEmulatedError as error:
            text = f"cognito-idp: not emulated: {error}. docs/fidelity.md lists what is emulated."
            return page.message("Not emulated", text, 501)

    return handle


def _for_apps(service: Service, answer: Answer) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await answer(service, request)
        except OAuthError as error:
            return oauth.refused(error)

    return handle
