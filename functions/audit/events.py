"""Lists of audit events, the newest first, as JSON or as NDJSON for an export.

The trail itself is written elsewhere: by the statement of a change in Postgres, or from the table's
stream by `attribute_changes`. `make audit-verify` checks it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from atrium.http import pages
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Line
from atrium.stores import postgres

NDJSON = "application/x-ndjson"
_FIRST_MILLISECOND = "00000000-0000-7000-8000-000000000000"

# Ids are UUIDv7, so their order is the order of time, and an id bounds a time. The plan uses the
# parameters, so absent filters cost nothing.
_PAGE = """
SELECT id, uid, actor, action, changes, request_id, at FROM audit_events
WHERE ($1::uuid IS NULL OR uid = $1::uuid)
    AND ($2::text IS NULL OR actor = $2::text)
    AND ($3::text IS NULL OR action = $3::text)
    AND ($4::uuid IS NULL OR id >= $4::uuid)
    AND ($5::uuid IS NULL OR id < $5::uuid)
ORDER BY id DESC LIMIT $6::integer
"""


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
        _PAGE,
        uid,
        actor and str(actor),
        wanted.action and str(wanted.action),
        wanted.from_ and first_id(wanted.from_),
        after[0] if after else None,
        limit,
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
