"""The access decision as a pure function: it uses no table, clock or cache of its own.

A grant in force permits what it covers; everything else is denied. tests/reference.py states the
same rules in another way, and a differential test compares the two.
"""

from collections.abc import Sequence

import msgspec

from atrium.identity import mfa
from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.identity.permissions import ADMIN, Define, is_current


class Resource(msgspec.Struct, frozen=True):
    type: str
    id: str


class SubjectGrants(msgspec.Struct, frozen=True):
    """A user's status and the grants for a decision. `status` is None for an unknown user.

    `withheld` are the roles that give the user nothing (atrium/identity/mfa.py).
    """

    status: str | None
    grants: Sequence[Grant]
    withheld: mfa.Names = mfa.NOTHING


class Decision(msgspec.Struct, frozen=True):
    """A decision with the `grant` that permits it. `refusal` is for administrators only.

    If the grant is of a role, `through` is the role that holds the permission: the granted one
    or one that it builds on.
    """

    permit: bool
    grant: Grant | None = None
    through: str | None = None
    refusal: str | None = None


def decide(
    subject: SubjectGrants, action: str, resource: Resource, define: Define, now: float
) -> Decision:
    """Return the decision at `now`, in epoch seconds. Raise what `define` raises: fail closed."""
    if subject.status != "active":
        return Decision(
            False,
            refusal=f"the user is {subject.status}"
            if subject.status
            else "the user does not exist",
        )
    permission = permission_of(action, resource.type)
    sources: dict[str, str | None] = {}
    define = mfa.defining(define, subject.withheld)
    for grant in mfa.in_effect(subject.grants, subject.withheld):
        if not (in_force(grant, now) and covers(grant.scope, resource)):
            continue
        if grant.role is None:
            if grant.action == action:
                return Decision(True, grant)
            continue
        if not is_current(grant, define):
            continue
        if grant.role not in sources:
            sources[grant.role] = source(grant.role, permission, define)
        if through := sources[grant.role]:
            return Decision(True, grant, through)
    return Decision(
        False, refusal=f"no grant in force gives {permission} on {resource.type}:{resource.id}"
    )


def permission_of(action: str, resource_type: str) -> str:
    """Return the permission's dotted name: `read` on an `orders` is `orders.read`."""
    return f"{resource_type}.{action}"


def in_force(grant: Grant, now: float) -> bool:
    """Return False for an expired grant, which TTL may delete days later."""
    return grant.expires_at is None or grant.expires_at > now


def covers(scope: str, resource: Resource) -> bool:
    # The scope is split instead of comparing joined strings, because ids and requested types may
    # contain colons.
    kind, _, id = scope.partition(":")
    return scope == EVERYWHERE or (kind == resource.type and id in ("*", resource.id))


def source(role: str, permission: str, define: Define) -> str | None:
    """Return the nearest role, from `role` upwards, that holds the permission, or None."""
    if role == ADMIN:
        return ADMIN
    seen, waiting = set[str](), [role]
    while waiting:
        definitions = {each: define(each) for each in waiting}
        for each, definition in definitions.items():
            if permission in definition.permissions:
                return each
        seen.update(waiting)
        parents = {parent for definition in definitions.values() for parent in definition.parents}
        waiting = sorted(parents - seen)
    return None
