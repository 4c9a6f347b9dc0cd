"""Users who are erased in only one store. Their erasure is queued again.

The table lists erased users in GSI1. Postgres keeps their rows with the status `erased`. A restored
backup of one store undoes the erasures since the backup, and the other store still has them.
`outbox_relay` and the stream then repeat the erasure like any other.
"""

from collections.abc import Iterable, Sequence

from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres, user_table
from atrium.stores.postgres import Statement
from replay_erasures import queries

_AT_ONCE = 100
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


def undone(named: Sequence[str] = ()) -> list[str]:
    """Return the uids whose erasure one of the stores has lost, and those of `named` that exist."""
    erased = [item["gsi1sk"] for item in user_table.query("ERASED", index="GSI1", only=["gsi1sk"])]
    in_postgres = _not_erased([*erased, *named])
    return sorted({*in_postgres, *_not_erased_in_table()})


def _not_erased(uids: Sequence[str]) -> Iterable[str]:
    for start in range(0, len(uids), _AT_ONCE):
        part = uids[start : start + _AT_ONCE]
        yield from (uid for (uid,) in postgres.query(queries.FIND_NOT_ERASED, uids=part))


def _not_erased_in_table() -> Iterable[str]:
    after = _BEFORE_ALL
    while rows := postgres.query(queries.LIST_ERASED, after=after, limit=_AT_ONCE):
        page = [uid for (uid,) in rows]
        metas = user_table.metas(page)
        yield from (uid for uid in page if uid not in metas or metas[uid].status != "erased")
        after = page[-1]


def queue(uids: Sequence[str]) -> list[str]:
    """Queue an erasure for each user. The relay sends it within a minute.

    Return the users with another pending operation, for whom nothing was queued.
    """
    statements = [
        Statement(queries.QUEUE_ERASURE, {"operation": uuid7(), "uid": uid}) for uid in uids
    ]
    for start in range(0, len(statements), _AT_ONCE):
        postgres.batch(*statements[start : start + _AT_ONCE])
    return [uid for (uid,) in postgres.query(queries.FIND_BUSY, uids=list(uids))]
