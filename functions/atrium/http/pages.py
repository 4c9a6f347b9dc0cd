"""Lists by keyset: a page starts after the last row of the one before, so the ten-thousandth costs what the first does.

class OrderFilter(pages.Parameters):
    status: Literal["placed", "paid"] | None = None

page = pages.requested(request, request.parameters(OrderFilter))
placed_at, uid = page.after or (None, None)
rows = query("SELECT … WHERE ($1::timestamptz IS NULL OR (placed_at, id) < ($1, $2::uuid)) … LIMIT $3",
             placed_at, uid, page.limit + 1)
return pages.answer(request, page, [Order(*row) for row in rows], key=lambda order: (order.placed_at, order.id))
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from atrium.http import cursor, response
from atrium.http.request import Request
from atrium.http.response import Response

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class Parameters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Of every list. A list that can be filtered or sorted adds its own."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: str | None = None


class Page(msgspec.Struct, frozen=True):
    """`after` is the key of the row before this page, as JSON has it (times and UUIDs are texts); None on the first."""

    limit: int
    after: tuple[Any, ...] | None
    binding: bytes


def requested(request: Request, filter: Parameters | None = None) -> Page:
    """Raises 400: `parameters_invalid` without a `filter` of one's own, `cursor_invalid` for a cursor of another list."""
    asked = filter if filter is not None else request.parameters(Parameters)
    binding = _binding(request, asked)
    after = None if asked.cursor is None else cursor.verify(asked.cursor, binding)
    return Page(asked.limit, after, binding)


def answer[Row](
    request: Request, page: Page, rows: Sequence[Row], key: Callable[[Row], tuple[object, ...]]
) -> Response:
    """`rows` are those of the page and, when there is a next one, at least one more. `key` is what they are sorted by."""
    items = rows[: page.limit]
    if len(rows) <= page.limit:
        return response.json({"items": items, "next_cursor": None})
    next_cursor = cursor.sign(key(items[-1]), page.binding)
    link = f'<{_next(request, next_cursor)}>; rel="next"'  # RFC 8288
    return response.json({"items": items, "next_cursor": next_cursor}, headers={"Link": link})


def _binding(request: Request, asked: Parameters) -> bytes:
    """What must be the same for a cursor to hold: list, filter and caller. The limit may change on the way."""
    filter = {
        name: value
        for name, value in msgspec.structs.asdict(asked).items()
        if name not in ("limit", "cursor")
    }
    caller = request.claims.uid if request.claims else None
    whole = [request.route, request.path_parameters, filter, caller, request.reach]
    return msgspec.json.encode(whole, order="deterministic", enc_hook=str)


def _next(request: Request, next_cursor: str) -> str:
    from urllib.parse import quote, urlencode

    query = {name: values for name, values in request.query.items() if name != "cursor"}
    # Percent signs stay: the path is encoded already.
    return f"{quote(request.path, safe='/%:@,~')}?{urlencode(query | {'cursor': [next_cursor]}, doseq=True)}"
