"""The COGNITO_USER_POOLS authorizer of a REST API."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from local_aws.api_gateway.errors import GatewayError, unauthorized
from local_aws.api_gateway.routes import CognitoSecurity

Claims = dict[str, Any]
Jwks = Callable[[str], list[dict[str, Any]]]  # pool id -> its public keys
Issuer = Callable[[str], str]  # pool id -> the `iss` of its tokens

CACHED_TOKENS = 4096

# In the event of a REST API, AWS converts these to the text of java.util.Date, and leaves
# `auth_time` a number.
_DATES = ("exp", "iat")


class CognitoAuthorizer:
    """An authorizer that checks signature, issuer, expiry, token kind and scope.

    Like AWS, it does not check the app client.
    """

    def __init__(self, jwks: Jwks, issuer: Issuer) -> None:
        self._jwks = jwks
        self._issuer = issuer
        # The claims of tokens that were admitted, and the same as text, by token and method.
        self._admitted: dict[tuple[object, ...], tuple[Claims, dict[str, str]]] = {}

    def authorize(self, header: str | None, security: CognitoSecurity) -> dict[str, str]:
        """Return the claims in the form that the function gets.

        Raise a `GatewayError` of type UNAUTHORIZED if the token is invalid. `header` is the
        Authorization header, with or without `Bearer`.
        """
        token = (header or "").strip()
        if token[:7].lower() == "bearer ":
            token = token[7:].strip()
        if not token:
            raise unauthorized("no token")
        key = (token, security.pool_ids, security.scopes)
        admitted = self._admitted.get(key)
        claims, texts = admitted or self._verified(token, security.pool_ids)
        if claims["exp"] <= time.time():
            raise unauthorized("the token has expired", "The incoming token has expired")
        if admitted is None:
            _require_use(claims, security.scopes)
            if len(self._admitted) >= CACHED_TOKENS:
                self._admitted.clear()
            self._admitted[key] = claims, texts
        return dict(texts)

    def _verified(self, token: str, pool_ids: Sequence[str]) -> tuple[Claims, dict[str, str]]:
        """Return the claims of a valid token, and the same as text."""
        claims = self._verify(token, pool_ids)
        return claims, {name: _text(name, value) for name, value in claims.items()}

    def _verify(self, token: str, pool_ids: Sequence[str]) -> Claims:
        """Verify the token with each pool's own keys and issuer.

        Pools may share a key, as moto's pools do.
        """
        error: GatewayError = unauthorized("the authorizer lists no pool")
        for pool_id in pool_ids:
            try:
                keys = KeySet.import_key_set({"keys": self._jwks(pool_id)})
                claims = dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)
            except (JoseError, ValueError, KeyError) as cause:
                error = unauthorized(
                    f"not a valid token of pool {pool_id}: {type(cause).__name__}: {cause}"
                )
                continue
            if claims.get("iss") == self._issuer(pool_id) and isinstance(claims.get("exp"), int):
                return claims
            error = unauthorized(f"the token's issuer {claims.get('iss')!r} is not pool {pool_id}")
        raise error


def _require_use(claims: Claims, scopes: tuple[str, ...]) -> None:
    """Check the token kind.

    A method without scopes accepts ID tokens. A method with scopes accepts access tokens with at
    least one of them.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html

    AWS does not document its answer to a valid access token without the scope. Its page of response
    types suggests ACCESS_DENIED (403), but users report 401:
    https://repost.aws/knowledge-center/api-gateway-cognito-401-unauthorized
    """
    use = claims.get("token_use")
    if not scopes and use != "id":
        raise unauthorized(
            f"the method lists no scope, so it accepts ID tokens, not {use!r} tokens"
        )
    if scopes and use != "access":
        raise unauthorized(
            f"the method lists scopes, so it accepts access tokens, not {use!r} tokens"
        )
    if scopes and not set(scopes) & set(str(claims.get("scope", "")).split()):
        raise unauthorized(
            f"the token's scope {claims.get('scope')!r} has none of {', '.join(scopes)}"
        )


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if name in _DATES and isinstance(value, int):
        return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(value))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
