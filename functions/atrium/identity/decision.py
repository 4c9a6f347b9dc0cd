"""The access decision as a pure function: it uses no table, clock or cache of its own.

A grant in force permits what it covers if its conditions are true; everything else is denied.
Its conditions are the grant's own, and the one under which its role holds the permission.
tests/unit/access/reference.py states the same rules in another way, and a differential test
compares the two.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec

from atrium.identity import mfa
from atrium.identity.grant_items import EVERYWHERE, Grant, rfc3339
from atrium.identity.permissions import ADMIN, Define, is_current

NO_FACTS: Mapping[str, Any] = {}


class Resource(msgspec.Struct, frozen=True):
    type: str
    id: str


class SubjectGrants(msgspec.Struct, frozen=True):
    """A user's status and the grants for a decision. `status` is None for an unknown user.

    `withheld` are the roles that give the user nothing (atrium/identity/mfa.py). `attributes` are
    the stored ones that conditions read, by namespace and name.
    """

    status: str | None
    grants: Sequence[Grant]
    withheld: mfa.Names = mfa.NOTHING
    attributes: Mapping[str, Mapping[str, Any]] = {}


class Source(NamedTuple):
    """A role that holds a permission itself, and the condition under which it does."""

    role: str
    condition: str | None = None


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
    subject: SubjectGrants,
    action: str,
    resource: Resource,
    define: Define,
    now: float,
    facts: Mapping[str, Any] = NO_FACTS,
) -> Decision:
    """Return the decision at `now`, in epoch seconds. Raise what `define` raises: fail closed.

    `facts` are the values that the request gives for conditions: `authzen.facts`.
    """
    if subject.status != "active":
        return Decision(
            False,
            refusal=f"the user is {subject.status}"
            if subject.status
            else "the user does not exist",
        )

    @cache
    def is_met(condition: str | None) -> bool:
        return condition is None or _is_true(condition, known(facts, subject, now))

    permission, unmet = permission_of(action, resource.type), list[str]()
    for grant, source in giving(subject, action, resource, define, now):
        if not is_met(grant.condition):
            unmet.append(grant.id)
        elif source and not is_met(source.condition):
            unmet.append(f"{permission} in role {source.role}")
        else:
            return Decision(True, grant, source and source.role)
    refusal = f"no grant in force gives {permission} on {resource.type}:{resource.id}"
    named = ", ".join(dict.fromkeys(unmet))
    return Decision(
        False, refusal=f"{refusal}; the condition of {named} is not true" if unmet else refusal
    )


def giving(
    subject: SubjectGrants, action: str, resource: Resource, define: Define, now: float
) -> Iterator[tuple[Grant, Source | None]]:
    """Yield the grants that give the right, whatever the conditions, with each source in a role."""
    permission = permission_of(action, resource.type)
    found: dict[str, list[Source]] = {}
    define = mfa.defining(define, subject.withheld)
    for grant in mfa.in_effect(subject.grants, subject.withheld):
        if not (in_force(grant, now) and covers(grant.scope, resource)):
            continue
        if grant.role is None:
            if grant.action == action:
                yield grant, None
            continue
        if not is_current(grant, define):
            continue
        if grant.role not in found:
            found[grant.role] = sources(grant.role, permission, define)
        yield from ((grant, source) for source in found[grant.role])


def _is_true(condition: str, facts: Mapping[str, Any]) -> bool:
    """Return True if the condition is true. An unknown one does not permit."""
    from atrium.identity import (
        conditions,  # imported here, because most decisions meet no condition
    )

    return conditions.evaluate(msgspec.json.decode(condition), facts) is True


def known(facts: Mapping[str, Any], subject: SubjectGrants, now: float) -> Mapping[str, Any]:
    """Return the values for conditions. A request cannot replace stored attributes or the time."""
    return {
        **facts,
        "subject": {**facts.get("subject", {}), "attributes": subject.attributes},
        "now": rfc3339(now),
    }


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


def sources(role: str, permission: str, define: Define) -> list[Source]:
    """Return the roles, from `role` upwards, that hold the permission.

    If a role holds it without a condition, only the nearest such role.
    """
    if role == ADMIN:
        return [Source(ADMIN)]
    seen, waiting, found = set[str](), [role], list[Source]()
    while waiting:
        definitions = {each: define(each) for each in waiting}
        for each, definition in definitions.items():
            if permission in definition.permissions:
                return [Source(each)]
            if condition := definition.conditional.get(permission):
                found.append(Source(each, condition))
        seen.update(waiting)
        parents = {parent for definition in definitions.values() for parent in definition.parents}
        waiting = sorted(parents - seen)
    return found
