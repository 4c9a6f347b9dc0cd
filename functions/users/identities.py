"""`PUT /v1/users/{id}/identity`: the account in the user pool with which a user signs in.

It links what `reconcile` does not: somebody has lost their account in the pool and signed up again
with the same address. The table comes first: it ends the sessions and MFA of the earlier account,
because the new one has not set up the second factor. If Postgres then refuses or fails, nobody has
more access than before, and the request can be repeated.
"""

from typing import Any, Literal
from uuid import UUID

import msgspec

from atrium.http import etag, response
from atrium.http.problem import FieldError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity.commands import Command
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres
from atrium.stores.postgres import UniqueViolationError
from users import invitations, people, queries, sessions


class NewIdentity(msgspec.Struct, forbid_unknown_fields=True):
    """The account's `sub`, and the reason. The trail outlives an erasure, so it has no free text."""

    subject: UUID
    reason: Literal["account_recreated", "pool_replaced", "wrong_link"]


class Identity(msgspec.Struct):
    """The account of a user. `replaced` are the earlier accounts in this pool."""

    subject: str
    replaced: list[str]


def link(request: Request) -> Response:
    """Let the user sign in with this account only, and end the sessions of the earlier ones."""
    uid, new = request.uuid("id"), request.decode(NewIdentity)
    provider = f"cognito:{request.stage_variables['user_pool_id']}"
    versions = etag.expected_versions(request)
    _check(request, uid, provider, str(new.subject), versions)
    _end_sessions(request, str(uid))
    return response.json(write(request, uid, provider, new, versions))


def _check(
    request: Request, uid: UUID, provider: str, subject: str, versions: list[int] | None
) -> None:
    """Raise 403, 404, 409 or 412, before anything is changed."""
    rows = postgres.query(queries.FIND_LINK, uid=uid, provider=provider, subject=subject)
    if not rows:
        raise people.not_found()
    version, is_taken = rows[0]
    if versions is not None and version not in versions:
        raise etag.stale()
    if is_taken:
        raise _taken()
    _check_invitations(request, uid)


def _check_invitations(request: Request, uid: UUID) -> None:
    """Raise 403 if the user's invitation has roles that the caller may not grant.

    The linked account would accept it at its first sign-in.
    """
    for id, roles in postgres.query(queries.FIND_UNUSED_INVITATIONS, uid=uid):
        invitations.check_sent_roles(request.caller, roles, id)


def _end_sessions(request: Request, uid: str) -> None:
    arguments = {"uid": uid, "identities": sessions.identities(uid)}
    command = Command(str(uuid7()), "sign_out_user", arguments, request.caller.uid)
    sessions.end_every(request, uid, command, sessions.WITHOUT_MFA)


def write(
    request: Request, uid: UUID, provider: str, new: NewIdentity, versions: list[int] | None
) -> Identity:
    """Link the account in Postgres. Raise 409 or 412 if another request was faster."""
    subject = str(new.subject)
    asked: dict[str, Any] = {"provider": provider, "subject": subject, "reason": new.reason}
    try:
        rows = postgres.query(
            queries.LINK,
            **asked,
            uid=uid,
            versions=versions,
            event=uuid7(),
            actor=request.caller.uid,
            request_id=request.request_id,
        )
    except UniqueViolationError as error:
        if error.constraint != "identities_pkey":
            raise
        raise _taken() from None
    if not rows:
        raise etag.stale()
    return Identity(subject, rows[0][0])


def _taken() -> Problem:
    detail = "This account belongs to another user. Nothing was changed."
    return Problem(409, "identity_taken", detail, errors=[FieldError("#/subject", detail)])
