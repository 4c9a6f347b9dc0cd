"""The claims of an access token. Authentication stays up when the table is down: then a token carries no roles."""

from typing import Any

from atrium import identity, log, roles, user_attributes
from atrium.cognito_trigger import Refusal, TriggerEvent, TriggerRequest
from pre_token_generation.scopes import EVERYONE, PREFIX, scopes_of


class TokenRequest(TriggerRequest, rename="camel", frozen=True):
    scopes: list[str] | None = None


class TokenGeneration(TriggerEvent, rename="camel", frozen=True):
    request: TokenRequest


FIRST_EPOCH = 1
"""What META starts with. When META cannot be read this is right for whoever's rights have never changed, and makes the
token stale, to be refreshed, for everyone else."""


def claims(event: TokenGeneration) -> dict[str, Any]:
    """The trigger's response. Raises Refusal for a disabled user or a foreign e-mail."""
    user = _user(event)
    held, granted, epoch = _rights(user.uid)
    # The hosted page lets any user ask for every scope of the client; what is not theirs is taken away again.
    refused = sorted(scope for scope in event.request.scopes or [] if scope.startswith(PREFIX) and scope not in granted)
    added = {"uid": user.uid, "roles": " ".join(held), "access_epoch": str(epoch)}
    access_token = {
        "claimsToAddOrOverride": added,
        "scopesToAdd": sorted(granted),
        "scopesToSuppress": refused,
    }
    return {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": access_token}}


def _user(event: TokenGeneration) -> identity.User:
    attributes = event.request.user_attributes
    try:
        user = identity.find_or_create(event.provider, attributes["sub"], attributes["email"], attributes)
    except identity.EmailTakenError:
        raise Refusal("This e-mail address belongs to another account. Ask an administrator to link the two") from None
    if user.status != "active":
        raise _disabled()
    return user


def _rights(uid: str) -> tuple[list[str], frozenset[str], int]:
    """The roles that hold everywhere, the scopes, and the access epoch."""
    try:
        items = user_attributes.collection(uid)
        if items.meta is None:  # post_confirmation did not get this far
            user_attributes.create_meta(uid)
            return [], EVERYONE, FIRST_EPOCH
        held = roles.everywhere(items.roles)
        granted = scopes_of(held)
    except user_attributes.Unavailable as error:
        log.write("ERROR", "token without roles", uid=uid, error=log.failure(error))
        return [], EVERYONE, FIRST_EPOCH
    if items.meta.status != "active":
        raise _disabled()
    return held, granted, items.meta.access_epoch


def _disabled() -> Refusal:
    return Refusal("This account is disabled. Ask an administrator")
