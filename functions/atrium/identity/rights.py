"""The delegation rule: users can only grant rights that they hold.

docs/authorization.md explains the rule. This module only compares its arguments.
`atrium/identity/delegation.py` reads the table and responds to requests.

A right is a permission (or everything, by the role `admin`) within a scope, until a time. Every
check asks whether the holder of some grants could make another grant. If not, they cannot change a
holder of that grant either.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.identity.permissions import ADMIN


class Role(msgspec.Struct, frozen=True):
    """The definition of a role. Holders of a role in `assignable_by` may grant this one.

    `sets_trusted` means that a trusted namespace names the role in `set_by`. Its permissions do
    not show that its holders set values that other programs trust. `is_withheld` means that it
    gives nothing to the person who grants, who has no MFA; it counts in full for others.
    `conditional` are permissions under a condition. Like a grant with one, they are given, but
    not held.
    """

    permissions: frozenset[str] = frozenset()
    parents: frozenset[str] = frozenset()
    assignable_by: frozenset[str] = frozenset()
    generation: int = 0
    sets_trusted: bool = False
    is_withheld: bool = False
    conditional: frozenset[str] = frozenset()


Roles = Mapping[str, Role]
"""Roles by name, with the roles that they build on and may assign. A missing role holds nothing."""

_NOTHING = Role()


def can_hand_out(own: Sequence[Grant], grant: Grant, roles: Roles) -> bool:
    """Return True if a user who holds the grants `own` may give `grant` to another user."""
    if not counts(grant, roles):
        return True
    held = _held(own, grant, roles)
    if held.everything or sets_trusted(grant.role, roles):
        return held.everything
    if grant.role is None:
        return permission_of(grant) in held.permissions
    return _role_is_within(grant.role, held, roles)


def can_define(own: Sequence[Grant], name: str, role: Role, roles: Roles) -> bool:
    """Return True if a user who holds the grants `own` may create, change or delete the role.

    A role's definition applies in every scope and never expires. The right to assign a role does not include
    the right to define it. `roles` are the definitions before the change, so users gain nothing
    by changing a role of their own.
    """
    held = _held(own, Grant("", EVERYWHERE, name), roles)
    if held.everything or sets_trusted(name, roles):
        return held.everything
    defined = {**roles, name: msgspec.structs.replace(role, assignable_by=frozenset())}
    return _role_is_within(name, held, defined)


def contains(own: Grant, grant: Grant) -> bool:
    """Return True if scope and end of `grant` are within those of `own`."""
    kind, _, id = own.scope.partition(":")
    in_scope = own.scope in (EVERYWHERE, grant.scope) or (
        id == "*" and grant.scope.startswith(f"{kind}:")
    )
    in_time = own.expires_at is None or (
        grant.expires_at is not None and grant.expires_at <= own.expires_at
    )
    return in_scope and in_time


def counts(grant: Grant, roles: Roles) -> bool:
    """Return False for a grant of a deleted role, even if another role has its name now."""
    return (
        grant.role in (None, ADMIN)
        or roles.get(grant.role, _NOTHING).generation == grant.generation
    )


def sets_trusted(role: str | None, roles: Roles) -> bool:
    """Return True for a role that may set trusted attributes.

    Only administrators may grant, revoke or define it. Roles that build on it or may assign it do
    not count.
    """
    return role is not None and roles.get(role, _NOTHING).sets_trusted


def permission_of(right: Grant) -> str:
    """Return the permission that equals the right to a single action within its scope."""
    return f"{right.scope.partition(':')[0]}.{right.action}"


def lineage(names: Iterable[str], roles: Roles) -> set[str]:
    """Return the roles and all that they build on."""
    found, waiting = set[str](), set(names)
    while waiting:
        found |= waiting
        waiting = {
            parent for name in waiting for parent in roles.get(name, _NOTHING).parents
        } - found
    return found


def roles_in_effect(own: Iterable[Grant], roles: Roles) -> set[str]:
    """Return the granted roles and all that they build on, without those that are withheld."""
    withheld = {name for name, role in roles.items() if role.is_withheld}
    usable = {name: role for name, role in roles.items() if name not in withheld}
    granted = {each.role for each in own if each.role} - withheld
    return lineage(granted, usable) - withheld


def permissions_of(names: Iterable[str], roles: Roles) -> set[str]:
    """Return the permissions that the roles hold themselves, without a condition."""
    return {permission for name in names for permission in roles.get(name, _NOTHING).permissions}


def given_by(names: Iterable[str], roles: Roles) -> set[str]:
    """Return the permissions that the roles give themselves, whatever the conditions."""
    found = [roles.get(name, _NOTHING) for name in names]
    return {each for role in found for each in role.permissions | role.conditional}


def assignable_by(names: set[str], roles: Roles) -> set[str]:
    """Return the roles that holders of `names` may grant without holding them."""
    return {
        name for name, role in roles.items() if role.assignable_by & names and not role.sets_trusted
    }


class _Held(NamedTuple):
    """The rights that some grants give in one scope until one time.

    `roles` includes the roles that the granted ones build on.
    """

    everything: bool
    roles: set[str]
    permissions: set[str]


def _held(own: Sequence[Grant], grant: Grant, roles: Roles) -> _Held:
    # A conditional grant is not held: its condition may exclude what the new grant would allow.
    reaching = [
        each
        for each in own
        if each.condition is None and contains(each, grant) and counts(each, roles)
    ]
    names = roles_in_effect(reaching, roles)
    permissions = permissions_of(names, roles) | {
        permission_of(each) for each in reaching if each.action
    }
    return _Held(ADMIN in names, names, permissions)


def _role_is_within(role: str, held: _Held, roles: Roles) -> bool:
    """Return True if a role gives no more than what is held.

    The roles that its holder could assign count, too.
    """
    seen, waiting = set[str](), {role}
    while waiting:
        each = waiting.pop()
        seen.add(each)
        if each != ADMIN and roles.get(each, _NOTHING).assignable_by & held.roles:
            continue
        above = lineage([each], roles)
        if each == ADMIN or not given_by(above, roles) <= held.permissions:
            return False
        waiting |= assignable_by(above, roles) - seen
    return True
