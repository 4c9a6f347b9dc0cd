"""Sending an invitation again, and cancelling it, while it is open or expired.

Cancelling erases the invited user, who has never signed in, so the address is free again.
"""

from uuid import UUID

import msgspec

from atrium.http import etag
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import outbox
from atrium.identity.delegation import Delegation
from atrium.runtime.uuid7 import uuid7
from atrium.stores import idempotency, postgres
from atrium.stores.postgres import Statement, UniqueViolationError
from users import invitation_list, invitations, operations, queries, status
from users.invitation_list import SentInvitation
from users.operations import Operation
from users.status import Change

CANCEL = Change("deleted", "user.erase", "erase_user", "user.invitation_cancelled")


def resend(request: Request) -> Response:
    """Mail another temporary password. The caller takes the place of the inviter."""
    invitation, id = request.uuid("id"), uuid7()
    _check_caller(request, invitation_list.find(invitation))
    work = resend_invitation(invitation, id, request.caller.uid, request.request_id)
    try:
        made = idempotency.once(request, [work], result=operations.select_operation(id))
    except idempotency.NothingMadeError:
        raise _not_sendable(invitation_list.find(invitation)) from None
    except UniqueViolationError as error:
        raise status.pending(error) from None
    operation = msgspec.convert(made.row, Operation)
    if not made.is_replay and (command := outbox.find(operation.id)):
        operations.start(command)
    return operations.accepted(request, operation, made.headers)


def cancel(request: Request) -> Response:
    id = request.uuid("id")
    versions = etag.expected_versions(request, id)
    found = invitation_list.find(id)
    if versions is not None and found.version not in versions:
        raise etag.stale()
    if found.state not in ("open", "expired"):
        raise _not_open(found)
    epoch = _check_caller(request, found)
    row, operation = write_cancel(found, request.caller.uid, request.request_id)
    status.start(outbox.command(row), epoch)
    return operations.accepted(request, operation)


def resend_invitation(invitation: UUID, operation: UUID, actor: str, request_id: str) -> Statement:
    """Return the statement that writes the operation, the outbox and the audit row."""
    return Statement(
        queries.RESEND_INVITATION,
        {
            "invitation": invitation,
            "operation": operation,
            "actor": actor,
            "days": invitations.days(),
            "event": uuid7(),
            "request_id": request_id,
        },
    )


def write_cancel(
    found: SentInvitation, actor: str, request_id: str
) -> tuple[postgres.Row, Operation]:
    """Write the outbox's row and the operation. Raise 404, 409 or 412."""
    assert found.uid
    open_as = (found.id, found.version)
    return status.write(found.uid, CANCEL, None, actor, request_id, invitation=open_as)


def _check_caller(request: Request, found: SentInvitation) -> int | None:
    """Raise 403 unless the caller may change the user and grant the roles.

    Return the user's epoch.
    """
    caller = Delegation(request.caller)
    epoch = caller.check_target(str(found.uid)) if found.uid else None
    invitations.check_sent_roles(request.caller, found.roles, found.id)
    return epoch


def _not_sendable(found: SentInvitation) -> Problem:
    if found.state not in ("open", "expired"):
        return _not_open(found)
    return Problem(409, "user_disabled", "The invited user is disabled. Enable the user first.")


def _not_open(found: SentInvitation) -> Problem:
    if found.state == "pending":
        detail = "The invitation is being sent. Retry in a moment."
        return Problem(409, "operation_pending", detail, headers={"Retry-After": "1"})
    detail = f"The invitation is {found.state}. Only an open or expired one can be changed."
    return Problem(409, "invitation_ended", detail)
