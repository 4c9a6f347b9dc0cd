"""The menu."""

from atrium import pages
from atrium.request import Request
from atrium.response import Response
from coffee import queries


def read(request: Request) -> Response:
    page = pages.requested(request)
    [after] = page.after or [None]
    return pages.answer(request, page, queries.menu(after, page.limit + 1), key=lambda coffee: (coffee.id,))
