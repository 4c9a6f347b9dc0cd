"""Disabling, enabling and deletion of a user, in Postgres, in the table and in Cognito.

Postgres comes first, because it can compare the version, write the audit row and queue the command
in one transaction. From then on pre_token_generation issues no token. A second transaction, in the
table, sets META, which ends the API's sessions (a container caches META for 30 s at most). It also
removes an administrator from the set, and puts the command that ends Cognito's sessions. If it
fails, `outbox_relay` repeats it.

The transaction is refused if nobody else is an administrator, if the caller's rights have ended
since the request arrived, or if the user's rights have changed since they were compared. The user
then gets the previous status back, which the outbox row has recorded, from this request or from the
relay.
"""

from typing import Literal
from uuid import UUID

import msgspec

from atrium.http import etag
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import admins, outbox
from atrium.identity.commands import Command, LastAdminError, RightsChangedError
from atrium.identity.delegation import Delegation
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres
from atrium.stores.postgres import Statement, UniqueViolationError
from atrium.stores.user_table import NOT_DELETED
from users import operations, people, profile, queries
from users.operations import Operation


class NewStatus(msgspec.Struct, forbid_unknown_fields=True):
    status: Literal["active", "disabled"]


class Change(msgspec.Struct, frozen=True):
    """A change of status. `action` is its name in the audit trail, `kind` the operation's.

    It applies to users with a status in `before`.
    """

    status: str
    kind: str
    command: str
    action: str
    before: tuple[str, ...] = NOT_DELETED


CHANGES = {
    "active": Change("active", "user.enable", "enable_user", "user.enabled"),
    "disabled": Change("disabled", "user.disable", "disable_user", "user.disabled"),
    "deleted": Change("deleted", "user.delete", "disable_user", "user.deleted"),
}
DELETE_OWN = Change("deleted", "user.delete_own", "suspend_user", "user.deleted")
ERASE = Change(
    "deleted", "user.erase", "erase_user", "user.erasure_requested", (*NOT_DELETED, "deleted")
)


def set_(request: Request) -> Response:
    """Set the status. A repeat runs again, which corrects a change in Cognito's console."""
    uid, wanted = request.uuid("id"), request.decode(NewStatus).status
    return _carry_out(request, uid, CHANGES[wanted])


def delete(request: Request) -> Response:
    """Mark the user as deleted. The record stays, hidden, until it is erased."""
    return _carry_out(request, request.uuid("id"), CHANGES["deleted"])


def _carry_out(request: Request, uid: UUID, change: Change) -> Response:
    versions = etag.expected_versions(request)
    epoch = Delegation(request.caller).check_target(str(uid))
    if change.command == "disable_user" and admins.is_last(str(uid)):
        raise last_admin()
    row, operation = write(uid, change, versions, request.caller.uid, request.request_id)
    start(outbox.command(row), epoch)
    return operations.accepted(request, operation)


def start(command: Command, epoch: int | None = None) -> None:
    """Send the command. Raise 409 if the table rejects it; the change is then undone."""
    try:
        operations.start(command, epoch)
    except LastAdminError:  # the other administrator was deleted since the read
        raise last_admin() from None
    except RightsChangedError:
        raise _rights_changed() from None


def write(
    uid: UUID,
    change: Change,
    versions: list[int] | None,
    actor: str,
    request_id: str,
    grace_days: int | None = None,
    invitation: tuple[UUID, int] | None = None,
) -> tuple[postgres.Row, Operation]:
    """Write the outbox's row and the operation. Raise 404, 409 or 412.

    `invitation` is the id and version of an invitation that must still be open.
    """
    id = uuid7()
    writing = statement(id, uid, change, versions, actor, request_id, grace_days, invitation)
    try:
        [queued, operation] = postgres.batch(writing, operations.select_operation(id))
    except UniqueViolationError as error:
        raise pending(error) from None
    if queued:
        return queued[0], Operation(*operation[0])
    raise people.not_found() if profile.find(uid) is None else etag.stale()


def statement(
    operation: UUID,
    uid: UUID,
    change: Change,
    versions: list[int] | None,
    actor: str,
    request_id: str,
    grace_days: int | None = None,
    invitation: tuple[UUID, int] | None = None,
) -> Statement:
    """Return the statement that writes the change, the operation, the outbox and the audit row."""
    return Statement(
        queries.CHANGE_STATUS,
        {
            "uid": uid,
            "status": change.status,
            "statuses_before": list(change.before),
            "versions": versions,
            "grace_days": grace_days,
            "operation": operation,
            "kind": change.kind,
            "command": change.command,
            "event": uuid7(),
            "action": change.action,
            "actor": actor,
            "request_id": request_id,
            "invitation": invitation[0] if invitation else None,
            "invitation_version": invitation[1] if invitation else None,
        },
    )


def pending(error: UniqueViolationError) -> Problem:
    """Return the 409 for a pending operation. Raise the error again if it has another cause."""
    if error.constraint != "operations_pending_uid_key":
        raise error
    detail = "An earlier change of this user's status is still in progress. Retry in a moment."
    return Problem(409, "operation_pending", detail, headers={"Retry-After": "1"})


def _rights_changed() -> Problem:
    detail = "This user's rights have changed meanwhile. Retry."
    return Problem(409, "rights_changed", detail, headers={"Retry-After": "1"})


def last_admin() -> Problem:
    detail = "This is the last administrator. Grant another user the permanent role `admin` everywhere first."
    return Problem(409, "last_admin", detail)
