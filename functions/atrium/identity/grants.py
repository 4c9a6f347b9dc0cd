"""Reads and changes of a user's grants. `atrium/identity/grant_items.py` describes the keys."""

import time
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from atrium.identity import grant_items, legacy_grants
from atrium.identity.grant_items import (
    DECIDING,
    EVERYWHERE,
    Grant,
    GrantRecord,
    Item,
    Key,
    partition,
)
from atrium.runtime import log, parallel
from atrium.stores import user_table

MAX_SORT_KEY_BYTES = 1024
"""DynamoDB's limit for a sort key, and for the prefix in a query."""

Asked = tuple[str, str, str]
"""A uid, and the type and the id of a resource."""


def everywhere(uid: str) -> list[Grant]:
    """Return the user's roles in the scope `*` that are in force.

    One Query. Raises `TableUnavailableError`.
    """
    now = time.time()
    return [
        grant
        for grant in _with_prefixes([(uid, f"{EVERYWHERE}#ROLE#")])[uid]
        if grant.role
        and grant.scope == EVERYWHERE
        and (grant.expires_at is None or grant.expires_at > now)
    ]


def role_names(everywhere: Iterable[Grant]) -> list[str]:
    """Return the names of the roles, each once, sorted."""
    return sorted({grant.role for grant in everywhere if grant.role})


def generations(grants: Iterable[Grant]) -> dict[str, int]:
    """Return the generations of the roles that are not 0."""
    return {grant.role: grant.generation for grant in grants if grant.role and grant.generation}


def first_end(grants: Iterable[Grant]) -> int | None:
    """Return when the first of the grants ends, in epoch seconds; None when none does."""
    return min((grant.expires_at for grant in grants if grant.expires_at is not None), default=None)


def covering(asked: Iterable[Asked]) -> dict[Asked, list[Grant]]:
    """Return for each (uid, type, id) the user's grants that cover the resource, expired ones too.

    All Queries run at once: three for each key, without duplicates. Raises `TableUnavailableError`.
    """
    scopes = {one: (EVERYWHERE, f"{one[1]}:*", f"{one[1]}:{one[2]}") for one in asked}
    found = _with_prefixes(
        {(one[0], f"{scope}#") for one, of_one in scopes.items() for scope in of_one}
    )
    # The prefix `document:7#` also begins the keys of a resource whose id is `7#8`.
    return {
        one: [grant for grant in found[one[0]] if grant.scope in of_one]
        for one, of_one in scopes.items()
    }


def of_type(uid: str, kind: str, limit: int | None = None) -> list[Grant]:
    """Return the user's grants that cover resources of a type, expired ones too. Two Queries at once.

    Each Query reads `limit` grants at most, first those of all resources of the type. Raises
    `TableUnavailableError`.
    """
    found = _with_prefixes([(uid, f"{EVERYWHERE}#"), (uid, f"{kind}:")], limit)
    return [
        grant
        for grant in found[uid]
        if grant.scope == EVERYWHERE or grant.scope.startswith(f"{kind}:")
    ]


def of_few(uid: str, limit: int) -> list[Grant] | None:
    """Return all grants of the user, or None if there are more than `limit`.

    One Query. Raises `TableUnavailableError`.
    """
    found = list(islice(_legacy(uid), limit + 1))
    found += islice(user_table.query(partition(uid), only=DECIDING, page=limit + 1), limit + 1)
    return list(_readable(found)) if len(found) <= limit else None


def whole(uid: str) -> list[Grant]:
    """Return all grants of the user, expired ones too.

    One call per megabyte. Raises `TableUnavailableError`.
    """
    earlier = list(_legacy(uid))
    return list(_readable([*earlier, *user_table.query(partition(uid), only=DECIDING)]))


def listed(uid: str, after: Key | None, page: int) -> Iterator[Item]:
    """Yield the items of the user's grants after the key `after`. Raises `TableUnavailableError`.

    One call per `page` items.
    """
    key = None if after is None else {"pk": after[0], "sk": after[1]}
    if after is None or after[0] != partition(uid):
        yield from _legacy(uid, key, page)
        key = None
    yield from user_table.query(partition(uid), after=key, page=page)


def find(uid: str, grant: str) -> Item | None:
    """Return the user's grant in force with this id, or None.

    Two calls. Raises `TableUnavailableError`.
    """
    for item in _legacy(uid):
        if grant_items.id_of(item) == grant and grant_items.in_force(item):
            return item
    pointer = user_table.item(*grant_items.pointer_key(grant))
    if pointer is None or pointer["uid"] != uid:
        return None
    found = user_table.item(partition(uid), pointer["grant_sk"])
    # The pointer of an expired grant can outlive a new grant that replaced it.
    return found if found and found["id"] == grant and grant_items.in_force(found) else None


def same(record: GrantRecord) -> Item | None:
    """Return the grant in force of the same right and scope.

    One call. Raises `TableUnavailableError`.
    """
    if held := _legacy_duplicate(record):
        return held
    found = user_table.item(*grant_items.keys(record)[0])
    return found if found and _is_same(found, record) else None


