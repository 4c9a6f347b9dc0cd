"""Persistent sign-ins: refresh tokens, and the users of access tokens."""

import hashlib
import hmac
import math
import secrets
import uuid

from local_aws.cognito import pools, tokens
from local_aws.cognito.errors import CognitoError, not_authorized
from local_aws.cognito.keys import InvalidTokenError
from local_aws.cognito.pools import Client, Pool, User
from local_aws.cognito.service import Service
from local_aws.cognito.state import AuthorizationCode, SignIn

INVALID = "Invalid Refresh Token"
KEPT = 20  # replaced refresh tokens of a sign-in, whose reuse is recognized


def start(
    service: Service,
    pool: Pool,
    client: Client,
    user: User,
    granted: AuthorizationCode | None = None,
) -> tuple[SignIn, str]:
    """Start a sign-in; return it with its refresh token `origin_jti.secret`.

    Only a digest of the secret is kept. `granted` is the hosted page's grant, if the sign-in
    happened there.
    """
    now = service.clock()
    _forget_expired(service, now)
    secret = secrets.token_urlsafe(48)
    sign_in = SignIn(
        origin_jti=str(uuid.uuid4()),
        pool_id=pool.id,
        client_id=client.id,
        sub=user.id,
        auth_time=granted.auth_time if granted else int(now),
        expires_at=now + tokens.validity(client).refresh,
        refresh_secret=_digest(secret),
        hosted_scopes=granted.scopes if granted else None,
    )
    service.state.sign_ins[sign_in.origin_jti] = sign_in
    return sign_in, f"{sign_in.origin_jti}.{secret}"


def _forget_expired(service: Service, now: float) -> None:
    """Delete tokens one day after they expire.

    Until then an expired token is distinguishable from an unknown one.
    """
    kept = {k: s for k, s in service.state.sign_ins.items() if s.expires_at + 86400 > now}
    service.state.sign_ins = kept


def find(service: Service, refresh_token: str) -> SignIn | None:
    origin_jti, _, secret = refresh_token.partition(".")
    sign_in = service.state.sign_ins.get(origin_jti)
    if sign_in is None:
        return None
    digest = _digest(secret)
    known = (sign_in.refresh_secret, *(replaced for replaced, _ in sign_in.replaced))
    return sign_in if any(hmac.compare_digest(each, digest) for each in known) else None


def resume(
    service: Service,
    pool: Pool,
    client: Client,
    refresh_token: str,
    device_key: str | None = None,
) -> tuple[SignIn, User]:
    """Return the sign-in of a refresh token.

    Raise NotAuthorizedException for a token that is unknown, another client's or device's, revoked
    or expired; RefreshTokenReuseException for a token that rotation replaced.
    """
    sign_in = find(service, refresh_token)
    if sign_in is None or (sign_in.pool_id, sign_in.client_id) != (pool.id, client.id):
        raise not_authorized(INVALID)
    if sign_in.device_key and sign_in.device_key != device_key:
        raise not_authorized(INVALID)
    if sign_in.revoked:
        raise not_authorized("Refresh Token has been revoked")
    if sign_in.expires_at <= service.clock():
        raise not_authorized("Refresh Token has expired")
    if _valid_until(sign_in, refresh_token) <= service.clock():
        message = "Refresh token has been invalidated by rotation."
        raise CognitoError("RefreshTokenReuseException", message)
    user = pools.find_user_by_sub(pool, sign_in.sub)
    if user is None:
        raise not_authorized(INVALID)
    pools.require_enabled(user)
    return sign_in, user


def rotate(service: Service, client: Client, sign_in: SignIn, refresh_token: str) -> str:
    """Replace the refresh token and return the new one, which expires when the first one would.

    The replaced token stays valid for the client's grace period, so that a lost answer can be
    requested again. Tokens from such a second request are valid beside each other.
    """
    settings = client.extended_config["RefreshTokenRotation"]
    end = service.clock() + int(settings.get("RetryGracePeriodSeconds") or 0)
    used, secret = _digest(refresh_token.partition(".")[2]), secrets.token_urlsafe(48)
    replaced = dict(sign_in.replaced)
    if sign_in.refresh_secret != used:
        replaced[sign_in.refresh_secret] = math.inf
    replaced[used] = min(replaced.get(used, math.inf), end)
    sign_in.replaced = tuple(replaced.items())[-KEPT:]
    sign_in.refresh_secret = _digest(secret)
    return f"{sign_in.origin_jti}.{secret}"


def _valid_until(sign_in: SignIn, refresh_token: str) -> float:
    used = _digest(refresh_token.partition(".")[2])
    return dict(sign_in.replaced).get(used, math.inf)


def revoke(service: Service, client: Client, refresh_token: str) -> None:
    """End the sign-in of a refresh token; an unknown token needs no revocation (RFC 7009)."""
    if not client.extended_config.get("EnableTokenRevocation", True):
        raise CognitoError(
            "UnsupportedOperationException", "Token revocation is not enabled for this client"
        )
    if refresh_token.count(".") == 2:
        raise CognitoError("UnsupportedTokenTypeException", "Only refresh tokens can be revoked")
    sign_in = find(service, refresh_token)
    if sign_in is not None:
        if sign_in.client_id != client.id:
            raise CognitoError("UnauthorizedException", "The token was not issued to this client")
        sign_in.revoked = True


def revoke_all(service: Service, pool: Pool, user: User) -> None:
    """End all sign-ins of the user, which invalidates their access and refresh tokens."""
    for sign_in in service.state.sign_ins.values():
        if (sign_in.pool_id, sign_in.sub) == (pool.id, user.id):
            sign_in.revoked = True


def authenticate(service: Service, access_token: str) -> tuple[Pool, Client, User]:
    """Return the user of an access token with the scope for Cognito's own calls.

    Raise NotAuthorizedException, or UserNotFoundException for a deleted user.
    """
    pool, client, user, scopes = bearer(service, access_token)
    if tokens.USER_SCOPE not in scopes:
        raise not_authorized("Access Token does not have required scopes")
    return pool, client, user


def bearer(service: Service, access_token: str) -> tuple[Pool, Client, User, list[str]]:
    """Return the user of an access token and its scopes; raise as `authenticate` does."""
    claims = _access_claims(service, access_token)
    if "origin_jti" not in claims:  # a token of the client-credentials grant
        raise not_authorized("Access Token does not have required scopes")
    sign_in = service.state.sign_ins.get(claims["origin_jti"])
    if sign_in is None:
        raise not_authorized("Access Token has been revoked")
    pool, client = pools.find_client(sign_in.client_id, sign_in.pool_id)
    user = pools.find_user_by_sub(pool, sign_in.sub)
    if user is None:
        raise CognitoError("UserNotFoundException", "User does not exist.")
    if sign_in.revoked:
        raise not_authorized("Access Token has been revoked")
    pools.require_enabled(user)
    return pool, client, user, claims["scope"].split()


def _access_claims(service: Service, access_token: str) -> dict[str, str]:
    try:
        claims = service.key.verify(access_token)
    except InvalidTokenError as error:
        if error.is_malformed:
            raise not_authorized("Invalid Access Token") from error
        raise not_authorized("Could not verify signature for Access Token") from error
    if claims.get("token_use") != "access" or not str(claims.get("iss")).startswith(
        f"{service.endpoint_url}/"
    ):
        raise not_authorized("Invalid Access Token")
    if claims["exp"] <= service.clock():
        raise not_authorized("Access Token has expired")
    return claims


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
