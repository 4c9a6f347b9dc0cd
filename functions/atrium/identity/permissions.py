"""The permissions of roles. A role's definition is cached by its version. Fails closed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from atrium.http.request import Claims
from atrium.identity.grant_items import Grant
from atrium.runtime import clock
from atrium.runtime.clock import Moment
from atrium.stores import user_table
from atrium.stores.user_table import RoleDefinition

ADMIN = "admin"
"""The role that holds every permission, whatever the table says."""
ROLE_NAME = r"^[a-z][a-z0-9_-]{0,63}\Z"
"""The pattern of a role's name."""

CACHE_SECONDS = 30  # seconds for which a permission may still work after its removal from a role
_CACHE_ENTRIES = 512

cache: dict[str, tuple[Moment, RoleDefinition]] = {}
"""Values that a container keeps between requests. Tests clear it."""

Define = Callable[[str], RoleDefinition]
"""A function that returns a role's own definition, empty for an unknown role."""


def hold(caller: Claims, permission: str, *, current: bool = False) -> bool:
    """Return True if a role of the token, or a role that it builds on, holds the permission.

    `current` reads the table instead of the cache, role by role until one holds it. Raises
    user_table.TableUnavailableError.
    """
    held = set(caller.roles)
    read = user_table.role_definition if current else cached
    return ADMIN in held or any(
        permission in definition.permissions
        for definition in _definitions(held, read, caller.role_generations, caller.withheld)
    )


def has_role(caller: Claims, role: str) -> bool:
    """Return True if the token has the role, and the role has not been deleted since.

    One call, unless the token lacks the role. Raises like `hold`.
    """
    if role not in caller.roles or role == ADMIN:
        return role in caller.roles
    definition = user_table.role_definition(role)
    return definition.version is not None and _is_same(definition, role, caller.role_generations)


def current(grants: Iterable[Grant], read: Define | None = None) -> list[Grant]:
    """Return the grants whose role has not been deleted since, even if the name is in use again.

    `read` defaults to the table as it is. Raises like `hold`.
    """
    define = read or user_table.role_definition
    return [grant for grant in grants if is_current(grant, define)]


def is_current(grant: Grant, define: Define) -> bool:
    """Return False for a grant of a role that has been deleted since."""
    return grant.role in (None, ADMIN) or define(grant.role).generation == grant.generation


def generation(role: str, promised: UUID | None = None) -> int | None:
    """Return the generation for a new grant, or None for an unknown role.

    With `promised`, a UUIDv7, a role that was deleted and created again since is unknown.
    One call. Raises `TableUnavailableError`.
    """
    if role == ADMIN:
        return 0
    meta = user_table.item(f"R#{role}", "META")
    if meta is None or (promised and meta.get("created", "") > str(promised)):
        return None
    return int(meta.get("generation", 0))


def if_generation(role: str, generation: int) -> dict[str, Any]:
    """Return an item of a transaction whose condition is that this role still exists."""
    key = {"Key": {"pk": {"S": f"R#{role}"}, "sk": {"S": "META"}}}
    condition = "attribute_exists(pk) AND attribute_not_exists(generation)"
    if generation == 0:
        return {"ConditionCheck": key | {"ConditionExpression": condition}}
    values = {":generation": {"N": str(generation)}}
    same = {"ConditionExpression": "generation = :generation", "ExpressionAttributeValues": values}
    return {"ConditionCheck": key | same}


def of(roles: Iterable[str], read: Define | None = None) -> set[str]:
    """Return the permissions of the roles as the table has them now. Raises like `hold`.

    The permissions of `admin` are not listed; see ADMIN.
    """
    return _of(set(roles), read or user_table.role_definition)


def lineage(roles: Iterable[str], read: Define) -> set[str]:
    """Return the roles and all that they build on. Raises like `hold`."""
    found, waiting = set[str](), set(roles)
    while waiting:
        found |= waiting
        waiting = {parent for role in waiting for parent in read(role).parents} - found
    return found


def _of(roles: set[str], read: Define) -> set[str]:
    return set[str]().union(*(definition.permissions for definition in _definitions(roles, read)))


def _definitions(
    roles: set[str],
    read: Define,
    generations: Mapping[str, int] | None = None,
    withheld: frozenset[str] = frozenset(),
) -> Iterator[RoleDefinition]:
    """Yield the definitions of the roles, then of their parents, level by level.

    Each is read only when it is wanted. With `generations`, roles of other generations are
    omitted: they were created after the token that names them. So are `withheld` ones, with what
    they build on.
    """
    seen, waiting = set[str](), roles
    while waiting:
        parents = set[str]()
        for role in sorted(waiting - withheld):
            definition = read(role)
            if generations is not None and not seen and not _is_same(definition, role, generations):
                definition = user_table.role_definition(role)  # the cache may be older
                if not _is_same(definition, role, generations):
                    continue
            yield definition
            parents |= definition.parents
        seen |= waiting
        waiting = parents - seen


def _is_same(definition: RoleDefinition, role: str, generations: Mapping[str, int]) -> bool:
    return definition.generation == generations.get(role, 0)


def cached(role: str) -> RoleDefinition:
    """Return a role's definition as it was at most CACHE_SECONDS ago.

    After that time its version is read. The definition is read again only if the version
    differs or is missing. Raises user_table.TableUnavailableError.
    """
    read_at, known = cache.get(role, (clock.NEVER, None))
    if known is not None and clock.since(read_at) < CACHE_SECONDS:
        return known
    asked_at = clock.now()  # the start of the read: the answer may be that old
    if known is None or known.version is None or user_table.role_version(role) != known.version:
        known = user_table.role_definition(role)
    if len(cache) >= _CACHE_ENTRIES:
        cache.clear()
    cache[role] = (asked_at, known)
    return known
