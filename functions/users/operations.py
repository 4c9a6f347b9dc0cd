"""Operations that run outside the database, with their state. `GET /v1/operations/{id}`."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from atrium.http import response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import commands, outbox
from atrium.identity.commands import Command, LastAdminError, RightsChangedError
from atrium.runtime import log
from atrium.stores import postgres, user_table
from atrium.stores.authority import TokenStaleError
from atrium.stores.postgres import Statement
from users import queries


class Operation(msgspec.Struct):
    id: UUID
    kind: str
    state: Literal["pending", "succeeded", "failed"]
    uid: UUID | None
    reason: str | None
    created_at: datetime
    completed_at: datetime | None


def read(request: Request) -> Response:
    found = find(request.uuid("id"), request.caller.uid if request.row_access == "self" else None)
    if found is None:
        raise Problem(
            404,
            "operation_not_found",
            "The operation does not exist, or you do not have access to it.",
        )
    return response.json(found)


def find(operation: UUID, actor: str | None) -> Operation | None:
    """Return the operation, if `actor` started it; None means any actor."""
    rows = postgres.query(queries.FIND_OPERATION, operation=operation, actor=actor)
    return Operation(*rows[0]) if rows else None


def select_operation(operation: UUID) -> Statement:
    return Statement(queries.FIND_OPERATION, {"operation": operation, "actor": None})


def accepted(
    request: Request, operation: Operation, headers: dict[str, str] | None = None
) -> Response:
    """Return a 202 with the location of the operation."""
    location = {"Location": request.href(f"/v1/operations/{operation.id}")}
    return response.json(operation, 202, headers=location | (headers or {}))


def start(command: Command, access_epoch: int | None = None) -> None:
    """Send the outbox's command if the caller's token is current and the user has this epoch.

    The relay sends it later, without these conditions, if the table is unavailable. Raises
    commands.LastAdminError, commands.RightsChangedError or authority.TokenStaleError if the
    command is rejected and undone.
    """
    try:
        commands.send(command, access_epoch)
    except RightsChangedError:
        outbox.take_back(command, "The user's rights changed before the operation ran.")
        raise
    except LastAdminError:
        outbox.take_back(command, "Nobody else is an administrator.")
        raise
    except TokenStaleError:
        outbox.take_back(command, "The requester's access changed before the operation ran.")
        raise
    except user_table.TableUnavailableError as error:
        log.write("WARN", "command left to the relay", command=command.id, error=log.failure(error))
