"""The migration of grants from the layout of `legacy_grants.py`, in passes over all users.

A pass without a grant to move ends the migration. The item `legacy_grants.STATE` stores the
progress, so the next run continues an interrupted one. One transaction moves each grant, whatever
else is writing.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import msgspec
from yoyo.connections import parse_uri

from atrium.identity import admins, grant_items, grants, legacy_grants
from atrium.identity.grant_items import Item
from atrium.runtime import parallel
from atrium.stores import user_table
from atrium.stores.pipeline import Statement
from atrium.stores.user_table import TableUnavailableError, TransactionCanceledError
from migrate.connection import connect

USERS_AT_ONCE = 1000
"""Users per invocation.

The operator sees progress after each, and a killed run repeats only its own.
"""

Users = Callable[[str, int], Sequence[str]]
"""A function that takes a uid and a limit, and returns the uids that follow, in order."""

_NEXT = "SELECT uid::text FROM users WHERE uid > :after::uuid ORDER BY uid LIMIT :limit::integer"
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
_ATTEMPTS = 10


class State(msgspec.Struct):
    """The progress. `after` is the last completed user; `clean` is False once a grant was moved."""

    layout: legacy_grants.Layout = "before"
    since: int = 0
    after: str = _BEFORE_ALL
    clean: bool = True


def prepare() -> dict[str, Any]:
    """Start a new environment in the new layout. It has never had an administrator or a grant."""
    state = _read()
    if state.layout == "before" and user_table.item(*admins.KEY) is None:
        state.layout = "keyed"
        _write(state)
    return {"layout": state.layout}


def migrate(users: Users, *, dry_run: bool = False, after: str = _BEFORE_ALL) -> dict[str, Any]:
    """Move the grants of the next users, or count them; `after` is where a dry run continues.

    `seconds` in the response is the time to wait first: until then a container may still write
    the old layout.
    """
    if dry_run:
        return _dry(users, after)
    state = _read()
    if state.layout == "before":
        state = State("moving", since=int(time.time()))
        _write(state)
    if (
        state.layout == "moving"
        and (left := state.since + legacy_grants.CACHE_SECONDS + 1 - time.time()) > 0
    ):
        return {"layout": state.layout, "seconds": left}
    found = users(state.after, USERS_AT_ONCE)
    holders = [uid for uid in parallel.run([partial(_holder, uid) for uid in found]) if uid]
    if (
        holders and state.clean
    ):  # before the first move, so that a killed pass does not count as clean
        state.clean = False
        _write(state)
    counts = _each(holders, _move_user)
    if found:
        state.after = found[-1]
    else:  # the end of a pass
        state.layout = "keyed" if state.clean else state.layout
        state.after, state.clean = _BEFORE_ALL, True
    _write(state)
    return {"layout": state.layout, "users": len(found), "after": state.after, **counts}


def users_of(uri: str) -> Users:
    """Return a function that lists the users of the database at `uri`."""

    def users(after: str, limit: int) -> list[str]:
        with closing(connect(parse_uri(uri))) as connection:
            [rows] = connection.execute([Statement(_NEXT, {"after": after, "limit": limit})])
            return [uid for (uid,) in rows]

    return users


def _dry(users: Users, after: str) -> dict[str, Any]:
    found = users(after, USERS_AT_ONCE)
    counts = _each(found, _count_user)
    return {
        "layout": _read().layout,
        "users": len(found),
        "after": found[-1] if found else after,
        **counts,
    }


def _each(users: Sequence[str], work: Callable[[str], Counter[str]]) -> dict[str, int]:
    total = Counter(moved=0, merged=0, expired=0)
    for counts in parallel.run([partial(work, uid) for uid in users]):
        total.update(counts)
    return dict(total)


def _count_user(uid: str) -> Counter[str]:
    counts, seen = Counter[str](), set[str]()
    for item in legacy_grants.query(uid):
        key = grant_items.keys(grant_items.record(item))[0]
        kind = (
            "expired" if not grant_items.in_force(item) else "merged" if key[1] in seen else "moved"
        )
        counts[kind] += 1
        if kind == "moved":
            seen.add(key[1])
    return counts


def _holder(uid: str) -> str | None:
    return uid if next(legacy_grants.query(uid, page=1), None) else None


def _move_user(uid: str) -> Counter[str]:
    counts = Counter[str]()
    for attempt in range(_ATTEMPTS):
        found = list(legacy_grants.query(uid))
        if not found:
            return counts
        for item in found:
            try:
                counts[_move(item)] += 1
            except TransactionCanceledError:  # a concurrent write: read again
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311  no secret
    raise TableUnavailableError(
        f"{uid}: other writers changed the user's grants {_ATTEMPTS} times. Run the command again."
    )


def _move(item: Item) -> str:
    """Move a grant. Return `moved`, `merged` or `expired`.

    Raise TransactionCanceledError if a grant has changed meanwhile.
    """
    record = grant_items.record(item)
    if not grant_items.in_force(item):
        user_table.transact(grants.deletes(item))
        return "expired"
    held = user_table.item(*grant_items.keys(record)[0])
    if held is None or not grant_items.in_force(held):
        user_table.transact([*grants.deletes(item), *grants.keyed_puts(record)])
        return "moved"
    # The old layout allowed several grants of one right. The one that ends last is kept.
    kept = grant_items.record(held)
    if kept.role_generation != record.role_generation:  # a grant of a deleted role gives nothing
        kept = max(kept, record, key=lambda each: each.role_generation)
    elif (
        kept.condition != record.condition
    ):  # neither grant may outlast its end or lose its condition
        kept = min(kept, record, key=lambda each: each.condition is not None)
    elif held.get("expires_at") is not None and held["expires_at"] < item.get(
        "expires_at", float("inf")
    ):
        kept = msgspec.structs.replace(kept, expires_at=record.expires_at)
    user_table.transact([*grants.deletes(item), *grants.keyed_puts(kept, held)])
    return "merged"


def _read() -> State:
    return msgspec.convert(user_table.item(*legacy_grants.STATE) or {}, State)


def _write(state: State) -> None:
    values = {
        "layout": {"S": state.layout},
        "since": {"N": str(state.since)},
        "after": {"S": state.after},
        "clean": {"BOOL": state.clean},
    }
    user_table.transact([{"Put": {"Item": grant_items.at(legacy_grants.STATE) | values}}])
