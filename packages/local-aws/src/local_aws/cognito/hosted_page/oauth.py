"""The app's endpoints: /oauth2/token, /oauth2/userInfo and /oauth2/revoke.

https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html
https://docs.aws.amazon.com/cognito/latest/developerguide/revocation-endpoint.html
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Mapping
from typing import Any

import msgspec
from aiohttp import BasicAuth, web

from local_aws.cognito import (
    attributes,
    client_secrets,
    clients,
    cors,
    flows,
    pools,
    refreshing,
    sessions,
    tokens,
)
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.pools import Client, Pool
from local_aws.cognito.service import Service
from local_aws.cognito.state import AuthorizationCode

HEADERS = {"Cache-Control": "no-store", **cors.ANY_ORIGIN}


class OAuthError(Exception):
    """An error of RFC 6749, section 5.2."""

    def __init__(self, code: str, description: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.status = status


async def token(service: Service, request: web.Request) -> web.Response:
    form = await _form(request)
    pool, client = _authenticated_client(service, request, form)
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return _granted(await _exchange(service, pool, client, form))
    if kind == "refresh_token":
        return _granted(await _refresh(service, pool, client, form))
    if kind == "client_credentials":
        return _granted(await _issue(_to_client(service, pool, client, form)))
    raise OAuthError("unsupported_grant_type" if kind else "invalid_request")


async def _to_client(
    service: Service, pool: Pool, client: Client, form: Mapping[str, str]
) -> dict[str, Any]:
    """Issue a token to the client itself, with the scopes of resource servers that it may have."""
    if "client_credentials" not in (client.extended_config.get("AllowedOAuthFlows") or []):
        raise OAuthError("unauthorized_client")
    allowed: list[str] = client.extended_config.get("AllowedOAuthScopes") or []
    custom = [scope for scope in allowed if scope not in clients.STANDARD_SCOPES]
    asked = list(dict.fromkeys(form.get("scope", "").split())) or custom
    if not set(asked) <= set(custom):
        raise OAuthError("invalid_scope")
    metadata = _client_metadata(form.get("aws_client_metadata"))
    return await tokens.issue_to_client(service, pool, client, asked, metadata)


def _client_metadata(given: str | None) -> dict[str, str] | None:
    try:
        return msgspec.json.decode(given, type=dict[str, str]) if given else None
    except msgspec.MsgspecError as error:
        raise OAuthError("invalid_request", "aws_client_metadata must be a JSON object.") from error


async def _exchange(
    service: Service, pool: Pool, client: Client, form: Mapping[str, str]
) -> dict[str, Any]:
    if "code" not in (client.extended_config.get("AllowedOAuthFlows") or []):
        raise OAuthError("unauthorized_client")
    granted = _take_code(service, client, _required(form, "code"))
    if granted.redirect_uri != _required(form, "redirect_uri"):
        raise OAuthError("invalid_grant")
    _check_verifier(granted, form.get("code_verifier"))
    user = pools.find_user_by_sub(pool, granted.sub)
    if user is None or not user.enabled:
        raise OAuthError("invalid_grant")
    sign_in, refresh_token = sessions.start(service, pool, client, user, granted)
    source = "TokenGeneration_HostedAuth"
    result = await _issue(
        tokens.issue(service, pool, client, user, sign_in, source, None, granted.nonce)
    )
    return result | {"RefreshToken": refresh_token}


def _take_code(service: Service, client: Client, code: str) -> AuthorizationCode:
    """Take a code, which is valid for one attempt of the client that received it."""
    granted = service.state.authorization_codes.get(code)
    if granted is None or granted.client_id != client.id:
        raise OAuthError("invalid_grant")
    del service.state.authorization_codes[code]
    if granted.expires_at <= service.clock():
        raise OAuthError("invalid_grant")
    return granted


def _check_verifier(granted: AuthorizationCode, verifier: str | None) -> None:
    """Check the PKCE verifier.

    It is required if the authorization request had a challenge, and forbidden otherwise (RFC 9700,
    2.1.1).
    """
    if (granted.code_challenge is None) != (verifier is None):
        raise OAuthError("invalid_grant")
    if granted.code_challenge and verifier:
        digest = (
            base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
            .decode()
            .rstrip("=")
        )
        if not hmac.compare_digest(digest, granted.code_challenge):
            raise OAuthError("invalid_grant")


async def _refresh(
    service: Service, pool: Pool, client: Client, form: Mapping[str, str]
) -> dict[str, Any]:
    refresh_token = _required(form, "refresh_token")
    if not tokens.is_rotating(client.extended_config):
        try:
            flows.require_allowed(client, "REFRESH_TOKEN_AUTH")
        except CognitoError as error:
            raise OAuthError("unauthorized_client") from error
    return await _issue(refreshing.refresh(service, pool, client, refresh_token))


async def _issue(issuing: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Issue tokens, or return the error of pre_token_generation to the app."""
    try:
        return await issuing
    except CognitoError as error:
        raise OAuthError("invalid_grant", error.message) from error


