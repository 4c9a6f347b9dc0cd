"""The restoration of an account that its owner has deleted, by a sign-in in the grace period."""

from atrium.identity import commands, outbox
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres

COOKIE_HOURS = 1
"""The lifetime of the sign-in page's cookie, by which the page signs in without asking the person.

No call of Cognito ends it. A cookie from before the deletion is older than this.
"""

# The condition is in the UPDATE, so an erasure that begins at the same time finds the row changed.
_RESTORE = """
WITH restored AS (
    UPDATE users SET status = 'active', erase_at = NULL, version = version + 1, updated_at = now()
    WHERE uid = :uid::uuid AND status = 'deleted' AND erase_at > now()
        AND updated_at <= now() - make_interval(hours => :hours_ago::integer)
    RETURNING uid
), operation AS (
    INSERT INTO operations (id, kind, uid, actor) SELECT :operation::uuid, 'user.restore', uid, uid FROM restored
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes)
    SELECT :event::uuid, uid, uid, 'user.restored', jsonb_build_object('fields', '["status"]'::jsonb, 'operation', :operation::uuid)
    FROM restored
)
INSERT INTO outbox (id, command, arguments, actor)
SELECT :operation::uuid, 'enable_user', jsonb_build_object('uid', uid, 'status', 'active', 'previous_status', 'deleted', 'identities', (
    SELECT coalesce(jsonb_agg(jsonb_build_array(provider, subject)), '[]') FROM identities WHERE identities.uid = restored.uid
)), uid
FROM restored RETURNING id, command, arguments, actor
"""


class InProgressError(Exception):
    """An earlier change of the account has not ended. A later sign-in can restore it."""


def restore(uid: str, hours_ago: int = 0) -> bool:
    """Restore the account and return True, or return False if its grace period has ended.

    Also return False if the deletion was less than `hours_ago`.

    Raise InProgressError. Raises user_table.TableUnavailableError, after which outbox_relay
    completes the restoration.
    """
    try:
        rows = postgres.query(
            _RESTORE, uid=uid, hours_ago=hours_ago, operation=uuid7(), event=uuid7()
        )
    except postgres.UniqueViolationError as error:
        if error.constraint != "operations_pending_uid_key":
            raise
        raise InProgressError(f"{uid}: an earlier operation is pending.") from None
    if not rows:
        return False
    commands.send(outbox.command(rows[0]))
    return True
