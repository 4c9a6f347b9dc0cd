"""Erasures: starts them after the grace period, and ends them once the account is deleted.

The last step deletes the user's items, then the rows, as personal_data.json declares. A run that
stops half-way is repeated as a whole, because the operation ends in the transaction of the rows.
"""

from collections.abc import Sequence
from typing import Any

from atrium.identity import outbox, personal_data, personal_items
from atrium.runtime import log
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.postgres import Statement
from outbox_relay import queries

AT_ONCE = 100


def start_due() -> int:
    """Queue the erasures whose grace period has ended. Return their number."""
    due = postgres.query(queries.FIND_DUE_ERASURES, limit=AT_ONCE)
    return sum(
        len(postgres.query(queries.START_ERASURE, operation=uuid7(), uid=uid)) for (uid,) in due
    )


def erase(operation: str, uid: str) -> None:
    """Erase the user's items and rows, and end the operation. Raises TableUnavailableError."""
    of_user = [id for (id,) in postgres.query(queries.FIND_OPERATIONS, uid=uid)]
    retry_on_conflict(lambda: _erase_items(uid, of_user))
    audit = Statement(queries.ADD_ERASED_EVENT, {"event": uuid7(), "operation": operation})
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
            "Key": user_table.meta_key(uid),
            "UpdateExpression": "SET #status = :erased, gsi1pk = :list, gsi1sk = :uid "
            + user_table.RAISE_EPOCH,
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":erased": {"S": "erased"},
                ":list": {"S": "ERASED"},
                ":uid": {"S": uid},
                **user_table.ONE,
            },
        }
    }
