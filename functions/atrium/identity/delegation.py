"""Checks of what a request may grant and whom it may change; failures are 403.

The rule itself is in `atrium/identity/rights.py`. This module reads the table for it, strongly
consistently and without a cache. The condition on every transaction
(`atrium/stores/authority.py`) covers changes to the caller's own rights after these reads.
"""

import time
from collections.abc import Iterable, Sequence
from functools import cached_property, partial

import msgspec

from atrium.http.problem import FieldError, Problem
from atrium.http.request import Claims
from atrium.identity import grants, mfa, namespaces, rights
from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.identity.permissions import ADMIN
from atrium.identity.rights import Role, Roles
from atrium.runtime import parallel
from atrium.stores import user_table

_MANY_SCOPES = 20
"""The number of scopes that are read one by one. For more, all grants of the caller are read."""

GRAPH = ("ROLES", "GRAPH")


class Delegation:
    """The rights that the caller of a request holds and so may grant."""

    def __init__(self, caller: Claims | mfa.Holder) -> None:
        self._uid = caller.uid
        self._withheld = caller.withheld

    @cached_property
    def _everywhere(self) -> list[Grant]:
        return mfa.in_effect(grants.everywhere(self._uid), self._withheld)

    @cached_property
    def is_unlimited(self) -> bool:
        """Return True for an administrator whose role applies everywhere and never expires.

        They may grant anything.
        """
        return any((each.role, each.expires_at) == (ADMIN, None) for each in self._everywhere)

    def check_grant(self, grant: Grant) -> None:
        """Raise 403 for a grant that the caller may not make; `errors` names the field."""
        if self.is_unlimited:
            return
        own = self._own([grant])
        roles = self._roles([*own, grant])
        if rights.can_hand_out(own, grant, roles):
            return
        if rights.sets_trusted(grant.role, roles):
            raise _sets_trusted(
                f"Only an administrator can grant {grant.role}: it may set attributes that go into "
                "tokens. The grant cannot outlast the administrator's own."
            )
        if grant.role == ADMIN and not any(each.role == ADMIN for each in own):
            detail = "Only an administrator can grant or revoke the admin role."
            raise Problem(403, "admin_required", detail, errors=[FieldError("#/role", detail)])
        field, detail = _fault(own, grant, roles)
        raise _exceeded(
            "You can grant only rights that you hold yourself; see `errors`.",
            [FieldError(field, detail)],
        )

    def check_target(self, uid: str) -> int | None:
        """Raise 403 if the user holds a grant that the caller may not make.

        Return the user's access epoch, 0 without META. The change must have the condition that the
        epoch is unchanged, because the user may gain rights after these reads. Return None if
        the change needs no condition: callers may always change their own record, and permanent
        administrators may change every record.
        """
        if uid == self._uid or self.is_unlimited:
            return None
        meta = user_table.meta(uid)
        epoch = meta.access_epoch if meta else 0
        held = in_force(grants.whole(uid))
        if not held:
            return epoch
        own = self._own(held)
        roles = self._roles([*own, *held])
        beyond = [grant for grant in held if not rights.can_hand_out(own, grant, roles)]
        if any(grant.role == ADMIN for grant in beyond) and not any(
            grant.role == ADMIN for grant in own
        ):
            raise Problem(
                403, "admin_required", "Only an administrator can change an administrator."
            )
        if any(rights.sets_trusted(grant.role, roles) for grant in beyond):
            raise _sets_trusted(
                "Only an administrator can change this user, who has a role that may set "
                "attributes that go into tokens."
            )
        if beyond:
            raise _exceeded(
                "This user has rights that you do not have. Ask an administrator to make this change."
            )
        return epoch

    def check_role(self, name: str, before: Role | None, after: Role | None) -> None:
        """Raise 403 if the role holds a right that the caller lacks, or holds only in part.

        The caller must hold each right everywhere and permanently. The role is checked as it is and
        as it would be after the change.
        """
        if self.is_unlimited:
            return
        whole = Grant("", EVERYWHERE, name)
        own = [each for each in self._everywhere if rights.contains(each, whole)]
        named = [name, *(parent for role in (before, after) if role for parent in role.parents)]
        roles = self._roles(own, named)
        if rights.sets_trusted(name, roles) and not rights.can_define(own, name, Role(), roles):
            raise _sets_trusted(
                f"Only an administrator without end can create, change or delete {name}: it may "
                "set attributes that go into tokens."
            )
        if before and not rights.can_define(own, name, before, roles):
            raise _exceeded(
                "This role holds rights that you do not hold everywhere and without end."
            )
        if after and not rights.can_define(own, name, after, roles):
            faults = _role_faults(own, after, roles)
            raise _exceeded(
                "A role can hold only rights that you hold everywhere and without end; see `errors`.",
                faults,
            )

    def _own(self, wanted: Sequence[Grant]) -> list[Grant]:
        """Return the caller's grants in force that can contain one of those wanted."""
        scopes = {grant.scope for grant in wanted} - {EVERYWHERE}
        if not scopes:
            return self._everywhere
        if len(scopes) > _MANY_SCOPES:
            return in_force(mfa.in_effect(grants.whole(self._uid), self._withheld))
        asked = [
            (self._uid, kind, id) for kind, _, id in (scope.partition(":") for scope in scopes)
        ]
        found = {each.id: each for of_one in grants.covering(asked).values() for each in of_one}
        return in_force(mfa.in_effect(found.values(), self._withheld))

    def _roles(self, found: Iterable[Grant], named: Iterable[str] = ()) -> Roles:
        roles = roles_of(found, named)
        return {
            name: msgspec.structs.replace(role, is_withheld=True)
            if name in self._withheld
            else role
            for name, role in roles.items()
        }


