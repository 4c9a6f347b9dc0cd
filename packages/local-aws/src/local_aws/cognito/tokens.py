"""Access and ID tokens: claims, changes by triggers, and lifetimes."""

import base64
import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from local_aws.cognito import attributes, groups, triggers
from local_aws.cognito.attribute_values import VERIFIED_FLAGS
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.groups import Groups
from local_aws.cognito.pools import Client, Pool, User
from local_aws.cognito.service import Service
from local_aws.cognito.state import SignIn
from local_aws.cognito.triggers import Customization, Generation, GroupOverride, Metadata

USER_SCOPE = "aws.cognito.signin.user.admin"  # gives access to Cognito's self-service calls
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
# Claims that a trigger can neither set nor suppress
# (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html).
RESERVED = frozenset(
    "acr amr at_hash auth_time azp exp iat iss jti nbf nonce origin_jti sub token_use".split()  # noqa: SIM905
)
RESERVED_ID = RESERVED | {"aud", "cognito:username", "identities"}
RESERVED_ACCESS = RESERVED | {"client_id", "device_key", "event_id", "scope", "username", "version"}


@dataclass(frozen=True)
class Validity:
    """Token lifetimes in seconds."""

    access: int
    id: int
    refresh: int


def validity(client: Client) -> Validity:
    return validity_of(client.extended_config)


def validity_of(settings: dict[str, Any]) -> Validity:
    return Validity(
        _seconds(settings, "Access", 1, "hours"),
        _seconds(settings, "Id", 1, "hours"),
        _seconds(settings, "Refresh", 30, "days"),
    )


def is_rotating(settings: dict[str, Any]) -> bool:
    """Return True if refreshing replaces the refresh token."""
    return (settings.get("RefreshTokenRotation") or {}).get("Feature") == "ENABLED"


def _seconds(settings: dict[str, Any], token: str, default: int, unit: str) -> int:
    """Convert a lifetime to seconds.

    By default `RefreshTokenValidity` is in days and the others in hours; `TokenValidityUnits` can
    override this.
    """
    amount = settings.get(f"{token}TokenValidity") or default
    units = settings.get("TokenValidityUnits") or {}
    return int(amount) * UNITS[units.get(f"{token}Token") or unit]


async def issue(
    service: Service,
    pool: Pool,
    client: Client,
    user: User,
    sign_in: SignIn,
    source: str,
    client_metadata: Metadata,
    nonce: str | None = None,
) -> dict[str, Any]:
    """Return an `AuthenticationResult` without a refresh token.

    It has no ID token if the app did not request `openid`.
    """
    own = groups.of_user(user)
    granted = [USER_SCOPE] if sign_in.hosted_scopes is None else list(sign_in.hosted_scopes)
    changes = await triggers.pre_token_generation(
        service, pool, user, source, client.id, own, granted, client_metadata
    )
    lifetime = validity(client)
    common = _common(service, pool, user, sign_in)
    effective = _override_groups(own, changes)
    access = service.key.sign(
        _access_claims(common, client, user, lifetime, granted, effective, changes)
    )
    result = {"AccessToken": access, "ExpiresIn": lifetime.access, "TokenType": "Bearer"}
    if sign_in.hosted_scopes is None:
        visible = attributes.readable(client, user)
    elif "openid" in granted:
        visible = attributes.in_scopes(attributes.readable(client, user), granted)
        common = common | {"at_hash": _half_hash(access)} | ({"nonce": nonce} if nonce else {})
    else:
        return result
    identity = _id_claims(common, client, user, lifetime, visible, effective, changes)
    return result | {"IdToken": service.key.sign(identity)}


