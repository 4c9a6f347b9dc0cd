"""The claims of a service's access token, which has no user.

The token has at most the scopes that Terraform declares for the service. Scopes that its roles do
not give are removed. If the table is down, the service gets no token.
"""

import functools
from typing import Any

from atrium.identity import grants, mfa, permissions, services, token_size
from atrium.identity.cognito_trigger import RefusalError
from atrium.stores import user_table
from pre_token_generation.bounds import bounded
from pre_token_generation.event import TokenGeneration
from pre_token_generation.rights import Rights
from pre_token_generation.scopes import scopes_of


def claims(event: TokenGeneration) -> dict[str, Any]:
    """Return the changes to the access token.

    Raise RefusalError for an unknown or disabled client.
    """
    uid = services.uid_of(event.provider, event.caller_context.client_id)
    rights = bounded(uid, _rights(uid))
    added = {
        "uid": uid,
        "subject_type": services.SERVICE,
        "roles": " ".join(rights.roles),
        "access_epoch": str(rights.epoch),
    }
    if rights.until is not None:
        added["roles_until"] = str(rights.until)
    if claim := token_size.generations_claim(rights.roles, rights.generations):
        added["role_generations"] = claim
    not_held = set(event.request.scopes or ()) - set(rights.scopes)
    return {"claimsToAddOrOverride": added, "scopesToSuppress": sorted(not_held)}


def _rights(uid: str) -> Rights:
    # META is read first, as for users: later changes come with another epoch.
    meta = user_table.meta(uid)
    if meta is None:
        raise RefusalError("This client is not registered. An operator registers it: make service")
    if meta.status != "active":
        raise RefusalError("This service is disabled. Ask an administrator")
    define = functools.cache(user_table.role_definition)
    withheld = mfa.withheld(has_mfa=False)
    everywhere = mfa.in_effect(permissions.current(grants.everywhere(uid), define), withheld)
    held = grants.role_names(everywhere)
    return Rights(
        held,
        scopes_of(held, mfa.defining(define, withheld)),
        meta.access_epoch,
        grants.first_end(everywhere),
        generations=grants.generations(everywhere),
    )
