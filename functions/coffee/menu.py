"""The menu."""

from atrium.http.request import Request
from atrium.http.response import Response
from atrium.paging import pages
from coffee import queries


def read(request: Request) -> Response:
    page = pages.requested(request)
    [after] = page.after or [None]
    return pages.answer(
        request, page, queries.menu(after, page.limit + 1), key=lambda coffee: (coffee.id,)
    )