def refuse_own(caller: str, uid: str) -> None:
    """Raise 403 if the caller is the holder: users cannot extend their own rights."""
    if caller == uid:
        raise Problem(
            403,
            "own_grant",
            "You cannot grant rights to yourself or change the end of your own grants.",
        )


def _sets_trusted(detail: str) -> Problem:
    return Problem(403, "admin_required", detail)


def _setters() -> set[str]:
    """Return the roles in the `set_by` of a trusted namespace."""
    trusted = (each for each in namespaces.read().values() if each.is_trusted)
    return {role for each in trusted for role in each.set_by}


def in_force(found: Iterable[Grant]) -> list[Grant]:
    now = time.time()
    return [grant for grant in found if grant.expires_at is None or grant.expires_at > now]


def roles_of(found: Iterable[Grant], named: Iterable[str] = ()) -> Roles:
    """Return the roles of the grants and `names`, with the roles that they build on and may assign."""
    setters = parallel.start(_setters)
    graph = user_table.item(*GRAPH) or {}
    assignable = {name: frozenset(by) for name, by in graph.get("assignable_by", {}).items()}
    roles, waiting = dict[str, Role](), {grant.role for grant in found if grant.role} | set(named)
    while waiting:
        names = sorted(waiting)
        definitions = parallel.run([partial(user_table.role_definition, name) for name in names])
        for name, read in zip(names, definitions, strict=True):
            roles[name] = Role(
                read.permissions,
                read.parents,
                assignable.get(name, frozenset()),
                read.generation,
                name in setters.result(),
                conditional=frozenset(read.conditional),
            )
        above = {parent for definition in definitions for parent in definition.parents}
        assigned = {name for name, by in assignable.items() if by & waiting}
        waiting = (above | assigned) - roles.keys()
    return roles


def _fault(own: Sequence[Grant], grant: Grant, roles: Roles) -> tuple[str, str]:
    """Return the field that exceeds the caller's rights, with the error's detail."""
    ends = sorted({each.expires_at for each in own if each.expires_at is not None}, reverse=True)
    for end in ends:
        sooner = msgspec.structs.replace(grant, expires_at=end)
        if rights.can_hand_out(own, sooner, roles):
            return "#/expires_at", "Must not be later than the end of your own grant."
    if grant.role is None:
        return "#/action", "You do not have the right to this action in this scope."
    return (
        "#/role",
        "This role holds rights that you do not hold in this scope, and you may not assign it.",
    )


def _role_faults(own: Sequence[Grant], role: Role, roles: Roles) -> list[FieldError]:
    names = rights.roles_in_effect(own, roles)
    held = rights.permissions_of(names, roles)
    faults = [
        FieldError(
            "#/permissions" if permission in role.permissions else "#/conditional_permissions",
            f"You do not hold {permission} everywhere and without end.",
        )
        for permission in sorted((role.permissions | role.conditional) - held)
    ]
    for parent in sorted(role.parents):
        if not rights.given_by(rights.lineage([parent], roles), roles) <= held:
            faults.append(FieldError("#/parents", f"You do not hold all rights of {parent}."))
    return faults


def _exceeded(detail: str, errors: Sequence[FieldError] = ()) -> Problem:
    return Problem(403, "rights_exceeded", detail, errors=errors)
