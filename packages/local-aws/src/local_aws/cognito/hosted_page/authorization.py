"""Authorization requests and authorization codes (RFC 6749, RFC 7636).

https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html
"""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from multidict import MultiMapping

from local_aws.cognito import pools
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.pools import Client, Pool
from local_aws.cognito.service import Service
from local_aws.cognito.state import AuthorizationCode, BrowserSession

CODE_LIFETIME = 300  # seconds
CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256
PARAMETERS = (
    *(
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "nonce",
        "prompt",
        "login_hint",
    ),
    *("code_challenge", "code_challenge_method", "identity_provider"),
)


class UntrustedRequestError(Exception):
    """A request without a trusted redirect address: the page shows the error to the user."""


class RefusedRequestError(Exception):
    """A rejected request: the browser takes the error to the app's callback."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass(frozen=True)
class AuthorizationRequest:
    pool: Pool
    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str | None
    prompt: str | None
    login_hint: str

    def callback(self, **parameters: str) -> str:
        return callback(self.redirect_uri, self.state, **parameters)


def callback(redirect_uri: str, state: str | None, **parameters: str) -> str:
    query = urlencode(parameters if state is None else parameters | {"state": state})
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"


def parse(query: MultiMapping[str]) -> AuthorizationRequest:
    """Parse an authorization request; raise UntrustedRequestError or RefusedRequestError."""
    given = {name: query[name] for name in PARAMETERS if query.get(name)}
    repeated = [name for name in PARAMETERS if len(query.getall(name, [])) > 1]
    if repeated:
        raise UntrustedRequestError(f"The parameter {repeated[0]} is given more than once.")
    pool, client = _client(given.get("client_id", ""))
    redirect_uri = _redirect_uri(client, given.get("redirect_uri", ""))
    state = given.get("state")
    problem = _problem(client, given)
    if problem:
        raise RefusedRequestError(callback(redirect_uri, state, error=problem))
    return AuthorizationRequest(
        pool,
        client,
        redirect_uri,
        tuple(dict.fromkeys(given.get("scope", "").split())) or tuple(_allowed_scopes(client)),
        state,
        given.get("nonce"),
        given.get("code_challenge"),
        given.get("prompt"),
        given.get("login_hint", ""),
    )


def _client(client_id: str) -> tuple[Pool, Client]:
    try:
        pool, client = pools.find_client(client_id)
    except CognitoError as error:
        raise UntrustedRequestError(f"There is no app client {client_id!r} (client_id).") from error
    if not pool.domain:
        raise UntrustedRequestError(
            "This pool has no sign-in page, because it has no domain. "
            "Add an aws_cognito_user_pool_domain."
        )
    if not client.extended_config.get("AllowedOAuthFlowsUserPoolClient"):
        raise UntrustedRequestError(
            "This app client cannot use OAuth. Set allowed_oauth_flows_user_pool_client."
        )
    return pool, client


def _redirect_uri(client: Client, redirect_uri: str) -> str:
    registered: list[str] = client.extended_config.get("CallbackURLs") or []
    if redirect_uri not in registered:
        raise UntrustedRequestError(
            f"{redirect_uri!r} (redirect_uri) is not exactly one of the client's callback URLs."
        )
    return redirect_uri


def _problem(client: Client, given: dict[str, str]) -> str | None:
    """Return RFC 6749's error code, or None."""
    if given.get("response_type") not in ("code", "token"):
        return "invalid_request"
    if given["response_type"] not in (client.extended_config.get("AllowedOAuthFlows") or []):
        return "unauthorized_client"
    if ("code_challenge" in given) != (given.get("code_challenge_method") == "S256"):
        return "invalid_request"
    if "code_challenge" in given and not CODE_CHALLENGE.fullmatch(given["code_challenge"]):
        return "invalid_request"
    if given.get("identity_provider", "COGNITO") != "COGNITO":
        return "invalid_request"
    return (
        None
        if set(given.get("scope", "").split()) <= set(_allowed_scopes(client))
        else "invalid_scope"
    )


def _allowed_scopes(client: Client) -> Collection[str]:
    scopes: list[str] = client.extended_config.get("AllowedOAuthScopes") or []
    return scopes


def grant(service: Service, request: AuthorizationRequest, session: BrowserSession) -> str:
    """Return the redirect address with the code."""
    now = service.clock()
    live = {
        code: granted
        for code, granted in service.state.authorization_codes.items()
        if granted.expires_at > now
    }
    code = secrets.token_urlsafe(32)
    live[code] = AuthorizationCode(
        request.pool.id,
        request.client.id,
        session.sub,
        session.auth_time,
        request.redirect_uri,
        request.scopes,
        request.code_challenge,
        request.nonce,
        now + CODE_LIFETIME,
    )
    service.state.authorization_codes = live
    return request.callback(code=code)
