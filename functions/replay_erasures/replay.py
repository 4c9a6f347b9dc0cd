"""Users who are erased in only one store. Their erasure is queued again.

The table lists erased users in GSI1. Postgres keeps their rows with the status `erased`. A restored
backup of one store undoes the erasures since the backup, and the other store still has them.
`outbox_relay` and the stream then repeat the erasure like any other.
"""

from collections.abc import Iterable, Sequence

from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres, user_table
from atrium.stores.postgres import Statement

_AT_ONCE = 100
_NOT_ERASED = "SELECT uid::text FROM users WHERE uid = ANY ($1::uuid[]) AND status <> 'erased'"
_ERASED = "SELECT uid::text FROM users WHERE status = 'erased' AND uid > $1::uuid ORDER BY uid LIMIT $2::integer"
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"

# The status of a user whom Postgres has erased stays; for others access ends at once. A command that
# is taken back, because nobody else is an administrator, restores the status.
_QUEUE = """
WITH found AS (
    SELECT uid, status FROM users WHERE uid = $2::uuid FOR UPDATE
), changed AS (
    UPDATE users SET status = 'deleted' FROM found WHERE users.uid = found.uid AND found.status <> 'erased'
), operation AS (
    INSERT INTO operations (id, kind, uid, actor) SELECT $1::uuid, 'user.erase', uid, uid FROM found
    ON CONFLICT DO NOTHING RETURNING id, uid, actor
)
INSERT INTO outbox (id, command, arguments, actor, due_at)
SELECT id, 'erase_user', jsonb_build_object('uid', uid, 'status', 'deleted', 'previous_status', found.status, 'identities', (
    SELECT coalesce(jsonb_agg(jsonb_build_array(provider, subject)), '[]') FROM identities WHERE identities.uid = operation.uid
)), actor, now()
FROM operation JOIN found USING (uid)
"""


def undone(named: Sequence[str] = ()) -> list[str]:
    """Return the uids whose erasure one of the stores has lost, and those of `named` that exist."""
    erased = [item["gsi1sk"] for item in user_table.query("ERASED", index="GSI1", only=["gsi1sk"])]
    in_postgres = _not_erased([*erased, *named])
    return sorted({*in_postgres, *_not_erased_in_table()})


def _not_erased(uids: Sequence[str]) -> Iterable[str]:
    for start in range(0, len(uids), _AT_ONCE):
        part = uids[start : start + _AT_ONCE]
        yield from (uid for (uid,) in postgres.query(_NOT_ERASED, part))


def _not_erased_in_table() -> Iterable[str]:
    after = _BEFORE_ALL
    while page := [uid for (uid,) in postgres.query(_ERASED, after, _AT_ONCE)]:
        statuses = user_table.statuses(page)
        yield from (uid for uid in page if statuses.get(uid) != "erased")
        after = page[-1]


def queue(uids: Iterable[str]) -> None:
    """Queue an erasure for each user, unless one is pending. The relay sends it within a minute."""
    statements = [Statement(_QUEUE, (uuid7(), uid)) for uid in uids]
    for start in range(0, len(statements), _AT_ONCE):
        postgres.batch(*statements[start : start + _AT_ONCE])
