"""`POST /v1/users`: invite a user. The user exists once Cognito has created the account.

atrium.stores.outbox sends the command.
"""

from uuid import UUID

import msgspec

from atrium.http.problem import FieldError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Email, Locale, PersonName
from atrium.runtime.uuid7 import uuid7
from atrium.stores import idempotency
from atrium.stores.commands import Command, NewUser
from atrium.stores.postgres import Statement, UniqueViolationError
from users import operations, queries
from users.operations import Operation


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    email: Email
    given_name: PersonName | None = None
    family_name: PersonName | None = None
    locale: Locale | None = None


def invite(request: Request) -> Response:
    command = invitation_command(request.decode(Invitation), request.caller.uid)
    try:
        made = idempotency.once(
            request,
            [insert_invitation(command, request.request_id)],
            result=operations.select_operation(UUID(command.id)),
        )
    except idempotency.NothingMadeError:
        raise _taken(
            "email_taken",
            "This address is in use; a deleted user's address is released when the user is erased",
        ) from None
    except UniqueViolationError as pending:
        if pending.constraint != "operations_pending_email_key":
            raise
        raise _taken(
            "invitation_pending", "An invitation for this address is already pending"
        ) from None
    operation = msgspec.convert(made.row, Operation)
    if not made.is_replay:
        operations.start(command)
    return operations.accepted(request, operation, made.headers)


def invitation_command(invitation: Invitation, actor: str) -> Command:
    given = {
        name: str(value)
        for name, value in msgspec.structs.asdict(invitation).items()
        if value is not None
    }
    return Command(
        str(uuid7()), "create_user", msgspec.to_builtins(NewUser(str(uuid7()), **given)), actor
    )


def insert_invitation(command: Command, request_id: str) -> Statement:
    new = msgspec.convert(command.arguments, NewUser)
    return Statement(
        queries.INVITE,
        {
            "operation": command.id,
            "uid": new.uid,
            "email": new.email,
            "actor": command.actor,
            "arguments": command.arguments,
            "event": uuid7(),
            "request_id": request_id,
        },
    )


def _taken(code: str, detail: str) -> Problem:
    return Problem(409, code, f"{detail}.", errors=[FieldError("#/email", detail)])
