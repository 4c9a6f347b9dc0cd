"""Which permissions a user's roles hold, by the table; those of a role are kept by its version. Fails closed."""

from collections.abc import Callable, Iterable

from atrium import clock, user_attributes
from atrium.clock import Moment
from atrium.user_attributes import RoleDefinition

ADMIN = "admin"
"""The role that holds every permission, whatever the table says."""

CACHE_SECONDS = 30  # for so long at most may a permission that was taken from a role still work
_CACHE_ENTRIES = 512

_cache: dict[str, tuple[Moment, RoleDefinition]] = {}


def hold(roles: Iterable[str], permission: str) -> bool:
    """Whether one of the roles, or a role that it builds on, holds the permission. Raises user_attributes.Unavailable."""
    held = set(roles)
    return ADMIN in held or permission in known(held)


def known(roles: Iterable[str]) -> set[str]:
    """Every permission of the roles, as `cached` has them; for `admin` see ADMIN. Raises like `hold`."""
    return _of(set(roles), cached)


def of(roles: Iterable[str]) -> set[str]:
    """Every permission of the roles as the table has them now; for `admin` see ADMIN. Raises like `hold`."""
    return _of(set(roles), user_attributes.role_definition)


def _of(roles: set[str], read: Callable[[str], RoleDefinition]) -> set[str]:
    permissions, seen, waiting = set[str](), set[str](), roles
    while waiting:
        definitions = [read(role) for role in sorted(waiting)]
        seen |= waiting
        permissions.update(*(definition.permissions for definition in definitions))
        waiting = {parent for definition in definitions for parent in definition.parents} - seen
    return permissions


def cached(role: str) -> RoleDefinition:
    """As it was at most CACHE_SECONDS ago. After that its version is read, and the whole only if that is another one, or
    if the role has none. Raises user_attributes.Unavailable."""
    read_at, known = _cache.get(role, (clock.NEVER, None))
    if known is not None and clock.since(read_at) < CACHE_SECONDS:
        return known
    asked_at = clock.now()  # an answer may be as old as its question
    if known is None or known.version is None or user_attributes.role_version(role) != known.version:
        known = user_attributes.role_definition(role)
    if len(_cache) >= _CACHE_ENTRIES:
        _cache.clear()
    _cache[role] = (asked_at, known)
    return known
