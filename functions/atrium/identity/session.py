"""Verification of access tokens against the user's META item on every request; fails closed.

Requests that only read accept a META that was read at most CACHE_SECONDS ago. Requests that change
something do not.
"""

import time
from collections.abc import Mapping

import msgspec

from atrium.http.problem import Problem, unavailable
from atrium.http.request import Claims
from atrium.identity import mfa, token_size
from atrium.runtime import clock
from atrium.runtime.clock import Moment
from atrium.stores import user_table
from atrium.stores.authority import TokenStaleError

CACHE_SECONDS = 30  # how long a revoked token may still work in a container that has seen it
_CACHE_ENTRIES = 2048

cache: dict[str, tuple[Moment, user_table.Meta]] = {}
"""Values that a container keeps between requests. Tests clear it."""


def verify(token: Mapping[str, str], *, current: bool = False) -> Claims:
    """Return the claims of an access token that the gateway's authorizer has accepted.

    `current` compares them with META as the table has it now, and never with the cache.

    Raise 401 `token_unusable` for a token that is not one of our access tokens. Raise 401
    `session_ended` if the session was ended. Raise 401 `token_stale` if the user's rights or
    status have changed, a role has ended, or the user is gone. Raise 503 if the table cannot be
    read.
    """
    claims = claims_of(token)
    if claims.roles_until is not None and claims.roles_until <= time.time():
        raise TokenStaleError
    meta = None if current else _cached(claims.uid)
    if meta is None or not meta.confirms(claims):
        meta = _read(claims.uid)
    if meta is not None and meta.has_ended(claims):
        raise Problem(401, "session_ended", "This session was ended. Sign in again.")
    if meta is None or not meta.confirms(claims):
        raise TokenStaleError
    return _without(mfa.withheld(has_mfa=meta.mfa), claims)


def _without(withheld: mfa.Names, claims: Claims) -> Claims:
    """Return the claims without roles that need MFA, which an older token may name."""
    if not withheld:
        return claims
    roles = tuple(role for role in claims.roles if role not in withheld)
    needs_mfa = claims.needs_mfa or len(roles) < len(claims.roles)
    return msgspec.structs.replace(claims, roles=roles, withheld=withheld, needs_mfa=needs_mfa)


def claims_of(token: Mapping[str, str]) -> Claims:
    if token.get("token_use") != "access":
        raise Problem(
            401,
            "token_unusable",
            "This is not an access token. Send the access token of the sign-in.",
        )
    # Only our trigger adds `subject_type`. Cognito gives a service's token no `origin_jti`.
    is_service = token.get("subject_type") == "service"
    try:
        return Claims(
            uid=token["uid"],
            sub=token["sub"],
            roles=tuple(token.get("roles", "").split()),
            scopes=frozenset(token.get("scope", "").split()),
            access_epoch=int(token["access_epoch"]),
            auth_time=int(token["auth_time"]),
            session=token["jti" if is_service else "origin_jti"],
            roles_until=int(token["roles_until"]) if "roles_until" in token else None,
            role_generations=token_size.generations(token.get("role_generations", "")),
            is_service=is_service,
            needs_mfa="needs_mfa" in token,
            needs_consent="needs_consent" in token,
        )
    except (KeyError, ValueError):
        raise Problem(
            401, "token_unusable", "The token lacks required claims. Sign in again."
        ) from None


def _cached(uid: str) -> user_table.Meta | None:
    # A cached item that disagrees with the token proves nothing: the token may be newer. verify()
    # then reads the table, so a grant works at once with the token that carries it.
    read_at, meta = cache.get(uid, (clock.NEVER, None))
    return meta if clock.since(read_at) < CACHE_SECONDS else None


def _read(uid: str) -> user_table.Meta | None:
    asked_at = clock.now()  # the start of the read: the answer may be that old
    try:
        meta = user_table.meta(uid)
    except user_table.TableUnavailableError as error:
        raise unavailable("The table of user attributes") from error
    if len(cache) >= _CACHE_ENTRIES:
        cache.clear()
    if meta is None:
        cache.pop(uid, None)
    else:
        cache[uid] = (asked_at, meta)
    return meta
