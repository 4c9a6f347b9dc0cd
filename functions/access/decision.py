"""May this user do that to this resource? Decided by what is handed in: no table, no clock, no cache of its own.

Permitted is what a grant in force covers, and nothing else. The same rules once more, as a specification would say them,
are in tests/reference.py; a differential test compares the two.
"""

from collections.abc import Sequence

import msgspec

from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.identity.permissions import ADMIN, Define, is_living


class Resource(msgspec.Struct, frozen=True):
    type: str
    id: str


class Standing(msgspec.Struct, frozen=True):
    """What the table knows of a user. `status` is None when it knows nobody of that id."""

    status: str | None
    grants: Sequence[Grant]


class Decision(msgspec.Struct, frozen=True):
    """`grant` permits it, and where that is a role, `through` is the role that holds the permission: the granted one, or
    one that it builds on. `refusal` is for administrators' eyes."""

    permit: bool
    grant: Grant | None = None
    through: str | None = None
    refusal: str | None = None


def decide(
    standing: Standing, action: str, resource: Resource, define: Define, now: float
) -> Decision:
    """`now` in epoch seconds. Raises what `define` raises: without an answer there is no permit."""
    if standing.status != "active":
        return Decision(
            False,
            refusal=f"the user is {standing.status}"
            if standing.status
            else "the user does not exist",
        )
    permission = permission_of(action, resource.type)
    sources: dict[str, str | None] = {}
    for grant in standing.grants:
        if not (in_force(grant, now) and covers(grant.scope, resource)):
            continue
        if grant.role is None:
            if grant.action == action:
                return Decision(True, grant)
            continue
        if not is_living(grant, define):
            continue
        if grant.role not in sources:
            sources[grant.role] = source(grant.role, permission, define)
        if through := sources[grant.role]:
            return Decision(True, grant, through)
    return Decision(
        False, refusal=f"no grant in force gives {permission} on {resource.type}:{resource.id}"
    )


def permission_of(action: str, resource_type: str) -> str:
    """The dotted name that a role holds it by: `read` on an `orders` is `orders.read`."""
    return f"{resource_type}.{action}"


def in_force(grant: Grant, now: float) -> bool:
    """What has expired counts as gone, though the table may hold it for days yet."""
    return grant.expires_at is None or grant.expires_at > now


def covers(scope: str, resource: Resource) -> bool:
    # Taken apart, and not put together to compare: the id may have colons, and what is asked for, a type with one.
    kind, _, id = scope.partition(":")
    return scope == EVERYWHERE or (kind == resource.type and id in ("*", resource.id))


def source(role: str, permission: str, define: Define) -> str | None:
    """The nearest role, from `role` upwards, that holds the permission; None when none does."""
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