def _granted(result: dict[str, Any]) -> web.Response:
    names = {
        "AccessToken": "access_token",
        "IdToken": "id_token",
        "RefreshToken": "refresh_token",
        "ExpiresIn": "expires_in",
        "TokenType": "token_type",
    }
    return web.json_response(
        {names[name]: value for name, value in result.items()}, headers=HEADERS
    )


async def user_info(service: Service, request: web.Request) -> web.Response:
    kind, _, access_token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not access_token:
        return _bad_bearer(400, "invalid_request", "Bad OAuth2 request at UserInfo Endpoint")
    try:
        _, client, user, scopes = sessions.bearer(service, access_token.strip())
    except CognitoError:
        reason = (
            "Access token is expired, disabled, or deleted, or the user has globally signed out."
        )
        return _bad_bearer(401, "invalid_token", reason)
    if "openid" not in scopes:
        return _bad_bearer(401, "invalid_token", "Access token does not contain openid scope")
    known = attributes.in_scopes(attributes.readable(client, user), scopes)
    return web.json_response({**known, "username": user.username}, headers=HEADERS)


def _bad_bearer(status: int, code: str, description: str) -> web.Response:
    challenge = f'Bearer error="{code}", error_description="{description}"'
    headers = {"WWW-Authenticate": challenge, **HEADERS}
    return web.json_response(
        {"error": code, "error_description": description}, status=status, headers=headers
    )


async def revoke(service: Service, request: web.Request) -> web.Response:
    form = await _form(request)
    _, client = _authenticated_client(service, request, form)
    try:
        sessions.revoke(service, client, _required(form, "token"))
    except CognitoError as error:
        known = {
            "UnsupportedTokenTypeException": "unsupported_token_type",
            "UnauthorizedException": "invalid_client",
        }
        raise OAuthError(known.get(error.code, "invalid_request"), error.message) from error
    return web.Response(headers=HEADERS)


async def _form(request: web.Request) -> dict[str, str]:
    """Read the form; raise OAuthError for another content type or a repeated parameter."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "Send application/x-www-form-urlencoded.")
    given = await request.post()
    if len(set(given)) != len(given):
        raise OAuthError("invalid_request", "A parameter is given more than once.")
    return {name: value for name, value in given.items() if isinstance(value, str) and value}


def _authenticated_client(
    service: Service, request: web.Request, form: Mapping[str, str]
) -> tuple[Pool, Client]:
    """Authenticate the client by HTTP Basic or by the form.

    A client with a secret must send it; a client without one must not send any.
    """
    client_id, secret = form.get("client_id", ""), form.get("client_secret")
    if "Authorization" in request.headers:
        client_id, secret = _basic(request.headers["Authorization"])
    try:
        pool, client = pools.find_client(client_id)
    except CognitoError as error:
        raise OAuthError("invalid_client") from error
    if not client_secrets.is_proved(service, client, secret):
        raise OAuthError("invalid_client")
    if not pool.domain or not client.extended_config.get("AllowedOAuthFlowsUserPoolClient"):
        raise OAuthError("unauthorized_client")
    return pool, client


def _basic(header: str) -> tuple[str, str]:
    try:
        given = BasicAuth.decode(header, encoding="utf-8")
    except ValueError as error:
        raise OAuthError("invalid_client") from error
    return given.login, given.password


def _required(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise OAuthError("invalid_request", f"{name} is missing.")
    return form[name]


def refused(error: OAuthError) -> web.Response:
    body = {"error": error.code} | (
        {"error_description": error.description} if error.description else {}
    )
    return web.json_response(body, status=error.status, headers=HEADERS)
