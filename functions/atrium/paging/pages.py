"""Keyset pagination: each page starts after the last row of the page before, so all cost the same.

class OrderFilter(pages.Parameters):
    status: Literal["placed", "paid"] | None = None

page = pages.requested(request, request.parameters(OrderFilter))
placed_at, id = page.after or (None, None)
rows = query(
    "SELECT … WHERE (:at::timestamptz IS NULL OR (placed_at, id) < (:at, :id::uuid)) … LIMIT :limit",
    at=placed_at, id=id, limit=page.limit + 1,
)
orders = [Order(*row) for row in rows]
return pages.answer(request, page, orders, key=lambda order: (order.placed_at, order.id))
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.paging import cursor

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class Parameters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The parameters of every list. A list with filters or sorting adds its own."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: str | None = None


class Page(msgspec.Struct, frozen=True):
    """A requested page.

    `after` is the key of the last row before it, as JSON values; None on the first page.
    """

    limit: int
    after: tuple[Any, ...] | None
    binding: bytes


def requested(request: Request, filter: Parameters | None = None) -> Page:
    """Return the requested page.

    Raise 400 `parameters_invalid` for invalid parameters, `cursor_invalid` for a cursor of
    another list.
    """
    asked = filter if filter is not None else request.parameters(Parameters)
    binding = _binding(request, asked)
    after = None if asked.cursor is None else cursor.verify(asked.cursor, binding)
    return Page(asked.limit, after, binding)


def answer[Row](
    request: Request, page: Page, rows: Sequence[Row], key: Callable[[Row], tuple[object, ...]]
) -> Response:
    """Return the response. `rows` has at least one more row than the page if a next page exists.

    `key` returns the sort key of a row.
    """
    items = rows[: page.limit]
    last = key(items[-1]) if len(rows) > page.limit else None
    return _answer(request, page, items, last)


MAX_READ = 1000
"""The rows that one page of `filtered` reads. Then the page ends, however short it is."""


def filtered[Row](
    request: Request,
    page: Page,
    read: Callable[[tuple[Any, ...] | None, int], Sequence[Row]],
    key: Callable[[Row], tuple[object, ...]],
    shows: Callable[[Row], bool],
) -> Response:
    """Return the response with a page of the rows that `shows` accepts.

    `read(after, limit)` returns at most `limit` rows after the sort key `after`. After the first
    read `limit` is MAX_LIMIT, so that a small page costs as few round trips as a large one.
    """
    found, seen, after, size = list[Row](), 0, page.after, page.limit + 1
    while True:
        rows = read(after, size)
        seen += len(rows)
        for row in rows:
            if shows(row):
                found.append(row)
            if len(found) > page.limit:
                return answer(request, page, found, key)
            last = key(row)
        if len(rows) < size:
            return _answer(request, page, found, None)
        if seen >= MAX_READ:
            return _answer(request, page, found, last)
        after = msgspec.json.decode(msgspec.json.encode(last, enc_hook=str), type=tuple[Any, ...])
        size = MAX_LIMIT


def _answer(
    request: Request, page: Page, items: Sequence[object], last: tuple[object, ...] | None
) -> Response:
    """Return the response. `last` is the key after which the next page begins, if there is one."""
    if last is None:
        return response.json({"items": items, "next_cursor": None})
    next_cursor = cursor.sign(last, page.binding)
    link = f'<{_next(request, next_cursor)}>; rel="next"'  # RFC 8288
    return response.json({"items": items, "next_cursor": next_cursor}, headers={"Link": link})


def _binding(request: Request, asked: Parameters) -> bytes:
    """Return what a cursor is bound to: list, filter and caller. The limit may change."""
    filter = {
        name: value
        for name, value in msgspec.structs.asdict(asked).items()
        if name not in ("limit", "cursor")
    }
    caller = request.claims.uid if request.claims else None
    whole = [request.route, request.path_parameters, filter, caller, request.row_access]
    return msgspec.json.encode(whole, order="deterministic", enc_hook=str)


def _next(request: Request, next_cursor: str) -> str:
    from urllib.parse import quote, urlencode

    query = {name: values for name, values in request.query.items() if name != "cursor"}
    # Percent signs stay, because the path is already encoded.
    return f"{quote(request.path, safe='/%:@,~')}?{urlencode(query | {'cursor': [next_cursor]}, doseq=True)}"
