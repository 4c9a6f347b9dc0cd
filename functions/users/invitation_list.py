"""`GET /v1/invitations`: the invited people, and the state of each invitation."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from atrium.http import etag, response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.paging import pages
from atrium.stores import postgres
from users import queries

State = Literal["pending", "open", "expired", "cancelled", "accepted", "failed"]


class InvitationFilter(pages.Parameters):
    state: State | None = None


class SentInvitation(msgspec.Struct):
    """An invitation as the API shows it. The entity tag has the version."""

    id: UUID
    uid: UUID | None
    email: str | None
    roles: list[str]
    state: State
    invited_by: UUID
    operation: UUID
    created_at: datetime
    sent_at: datetime | None
    expires_at: datetime
    accepted_at: datetime | None
    version: int


def list_(request: Request) -> Response:
    wanted = request.parameters(InvitationFilter)
    page = pages.requested(request, wanted)
    after = page.after[0] if page.after else None
    found = [_document(each) for each in select(wanted.state, after, page.limit + 1)]
    return pages.answer(request, page, found, key=lambda invitation: (invitation["id"],))


def read(request: Request) -> Response:
    found = find(request.uuid("id"))
    return response.json(_document(found), etag=etag.of_version(found.version, found.id))


def select(state: State | None, after: str | None, limit: int) -> list[SentInvitation]:
    """Return the newest invitations before the id `after`."""
    stored = "open" if state in ("expired", "cancelled") else state
    rows = postgres.query(
        queries.LIST_INVITATIONS, state=state, stored=stored, after=after, limit=limit
    )
    return [SentInvitation(*row) for row in rows]


def find(id: UUID) -> SentInvitation:
    """Return the invitation. Raise 404."""
    rows = postgres.query(queries.FIND_INVITATION, invitation=id)
    if not rows:
        raise Problem(404, "invitation_not_found", "The invitation does not exist.")
    return SentInvitation(*rows[0])


def _document(invitation: SentInvitation) -> dict[str, Any]:
    row = msgspec.structs.asdict(invitation)
    del row["version"]
    return row
