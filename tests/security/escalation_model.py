"""docs/authorization.md as a model without a table: who may grant, change and define what."""

from collections.abc import Sequence
from typing import NamedTuple


class HeldGrant(NamedTuple):
    """A granted role, or the action of a `<type>.<action>` right. `until` None is no end."""

    what: str
    scope: str = "*"
    until: int | None = None
    conditional: bool = False


class Role(NamedTuple):
    permissions: Sequence[str] = ()
    parents: Sequence[str] = ()
    assignable_by: Sequence[str] = ()
    sets_trusted: bool = False
    conditional: Sequence[str] = ()


Roles = dict[str, Role]
Person = Sequence[HeldGrant]


def rights_of(what: str, roles: Roles, *, given: bool = False) -> set[str]:
    """Return the permissions, also of parents, and the right to assign each role that names one."""
    if what not in roles:
        return {"everything" if what == "admin" else what}
    names = [what]
    for name in names:
        names += [parent for parent in roles[name].parents if parent not in names]
    kinds = ("permissions", "conditional") if given else ("permissions",)
    permissions = {each for name in names for kind in kinds for each in getattr(roles[name], kind)}
    return permissions | {
        f"assign {name}"
        for name, role in roles.items()
        if set(names) & set(role.assignable_by) and not role.sets_trusted
    }


def is_within(inner: HeldGrant, outer: HeldGrant) -> bool:
    kind = inner.scope.split(":")[0]
    in_scope = outer.scope in ("*", f"{kind}:*", inner.scope)
    return in_scope and (
        outer.until is None or (inner.until is not None and inner.until <= outer.until)
    )


def may_give(person: Person, given: HeldGrant, roles: Roles, meant: Roles | None = None) -> bool:
    """Return True if the person holds `given` in its scope and until its end, or may assign it.

    A right held under a condition does not count. A grant under a condition counts as if it had
    none. Held roles have their meaning in `roles`, the given role that of `meant`.
    """
    meant = meant or roles
    held = [each for each in person if is_within(given, each) and not each.conditional]
    own = {right for each in held for right in rights_of(each.what, roles)}
    if "everything" in own or (given.what in meant and meant[given.what].sets_trusted):
        return "everything" in own
    if f"assign {given.what}" in own:
        return True
    missing = rights_of(given.what, meant, given=True) - own
    return all(
        right.startswith("assign ")
        and may_give(person, given._replace(what=right[7:]), roles, meant)
        for right in missing
    )


def may_change(person: Person, target: Person, roles: Roles, meant: Roles | None = None) -> bool:
    """Return True if the target has no right that the caller could not grant."""
    return all(may_give(person, each, roles, meant) for each in target)


def may_define(
    person: Person, name: str, role: Role, roles: Roles, meant: Roles | None = None
) -> bool:
    """Return True if the caller holds the whole role, everywhere and without an end."""
    meant = meant or roles
    was = meant.get(name, Role())
    own = {**roles, name: roles.get(name, Role())._replace(assignable_by=())}
    wanted = role._replace(assignable_by=(), sets_trusted=was.sets_trusted)
    return may_give(person, HeldGrant(name), own, {**meant, name: wanted})


def without_mfa(person: Person, roles: Roles, need_mfa: set[str]) -> tuple[Person, Roles]:
    """Return what a user without MFA holds, and what roles mean to that user only."""
    left = {
        name: role._replace(parents=[each for each in role.parents if each not in need_mfa])
        for name, role in roles.items()
    }
    return [given for given in person if given.what not in need_mfa], left