async def issue_to_client(
    service: Service, pool: Pool, client: Client, granted: list[str], client_metadata: Metadata
) -> dict[str, Any]:
    """Return an `AuthenticationResult` for the client itself: an access token without a user."""
    changes = await triggers.pre_token_generation_of_client(
        service, pool, client.id, granted, client_metadata
    )
    generation = changes.access_token_generation or Generation()
    now, lifetime = int(service.clock()), validity(client).access
    claims = {
        "sub": client.id,
        "iss": service.issuer(pool.id),
        "client_id": client.id,
        "token_use": "access",
        "scope": _scope(granted, generation),
        "auth_time": now,
        "iat": now,
        "exp": now + lifetime,
        "jti": str(uuid.uuid4()),
        "version": 2,
    }
    access = service.key.sign(_apply(claims, generation, RESERVED_ACCESS))
    return {"AccessToken": access, "ExpiresIn": lifetime, "TokenType": "Bearer"}


def _half_hash(access_token: str) -> str:
    """Return `at_hash` for RS256 (OpenID Connect Core, section 3.1.3.6)."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _common(service: Service, pool: Pool, user: User, sign_in: SignIn) -> dict[str, Any]:
    return {
        "sub": user.id,
        "iss": service.issuer(pool.id),
        "origin_jti": sign_in.origin_jti,
        "event_id": str(uuid.uuid4()),
        "auth_time": sign_in.auth_time,
        "iat": int(service.clock()),
    }


def _access_claims(
    common: dict[str, Any],
    client: Client,
    user: User,
    lifetime: Validity,
    granted: list[str],
    own: Groups,
    changes: Customization,
) -> dict[str, Any]:
    generation = changes.access_token_generation or Generation()
    claims = {
        **common,
        "client_id": client.id,
        "token_use": "access",
        "scope": _scope(granted, generation),
        "exp": common["iat"] + lifetime.access,
        "jti": str(uuid.uuid4()),
        "username": user.username,
    }
    if own.names:
        claims["cognito:groups"] = own.names
    changed = _apply(claims, generation, RESERVED_ACCESS)
    if (
        changed.get("aud", client.id) != client.id
    ):  # a trigger may add the client as the audience, but no other audience
        del changed["aud"]
    return changed


def _id_claims(
    common: dict[str, Any],
    client: Client,
    user: User,
    lifetime: Validity,
    visible: dict[str, str],
    own: Groups,
    changes: Customization,
) -> dict[str, Any]:
    claims = {
        **{name: _claim(name, value) for name, value in visible.items()},
        **common,
        "aud": client.id,
        "token_use": "id",
        "exp": common["iat"] + lifetime.id,
        "jti": str(uuid.uuid4()),
        "cognito:username": user.username,
    }
    listed = {
        "cognito:groups": own.names,
        "cognito:roles": own.roles,
        "cognito:preferred_role": own.preferred_role,
    }
    claims.update({name: value for name, value in listed.items() if value})
    return _apply(claims, changes.id_token_generation or Generation(), RESERVED_ID)


def _claim(name: str, value: str) -> Any:
    return value == "true" if name in VERIFIED_FLAGS else value


def _scope(granted: list[str], generation: Generation) -> str:
    added = generation.scopes_to_add or []
    if any(not scope or scope.split() != [scope] for scope in added):
        raise CognitoError("InvalidLambdaResponseException", "Unrecognizable lambda output")
    kept = [
        scope for scope in [*granted, *added] if scope not in (generation.scopes_to_suppress or [])
    ]
    return " ".join(dict.fromkeys(kept))


def _apply(
    claims: dict[str, Any], generation: Generation, reserved: frozenset[str]
) -> dict[str, Any]:
    """Apply a trigger's changes.

    A claim that is both set and suppressed is suppressed. As on AWS, changes of reserved claims are
    silently ignored.
    """
    added = generation.claims_to_add_or_override or {}
    changed = claims | {
        k: v for k, v in added.items() if k not in reserved and not k.startswith("dev:")
    }
    for name in generation.claims_to_suppress or []:
        if name not in reserved:
            changed.pop(name, None)
    return changed


def _override_groups(own: Groups, changes: Customization) -> Groups:
    override = changes.group_override_details
    if override is None:
        return Groups([], [], None)
    if not isinstance(override, GroupOverride):
        return own
    return Groups(
        override.groups_to_override or [],
        override.iam_roles_to_override or [],
        override.preferred_role,
    )
