"""The items of a user in the table: found, exported and erased as the registry declares them."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from atrium.identity import admins, commands, grant_items, legacy_grants, personal_data
from atrium.identity.grant_items import Item, Key
from atrium.identity.personal_data import Kind
from atrium.runtime import log
from atrium.stores import user_table
from atrium.stores.about import about


def find(uid: str, operations: Iterable[str]) -> Iterator[Item]:
    """Yield every item about the user, copies of grants included.

    `operations` are the ids of the operations about the user. Raises `TableUnavailableError`.
    """
    for partition in sorted(
        {kind.partition for kind in personal_data.registry().items if kind.partition}
    ):
        for item in user_table.query(partition.replace("<uid>", uid)):
            yield item
            yield from _copies(item)
    for operation in operations:
        yield from _found(commands.key(operation))
    yield from user_table.query(about(uid)["gsi1pk"], index="GSI1")
    for holders in _found(admins.KEY):
        if uid in holders.get("uids", ()):
            yield holders | {"uids": [uid]}


def _copies(item: Item) -> Iterator[Item]:
    """Yield the other items of a grant: the pointer by its id, and the copy by its resource."""
    if "granted_by" not in item:
        return
    try:
        record = grant_items.record(item)
    except (KeyError, IndexError) as error:  # Decisions skip an unreadable grant, too.
        log.write(
            "ERROR", "unreadable grant", pk=item["pk"], sk=item["sk"], error=log.failure(error)
        )
        return
    of_layout = legacy_grants if legacy_grants.holds(item) else grant_items
    for key in of_layout.keys(record)[1:]:
        yield from _found(key)


def _found(key: Key) -> Iterator[Item]:
    if item := user_table.item(*key):
        yield item


def exported(found: Iterable[Item]) -> dict[str, list[dict[str, Any]]]:
    """Return the declared fields of the items by kind, with the placeholders of their keys."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for item in found:
        if "condition" in item and "scope" in item:
            item = item | {"scope": grant_items.scope_of(item)}
        if kind := personal_data.registry().kind(item):
            placed = kind.match(item) or {}
            values = {name: _value(kind, name, item[name]) for name in kind.fields & item.keys()}
            shown.setdefault(kind.name, []).append(placed | values)
    return shown


def _value(kind: Kind, name: str, stored: Any) -> Any:
    if name not in kind.json or not isinstance(stored, str):
        return stored
    try:
        return msgspec.json.decode(stored)
    except msgspec.DecodeError:  # an item of an earlier version
        return stored


def deleted_keys(found: Iterable[Item]) -> list[Key]:
    """Return the keys of the items that an erasure deletes, in the order of deletion.

    A copy of a grant comes before the grant, because a repeated run finds the copy by the grant.
    Items of an unknown kind in the user's own partitions are deleted, too. The set of
    administrators stays: the user was removed from it when the account was deleted.
    """
    keys = {
        (item["pk"], item["sk"]): None
        for item in found
        if (item["pk"], item["sk"]) != admins.KEY
        and ((kind := personal_data.registry().kind(item)) is None or kind.erasure == "delete")
    }
    return list(reversed(keys))


def delete(keys: list[Key]) -> None:
    """Delete the items, in transactions of the largest size. A repeat deletes the rest."""
    for start in range(0, len(keys), user_table.MAX_ITEMS):
        part = keys[start : start + user_table.MAX_ITEMS]
        user_table.transact([{"Delete": {"Key": grant_items.at(key)}} for key in part])