def puts(record: GrantRecord, replacing: Item | None = None) -> list[dict[str, Any]]:
    """Return the items of a transaction that creates or replaces a grant.

    The first item's condition fails if a grant of the same right and scope is in force that is
    not `replacing`. A grant of an earlier role of the same name is overwritten.
    """
    if not replacing and (held := _legacy_duplicate(record)):
        absent: dict[str, Any] = {
            "Key": grant_items.at((held["pk"], held["sk"])),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return [{"ConditionCheck": absent}]
    if replacing and legacy_grants.holds(replacing):
        own, *others = _puts(legacy_grants.items(record))
        # The migration may have moved the grant since it was read.
        own["Put"]["ConditionExpression"] = "attribute_exists(pk)"
        return [own, *others]
    if legacy_grants.layout() == "before" and not replacing:
        return _puts(legacy_grants.items(record))
    return [*keyed_puts(record, replacing), *([] if replacing else _pointer_deletes(record))]


def _pointer_deletes(record: GrantRecord) -> list[dict[str, Any]]:
    """Return the deletion of the pointer to a grant that `puts` overwrites, of an earlier role."""
    earlier = user_table.item(*grant_items.keys(record)[0]) if record.role_generation else None
    if earlier is None or grant_items.id_of(earlier) == record.id:
        return []
    return [{"Delete": {"Key": grant_items.at(grant_items.pointer_key(earlier["id"]))}}]


def keyed_puts(record: GrantRecord, replacing: Item | None = None) -> list[dict[str, Any]]:
    """Return the items of `puts` in the new layout, whatever the environment's layout is."""
    own, *others = _puts(grant_items.items(record))
    own["Put"] |= _if(replacing) if replacing else _unless_in_force(record.role_generation)
    if replacing and grant_items.id_of(replacing) != record.id:
        pointer = grant_items.pointer_key(grant_items.id_of(replacing))
        return [own, *others, {"Delete": {"Key": grant_items.at(pointer)}}]
    return [own, *others]


def deletes(item: Item) -> list[dict[str, Any]]:
    """Return the items of a transaction that deletes the grant.

    The condition of the first fails if the grant is gone.
    """
    record, is_legacy = grant_items.record(item), legacy_grants.holds(item)
    keys = legacy_grants.keys(record) if is_legacy else grant_items.keys(record)
    own, *others = _keyed(keys)
    own |= {"ConditionExpression": "attribute_exists(pk)"} if is_legacy else _if(item)
    return [{"Delete": each} for each in (own, *others)]


def _puts(items: Iterable[Item]) -> list[dict[str, dict[str, Any]]]:
    return [{"Put": {"Item": item}} for item in items]


def _keyed(keys: Iterable[Key]) -> list[dict[str, Any]]:
    return [{"Key": grant_items.at(key)} for key in keys]


def _if(item: Item) -> dict[str, Any]:
    return {
        "ConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": {"S": item["id"]}},
    }


def _unless_in_force(generation: int) -> dict[str, Any]:
    earlier = (
        " OR attribute_not_exists(role_generation) OR role_generation < :generation"
        if generation
        else ""
    )
    values = {":now": {"N": str(int(time.time()))}} | (
        {":generation": {"N": str(generation)}} if generation else {}
    )
    return {
        "ConditionExpression": f"attribute_not_exists(pk) OR expires_at <= :now{earlier}",
        "ExpressionAttributeValues": values,
    }


def _is_same(item: Item, record: GrantRecord) -> bool:
    """Return True if the item is in force and of the same right and the same role generation."""
    return grant_items.in_force(item) and grant_items.generation_of(item) == record.role_generation


def _legacy_duplicate(record: GrantRecord) -> Item | None:
    wanted = (record.scope, record.role, record.action)
    return next(
        (
            item
            for item in _legacy(record.uid)
            if "scope" in item  # an unreadable grant may lack it
            and (grant_items.scope_of(item), item.get("role"), item.get("action")) == wanted
            and _is_same(item, record)
        ),
        None,
    )


def _with_prefixes(
    wanted: Collection[tuple[str, str]], limit: int | None = None
) -> dict[str, list[Grant]]:
    """Return by uid the grants whose sort keys have a prefix, and all of the previous layout."""
    # The previous layout is read first. A grant that moves meanwhile is read twice, never missed.
    found = {uid: list(_legacy(uid)) for uid, _ in wanted}
    calls = [
        partial(_query, uid, prefix, limit)
        for uid, prefix in wanted
        if len(prefix.encode()) <= MAX_SORT_KEY_BYTES
    ]
    for uid, items in parallel.run(calls):
        found[uid] += items
    return {uid: list(_readable(items)) for uid, items in found.items()}


def _readable(items: Iterable[Item]) -> Iterator[Grant]:
    """Yield the grants of the items.

    An unreadable item is logged and skipped, so that sign-in still works.
    """
    for item in items:
        try:
            yield grant_items.grant(item)
        except (KeyError, IndexError) as error:
            log.write(
                "ERROR", "unreadable grant", pk=item["pk"], sk=item["sk"], error=log.failure(error)
            )


def _query(uid: str, prefix: str, limit: int | None) -> tuple[str, list[Item]]:
    items = user_table.query(partition(uid), prefix=prefix, only=DECIDING, page=limit)
    return uid, list(islice(items, limit))


def _legacy(
    uid: str, after: dict[str, str] | None = None, page: int | None = None
) -> Iterator[Item]:
    return iter(()) if legacy_grants.layout() == "keyed" else legacy_grants.query(uid, after, page)
