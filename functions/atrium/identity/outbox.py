"""The outbox in Postgres: commands that a change wrote in its own transaction.

A row stays until its operation ends. The writer of a row sends it at once, and `outbox_relay`
repeats that until there is an outcome.
"""

from typing import Any
from uuid import UUID

from atrium.identity.commands import INVITES, Command
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres

ERASE_RECORDS = "erase_records"
"""The last step of an erasure, which outbox_relay performs itself."""
SETTLED_SECONDS = 60
"""The time after a deletion by which the user's last request has ended.

A container accepts the token for up to 30 s, and a request takes up to 29 s.
"""

# One relay at a time takes a row. Its next turn is a minute later, then two, four, … an hour.
_TAKE_DUE = """
WITH due AS (
    SELECT id FROM outbox WHERE due_at <= now() ORDER BY due_at LIMIT :limit::integer FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET attempts = attempts + 1, due_at = now() + least(interval '1 minute' * 2 ^ least(attempts, 6), interval '1 hour')
FROM due WHERE outbox.id = due.id RETURNING outbox.id, command, arguments, actor
"""

# An outcome can arrive more than once. For an operation that has ended, this matches no row. An
# invitation that could not be sent again stays open, and expires with the mail that was sent.
_END = """
WITH ended AS (
    UPDATE operations SET state = :state::text, uid = coalesce(:uid::uuid, uid), reason = :reason::text, email = NULL, completed_at = now()
    WHERE id = :operation::uuid AND state = 'pending' RETURNING id, state = 'succeeded' AS succeeded, created_at
), invitation AS (
    UPDATE invitations SET
        state = CASE WHEN succeeded OR sent_at IS NOT NULL THEN 'open' ELSE 'failed' END,
        uid = coalesce(:uid::uuid, uid),
        sent_at = CASE WHEN succeeded THEN ended.created_at ELSE sent_at END,
        expires_at = CASE WHEN succeeded THEN expires_at ELSE coalesce(sent_at + (expires_at - ended.created_at), expires_at) END,
        version = version + 1
    FROM ended WHERE invitations.operation = ended.id AND invitations.state = 'pending'
)
DELETE FROM outbox USING ended WHERE outbox.id = ended.id
"""

# An earlier release recorded no status; its rows are of active users.
_UNDO = """
WITH ended AS (
    UPDATE operations SET state = 'failed', reason = :reason::text, completed_at = now()
    WHERE id = :operation::uuid AND state = 'pending' RETURNING id, uid, actor
), taken AS (
    DELETE FROM outbox USING ended WHERE outbox.id = ended.id RETURNING arguments ->> 'previous_status' AS status
), undone AS (
    UPDATE users SET
        status = coalesce((SELECT status FROM taken), 'active'),
        erase_at = CASE WHEN (SELECT status FROM taken) = 'deleted' THEN erase_at END,
        version = version + 1,
        updated_at = now()
    FROM ended WHERE users.uid = ended.uid
    RETURNING users.uid, ended.id, ended.actor
)
INSERT INTO audit_events (id, uid, actor, action, changes)
SELECT :event::uuid, uid, actor, 'user.status_restored', jsonb_build_object('fields', '["status"]'::jsonb, 'operation', id)
FROM undone
"""


_FIND = "SELECT id, command, arguments, actor FROM outbox WHERE id = :operation::uuid"

# The account is deleted from the pool. Requests that were accepted before may still write for a
# while, and what they write must be erased, too.
_ERASE_RECORDS = f"""
UPDATE outbox SET command = '{ERASE_RECORDS}', attempts = 0, due_at = now() + interval '{SETTLED_SECONDS} seconds'
WHERE id = :operation::uuid AND command = 'erase_user'
"""  # noqa: S608  no input in it


def command(row: tuple[Any, ...]) -> Command:
    """Return the command in the columns id, command, arguments, actor."""
    id, name, arguments, actor = row
    return Command(str(id), name, arguments, str(actor))


def take_due(limit: int) -> list[Command]:
    return [command(row) for row in postgres.query(_TAKE_DUE, limit=limit)]


def succeed(operation: str, uid: str | UUID | None = None) -> None:
    """End the operation with success. A repeat changes nothing.

    `uid` is the affected user, if that was not known before.
    """
    postgres.query(_END, operation=operation, state="succeeded", uid=uid, reason=None)


def ending(operation: str) -> postgres.Statement:
    """Return the statement that ends the operation with success."""
    ended = {"operation": operation, "state": "succeeded", "uid": None, "reason": None}
    return postgres.Statement(_END, ended)


def find(operation: UUID) -> Command | None:
    """Return the command of a pending operation."""
    rows = postgres.query(_FIND, operation=operation)
    return command(rows[0]) if rows else None


def erase_records(operation: str) -> None:
    """Let the relay erase the records, since the account is deleted. A repeat changes nothing."""
    postgres.query(_ERASE_RECORDS, operation=operation)


def fail(operation: str, reason: str) -> None:
    """End the operation with a `reason` that people can read. A repeat changes nothing."""
    postgres.query(_END, operation=operation, state="failed", uid=None, reason=reason)


def take_back(command: Command, reason: str) -> None:
    """End the operation of a rejected command and undo its change. A repeat changes nothing.

    A status returns to its previous value. An invitation has changed nothing.
    """
    if command.command in INVITES:
        fail(command.id, reason)
    else:
        postgres.query(_UNDO, operation=command.id, reason=reason, event=uuid7())
