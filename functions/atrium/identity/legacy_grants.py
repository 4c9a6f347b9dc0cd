"""The layout of grants before `grant_items.py`, in use until `make migrate-items` has moved all.

    U#<uid>          ROLE#<scope>#<role>#<id>  or  PERM#<type>#<id>#<action>#<id>     the grant
    ON#<type>#<id>   U#<uid>#<id>                                                     a copy with its scope
    G#               LAYOUT                   {layout, since, after}                  the migration's progress

The previous release reads only this layout. So grants are written in it until the operator starts
the migration. By then no code of the previous release runs any more. Delete this file one release
later: docs/runbooks/migrate-items.md.
"""

from collections.abc import Iterator
from typing import Literal

from atrium.identity.grant_items import (
    EVERYWHERE,
    GrantRecord,
    Item,
    Key,
    at,
    attributes,
    index_keys,
    resource_key,
    texts,
)
from atrium.runtime import clock
from atrium.runtime.clock import Moment
from atrium.stores import user_table

Layout = Literal["before", "moving", "keyed"]
"""The state of the migration: `before` writes this layout, `moving` reads both, `keyed` is done."""

STATE = ("G#", "LAYOUT")
CACHE_SECONDS = 20
"""The longest time that a container still writes this layout after the migration's start."""

_GRANTS = ("PERM#", "ROLE$")
cache: dict[Key, tuple[Moment, Layout]] = {}
"""Values that a container keeps between requests. Tests clear it."""


def layout() -> Layout:
    """Return the layout, cached for CACHE_SECONDS; `keyed` is final.

    Raises `TableUnavailableError`.
    """
    read_at, known = cache.get(STATE, (clock.NEVER, None))
    if known == "keyed" or (known and clock.since(read_at) < CACHE_SECONDS):
        return known
    asked_at = clock.now()
    found = user_table.item(*STATE)
    known = found["layout"] if found else "before"
    cache[STATE] = (asked_at, known)
    return known


def query(uid: str, after: dict[str, str] | None = None, page: int | None = None) -> Iterator[Item]:
    """Yield the user's grants in this layout. Raises `TableUnavailableError`.

    One call per megabyte, or per `page` items.
    """
    return user_table.query(f"U#{uid}", between=_GRANTS, after=after, page=page)


def holds(item: Item) -> bool:
    """Return True if the item is a copy of a grant in this layout."""
    return "id" not in item


def keys(record: GrantRecord) -> list[Key]:
    """Return the keys of the record's items, the one under the user first."""
    name = (
        f"ROLE#{record.scope}#{record.role}"
        if record.role
        else f"PERM#{record.scope.replace(':', '#', 1)}#{record.action}"
    )
    found = [(f"U#{record.uid}", f"{name}#{record.id}")]
    if record.scope != EVERYWHERE:
        found.append((resource_key(record.scope), f"U#{record.uid}#{record.id}"))
    return found


def items(record: GrantRecord) -> list[Item]:
    """Return the record's items in DynamoDB's types, the one under the user first."""
    own, *on_resource = keys(record)
    shared = attributes(record)
    return [
        at(own) | shared | texts(index_keys(record)),
        *(at(key) | shared for key in on_resource),
    ]
