"""`POST /v1/users`: invite a user. The user exists once Cognito has created the account.

atrium.identity.outbox sends the command. The roles of the invitation are granted when it is accepted
(atrium/identity/acceptance.py). invitation_list.py and invitation_changes.py have the other routes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from atrium.http import idempotency_key
from atrium.http.problem import FieldError, Problem
from atrium.http.request import Claims, Request
from atrium.http.response import Response
from atrium.http.text import Email, Locale, PersonName
from atrium.identity import acceptance, address_rules, permissions, rules, token_size
from atrium.identity.address_rules import AddressRefusedError
from atrium.identity.commands import Command, NewUser
from atrium.identity.delegation import Delegation
from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.runtime import config
from atrium.runtime.uuid7 import uuid7
from atrium.stores import idempotency, postgres
from atrium.stores.postgres import Statement, UniqueViolationError
from users import operations, queries
from users.operations import Operation

DAYS = "7"
"""Days in which an invitation can be accepted. Cognito's temporary password ends with it."""
MAX_ROLES = 10

_IN_USE = "This address is in use; a deleted user's address is released when the user is erased"
_PENDING = "An invitation for this address is already pending"


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    email: Email
    given_name: PersonName | None = None
    family_name: PersonName | None = None
    locale: Locale | None = None
    roles: Annotated[
        list[Annotated[str, Meta(pattern=permissions.ROLE_NAME)]], Meta(max_length=MAX_ROLES)
    ] = msgspec.field(default_factory=list)


class InviteParameters(msgspec.Struct, forbid_unknown_fields=True):
    dry_run: bool = False


def invite(request: Request) -> Response:
    is_dry_run = request.parameters(InviteParameters).dry_run
    invitation = request.decode(Invitation)
    _check_address(invitation.email)
    check_roles(request.caller, invitation.roles)
    if is_dry_run:
        return _check_free(request, invitation.email)
    command = invitation_command(invitation, request.caller.uid)
    try:
        made = idempotency.once(
            request,
            [insert_invitation(command, request.request_id, invitation.roles)],
            result=operations.select_operation(UUID(command.id)),
        )
    except idempotency.NothingMadeError:
        raise _taken("email_taken", _IN_USE) from None
    except UniqueViolationError as pending:
        if pending.constraint != "operations_pending_email_key":
            raise
        raise _taken("invitation_pending", _PENDING) from None
    operation = msgspec.convert(made.row, Operation)
    if not made.is_replay:
        operations.start(command)
    return operations.accepted(request, operation, made.headers)


def _check_free(request: Request, email: str) -> Response:
    """Return 204 if the invitation could be sent now. Raise 409."""
    idempotency_key.of(request)
    [(is_used, is_pending)] = postgres.query(queries.CHECK_ADDRESS, email=email)
    if is_used:
        raise _taken("email_taken", _IN_USE)
    if is_pending:
        raise _taken("invitation_pending", _PENDING)
    return Response(204)


def invitation_command(invitation: Invitation, actor: str) -> Command:
    given = {
        name: str(value)
        for name, value in msgspec.structs.asdict(invitation).items()
        if value is not None and name != "roles"
    }
    return Command(
        str(uuid7()), "create_user", msgspec.to_builtins(NewUser(str(uuid7()), **given)), actor
    )


def insert_invitation(command: Command, request_id: str, roles: Sequence[str] = ()) -> Statement:
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
            "roles": list(roles),
            "days": days(),
        },
    )


def _check_address(email: str) -> None:
    """Raise 422 for an address that could not sign up either."""
    try:
        address_rules.check(email)
    except AddressRefusedError as refused:
        raise Problem(
            422,
            "email_refused",
            f"{refused}.",
            errors=[FieldError("#/email", str(refused))],
        ) from None


def days() -> int:
    return int(config.optional("INVITATION_DAYS", DAYS))


def check_roles(caller: Claims, roles: Sequence[str]) -> None:
    """Raise 422 for roles that cannot be granted, and 403 for those that the caller may not grant."""
    if not roles:
        return
    _check_granting(caller)
    generations = {role: permissions.generation(role) for role in roles}
    if errors := list(_faults(roles, generations)):
        raise Problem(
            422, "validation_failed", "The roles cannot be granted; see `errors`.", errors=errors
        )
    _check_each(caller, roles, generations)


def check_sent_roles(caller: Claims, roles: Sequence[str], invitation: UUID) -> None:
    """Raise 403 for roles of a sent invitation that the caller may not grant.

    A role that was deleted since does not count: its invitation grants nothing.
    """
    generations = {role: permissions.generation(role, invitation) for role in roles}
    if all(generation is None for generation in generations.values()):
        return
    _check_granting(caller)
    _check_each(caller, roles, generations)


def _check_granting(caller: Claims) -> None:
    """Raise 403 unless token and caller could grant roles by `POST /v1/users/{id}/grants`."""
    if acceptance.GRANTING_SCOPE not in caller.scopes:
        raise rules.insufficient_scope([acceptance.GRANTING_SCOPE])
    if not acceptance.may_grant(caller):
        detail = f"Granting roles needs the permission `{acceptance.GRANTING}`."
        errors = [FieldError("#/roles", detail)]
        raise Problem(403, "permission_missing", detail, errors=errors)


def _check_each(
    caller: Claims, roles: Sequence[str], generations: Mapping[str, int | None]
) -> None:
    delegation = Delegation(caller)
    for place, role in enumerate(roles):
        generation = generations[role]
        if generation is None:
            continue
        try:
            delegation.check_grant(Grant("", EVERYWHERE, role, generation=generation))
        except Problem as refused:
            refused.errors = [FieldError(f"#/roles/{place}", refused.detail)]
            raise


def _faults(roles: Sequence[str], generations: Mapping[str, int | None]) -> Iterator[FieldError]:
    for place, role in enumerate(roles):
        if generations[role] is None:
            yield FieldError(f"#/roles/{place}", "This role does not exist")
        elif role in roles[:place]:
            yield FieldError(f"#/roles/{place}", "Must not be repeated")
    known = {role: generation for role, generation in generations.items() if generation}
    if token_size.of_roles(generations, known) > token_size.MAX_ROLES:
        yield FieldError("#/roles", "The names of these roles would not fit into a token")


def _taken(code: str, detail: str) -> Problem:
    return Problem(409, code, f"{detail}.", errors=[FieldError("#/email", detail)])
