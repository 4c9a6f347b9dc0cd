"""Erasures: starts them after the grace period, and ends them once the account is deleted.

The last step deletes the user's items, then the rows, as personal_data.json declares. A run that
stops half-way is repeated as a whole, because the operation ends in the transaction of the rows.
"""

from collections.abc import Sequence
from typing import Any

from atrium.identity import personal_data, personal_items
from atrium.runtime import log
from atrium.runtime.uuid7 import uuid7
from atrium.stores import outbox, postgres, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.postgres import Statement

AT_ONCE = 100

_DUE = """
SELECT uid FROM users
WHERE erase_at <= now() AND status = 'deleted'
    AND NOT EXISTS (SELECT FROM operations WHERE operations.uid = users.uid AND state = 'pending')
ORDER BY erase_at LIMIT $1::integer
"""

# The person themselves asked for it. A sign-in that restores the account meets the row's lock.
_START = """
WITH due AS (
    SELECT uid FROM users WHERE uid = $2::uuid AND erase_at <= now() AND status = 'deleted' FOR UPDATE
), operation AS (
    INSERT INTO operations (id, kind, uid, actor) SELECT $1::uuid, 'user.erase', uid, uid FROM due
    ON CONFLICT DO NOTHING RETURNING id, uid, actor
)
INSERT INTO outbox (id, command, arguments, actor, due_at)
SELECT id, 'erase_user', jsonb_build_object('uid', uid, 'status', 'deleted', 'previous_status', 'deleted', 'identities', (
    SELECT coalesce(jsonb_agg(jsonb_build_array(provider, subject)), '[]') FROM identities WHERE identities.uid = operation.uid
)), actor, now()
FROM operation RETURNING id
"""

_OPERATIONS = "SELECT id::text FROM operations WHERE uid = $1::uuid"

_AUDIT = """
INSERT INTO audit_events (id, uid, actor, action, changes)
SELECT $1::uuid, uid, actor::text, 'user.erased', jsonb_build_object('operation', id)
FROM operations WHERE id = $2::uuid AND state = 'pending'
"""


def start_due() -> int:
    """Queue the erasures whose grace period has ended. Return their number."""
    due = postgres.query(_DUE, AT_ONCE)
    return sum(len(postgres.query(_START, uuid7(), uid)) for (uid,) in due)


def erase(operation: str, uid: str) -> None:
    """Erase the user's items and rows, and end the operation. Raises TableUnavailableError."""
    of_user = [id for (id,) in postgres.query(_OPERATIONS, uid)]
    retry_on_conflict(lambda: _erase_items(uid, of_user))
    audit = Statement(_AUDIT, (uuid7(), operation))
    postgres.batch(audit, outbox.ending(operation), *personal_data.erase_rows(uid))
    log.write("INFO", "user erased", uid=uid, command=operation)


def _erase_items(uid: str, operations: Sequence[str]) -> None:
    personal_items.delete(personal_items.deleted_keys(personal_items.find(uid, operations)))
    user_table.transact([_tombstone(uid)])


def _tombstone(uid: str) -> dict[str, Any]:
    """Return META's last change. It stays, so that nothing creates the user again.

    GSI1 lists the erased users, for the repetition of erasures after a restore.
    """
    return {
        "Update": {
            "Key": {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
            "UpdateExpression": "SET #status = :erased, gsi1pk = :list, gsi1sk = :uid ADD access_epoch :one, version :one",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":erased": {"S": "erased"},
                ":list": {"S": "ERASED"},
                ":uid": {"S": uid},
                ":one": {"N": "1"},
            },
        }
    }
