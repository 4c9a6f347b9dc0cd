"""Lists of audit events, the newest first, as JSON or as NDJSON for an export.

The trail itself is written elsewhere: by the statement of a change in Postgres, or from the table's
stream by `attribute_changes`. `make audit-verify` checks it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Line
from atrium.paging import pages
from atrium.stores import postgres
from audit import queries

NDJSON = "application/x-ndjson"
_FIRST_MILLISECOND = "00000000-0000-7000-8000-000000000000"


class Action(Line):
    max_length = 100


class OwnFilter(pages.Parameters):
    action: Action | None = None
    from_: datetime | None = msgspec.field(default=None, name="from")


class EventFilter(OwnFilter):
    actor: Action | None = None


class Event(msgspec.Struct):
    """An event. `uid` is the user whom it is about; `actor` is a user, or an operator's name."""

    id: UUID
    uid: UUID | None
    actor: str
    action: str
    changes: dict[str, Any]
    request_id: str | None
    at: datetime


def list_all(request: Request) -> Response:
    return _list(request, request.parameters(EventFilter), None)


def list_of_user(request: Request) -> Response:
    return _list(request, request.parameters(EventFilter), str(request.uuid("id")))


def list_own(request: Request) -> Response:
    return _list(request, request.parameters(OwnFilter), request.caller.uid)


def find(
    wanted: OwnFilter, uid: str | None, after: tuple[Any, ...] | None, limit: int
) -> list[Event]:
    """Return the events before the id in `after`, the newest first."""
    actor = getattr(wanted, "actor", None)
    rows = postgres.query(
        queries.LIST_EVENTS,
        uid=uid,
        actor=actor and str(actor),
        action=wanted.action and str(wanted.action),
        first=wanted.from_ and first_id(wanted.from_),
        before=after[0] if after else None,
        limit=limit,
    )
    return [Event(*row) for row in rows]


def first_id(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of a time."""
    milliseconds = max(0, int(at.timestamp() * 1000)) & (1 << 48) - 1
    return UUID(int=milliseconds << 80 | UUID(_FIRST_MILLISECOND).int)


def _list(request: Request, wanted: OwnFilter, uid: str | None) -> Response:
    page = pages.requested(request, wanted)
    found = find(wanted, uid, page.after, page.limit + 1)
    answer = pages.answer(request, page, found, key=lambda event: (str(event.id),))
    if NDJSON not in request.headers.get("accept", ""):
        return answer
    lines = b"".join(msgspec.json.encode(event) + b"\n" for event in found[: page.limit])
    return Response(200, lines, {**answer.headers, "Content-Type": NDJSON})
