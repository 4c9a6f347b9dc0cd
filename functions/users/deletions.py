"""`DELETE /v1/me`, which a sign-in undoes for some days, and `POST /v1/users/{id}/erasures`.

Both end the user's access as status.py does. After deleting the own account, a person can still
sign in, which restores it (atrium/identity/restoration.py). When the grace period has ended,
`outbox_relay` starts the erasure; an administrator starts it at once. The erasure deletes the
account in the pool first, then the data that personal_data.json declares.
"""

from typing import Literal
from uuid import UUID

import msgspec

from atrium.http import etag, response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import admins, outbox
from atrium.identity.delegation import Delegation
from atrium.runtime import config
from atrium.runtime.uuid7 import uuid7
from atrium.stores import idempotency
from atrium.stores.postgres import UniqueViolationError
from users import me, operations, people, status
from users.operations import Operation

GRACE_DAYS = "14"


class AccountDeletion(msgspec.Struct):
    """The answer. The account is erased after `erase_at`, unless the person signs in before."""

    uid: str
    status: Literal["deleted"]
    erase_at: str


def delete_own(request: Request) -> Response:
    uid = request.caller.uid
    versions = etag.expected_versions(request, me.rights_of(request))
    if admins.is_last(uid):
        raise status.last_admin()
    days = int(config.optional("DELETION_GRACE_DAYS", GRACE_DAYS))
    row, _ = status.write(
        UUID(uid), status.DELETE_OWN, versions, uid, request.request_id, grace_days=days
    )
    command = outbox.command(row)
    status.start(command)
    return response.json(AccountDeletion(uid, "deleted", command.arguments["erase_at"]), 202)


def erase(request: Request) -> Response:
    """Start the erasure of a user, also of a deleted one."""
    uid, id = request.uuid("id"), uuid7()
    epoch = Delegation(request.caller).check_target(str(uid))
    if admins.is_last(str(uid)):
        raise status.last_admin()
    change = status.statement(id, uid, status.ERASE, None, request.caller.uid, request.request_id)
    try:
        made = idempotency.once(request, [change], result=operations.select_operation(id))
    except idempotency.NothingMadeError:
        raise people.not_found() from None
    except UniqueViolationError as error:
        raise status.pending(error) from None
    operation = msgspec.convert(made.row, Operation)
    if not made.is_replay and (command := outbox.find(operation.id)):
        status.start(command, epoch)
    return operations.accepted(request, operation, made.headers)
