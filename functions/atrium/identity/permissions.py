"""Which permissions a user's roles hold, by the table; those of a role are kept by its version. Fails closed."""

from collections.abc import Callable, Iterable, Iterator

from atrium.identity.grant_items import Grant
from atrium.runtime import clock
from atrium.runtime.clock import Moment
from atrium.stores import user_attributes
from atrium.stores.user_attributes import RoleDefinition

ADMIN = "admin"
"""The role that holds every permission, whatever the table says."""

CACHE_SECONDS = 30  # for so long at most may a permission that was taken from a role still work
_CACHE_ENTRIES = 512

_cache: dict[str, tuple[Moment, RoleDefinition]] = {}

Define = Callable[[str], RoleDefinition]
"""What a role holds by itself, and the roles that it builds on; empty for an unknown one."""


def hold(roles: Iterable[str], permission: str, *, current: bool = False) -> bool:
    """Return True if one of the roles, or a role that it builds on, holds the permission.

    `current` asks the table and never the cache, role by role until one holds it. Raises user_attributes.Unavailable.
    """
    held = set(roles)
    read = user_attributes.role_definition if current else cached
    return ADMIN in held or any(
        permission in definition.permissions for definition in _definitions(held, read)
    )


def living(grants: Iterable[Grant], read: Define | None = None) -> list[Grant]:
    """Return the grants but those of a role that has been deleted: another one may have its name by now.

    `read` defaults to the table as it is. Raises like `hold`.
    """
    define = read or user_attributes.role_definition
    return [grant for grant in grants if is_living(grant, define)]


def is_living(grant: Grant, define: Define) -> bool:
    """Return False for a grant of a role that has been deleted since."""
    return grant.role in (None, ADMIN) or define(grant.role).generation == grant.generation


def known(roles: Iterable[str]) -> set[str]:
    """Every permission of the roles, as `cached` has them; for `admin` see ADMIN. Raises like `hold`."""
    return _of(set(roles), cached)


def of(roles: Iterable[str], read: Define | None = None) -> set[str]:
    """Every permission of the roles as the table has them now; for `admin` see ADMIN. Raises like `hold`."""
    return _of(set(roles), read or user_attributes.role_definition)


def _of(roles: set[str], read: Define) -> set[str]:
    return set[str]().union(*(definition.permissions for definition in _definitions(roles, read)))


def _definitions(roles: set[str], read: Define) -> Iterator[RoleDefinition]:
    """Yield those of the roles, then of the roles that they build on, level by level. Each is read when it is wanted."""
    seen, waiting = set[str](), roles
    while waiting:
        parents = set[str]()
        for role in sorted(waiting):
            definition = read(role)
            yield definition
            parents |= definition.parents
        seen |= waiting
        waiting = parents - seen


def cached(role: str) -> RoleDefinition:
    """As it was at most CACHE_SECONDS ago. After that its version is read, and the whole only if that is another one, or
    if the role has none. Raises user_attributes.Unavailable."""
    read_at, known = _cache.get(role, (clock.NEVER, None))
    if known is not None and clock.since(read_at) < CACHE_SECONDS:
        return known
    asked_at = clock.now()  # an answer may be as old as its question
    if (
        known is None
        or known.version is None
        or user_attributes.role_version(role) != known.version
    ):
        known = user_attributes.role_definition(role)
    if len(_cache) >= _CACHE_ENTRIES:
        _cache.clear()
    _cache[role] = (asked_at, known)
    return known
