"""The acceptance of an invitation: the first token after it grants the invitation's roles.

A role is granted if the user who sent the invitation could still grant it, by the rule of
`POST /v1/users/{id}/grants`. So the end of somebody's rights also ends what their open invitations
promise. docs/authorization.md describes this.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from atrium.http.problem import Problem
from atrium.http.request import Claims
from atrium.identity import admins, grant_items, grants, mfa, permissions
from atrium.identity.delegation import Delegation
from atrium.identity.grant_items import EVERYWHERE, Grant, GrantRecord
from atrium.identity.permissions import ADMIN
from atrium.runtime import rfc3339
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, postgres, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, TransactionCanceledError

GRANTING = "access.write"
"""The permission to grant roles, also by an invitation."""
GRANTING_SCOPE = f"atrium/{GRANTING}"

OPEN = """
SELECT id, actor, roles, expires_at > now() FROM invitations WHERE uid = :uid::uuid AND state = 'open'
"""

ACCEPT = """
UPDATE invitations SET state = 'accepted', accepted_at = now(), version = version + 1
WHERE id = :invitation::uuid AND state = 'open'
"""


def accept(uid: str) -> None:
    """Grant the roles of the user's open invitation and mark it as accepted.

    An expired one grants nothing, but is marked as well, because cancelling it would erase a user
    who has signed in. META names the accepted invitation, so a repeat after a crash grants nothing
    again. Raises `TableUnavailableError`; the next token repeats it.
    """
    for id, actor, roles, is_valid in postgres.query(OPEN, uid=uid):
        if retry_on_conflict(partial(_grant, uid, id, str(actor), roles, is_valid=is_valid)):
            postgres.query(ACCEPT, invitation=id)


def may_grant(holder: Claims | mfa.Holder) -> bool:
    """Return True if the user holds the permission to grant roles."""
    current = permissions.current(grants.everywhere(holder.uid))
    held = grants.role_names(mfa.in_effect(current, holder.withheld))
    define = mfa.defining(user_table.role_definition, holder.withheld)
    return ADMIN in held or GRANTING in permissions.of(held, define)


def _grant(uid: str, invitation: UUID, actor: str, roles: Sequence[str], *, is_valid: bool) -> bool:
    """Return False if the user's access has ended."""
    user_table.create_meta(uid)  # the invited user may be quicker than the invitation's outcome
    meta = user_table.item(f"U#{uid}", "META") or {}
    if meta.get("invitation") == str(invitation) or meta.get("status") != "active":
        return meta.get("status") == "active"
    inviter = user_table.meta(actor)  # read before the other reads, which its epoch protects
    granted = dict[str, int]()
    if is_valid and inviter is not None and inviter.status == "active":
        granted = _grantable(
            mfa.Holder(actor, mfa.withheld(has_mfa=inviter.mfa)), roles, invitation
        )
    records = [_record(uid, actor, role, generation) for role, generation in granted.items()]
    new = [record for record in records if grants.same(record) is None]
    changes = {
        "invitation": str(invitation),
        "roles": sorted(granted),
        "refused": sorted(set(roles) - granted.keys()),
    }
    work = [
        _accepted(uid, str(invitation), meta["version"], raises_epoch=bool(new)),
        *([_is_current(actor, inviter.access_epoch)] if new and inviter else []),
        *(item for record in new for item in _items(record)),
        audit.event(uid, "user.invitation_accepted", changes, uid),
    ]
    try:
        user_table.transact(work)
    except TransactionCanceledError as refused:
        raise ContentionError(f"{uid}: another transaction changed these rights.") from refused
    return True


def _grantable(inviter: mfa.Holder, roles: Sequence[str], invitation: UUID) -> dict[str, int]:
    """Return the roles of the invitation that the inviter may grant now, with their generations."""
    if not roles or not may_grant(inviter):
        return {}
    delegation, found = Delegation(inviter), dict[str, int]()
    for role in roles:
        generation = permissions.generation(role, invitation)
        if generation is not None and _allows(delegation, role, generation):
            found[role] = generation
    return found


def _allows(delegation: Delegation, role: str, generation: int) -> bool:
    try:
        delegation.check_grant(Grant("", EVERYWHERE, role, generation=generation))
    except Problem:
        return False
    return True


def _record(uid: str, actor: str, role: str, generation: int) -> GrantRecord:
    return GrantRecord(
        id=str(uuid7()),
        uid=uid,
        role=role,
        action=None,
        scope=EVERYWHERE,
        reason=None,
        granted_by=actor,
        granted_at=rfc3339.now(),
        expires_at=None,
        role_generation=generation,
    )


def _items(record: GrantRecord) -> list[dict[str, Any]]:
    role = record.role or ""
    changes = {"grant": record.id, "role": role, "scope": EVERYWHERE}
    return [
        *grants.keyed_puts(record),
        admins.joining(record.uid)
        if role == ADMIN
        else permissions.if_generation(role, record.role_generation),
        audit.event(record.granted_by, "role.granted", changes, record.uid),
    ]


def _accepted(uid: str, invitation: str, version: int, *, raises_epoch: bool) -> dict[str, Any]:
    """Return META's update. It fails if the user's status or rights have changed since the read."""
    values = {
        ":invitation": {"S": invitation},
        ":active": {"S": "active"},
        ":version": {"N": str(version)},
        ":one": {"N": "1"},
    }
    update = {
        "Key": grant_items.at((f"U#{uid}", "META")),
        "UpdateExpression": "SET invitation = :invitation ADD version :one"
        + (", access_epoch :one" if raises_epoch else ""),
        "ConditionExpression": "#status = :active AND version = :version",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": values,
    }
    return {"Update": update}


def _is_current(actor: str, access_epoch: int) -> dict[str, Any]:
    """Return the condition that the inviter has kept the rights that were read."""
    check = {
        "Key": grant_items.at((f"U#{actor}", "META")),
        "ConditionExpression": "#status = :active AND access_epoch = :epoch",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":active": {"S": "active"},
            ":epoch": {"N": str(access_epoch)},
        },
    }
    return {"ConditionCheck": check}
