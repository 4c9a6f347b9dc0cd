"""Answers of the console, and the check that requests come from its own pages only.

Names and log lines are other people's text, so a strict content security policy stands behind the
scripts, which insert text only.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def own_page(handler: Handler, *, linked: bool = False) -> Handler:
    """Answer 403 to requests from pages of other sites, as Fetch Metadata and Origin show.

    With `linked`, links of other sites are followed. https://www.w3.org/TR/fetch-metadata/
    """

    @wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        site = request.headers.get("Sec-Fetch-Site", "none")
        followed = linked and request.headers.get("Sec-Fetch-Mode") == "navigate"
        own = f"http://{request.host}"
        if (site not in ("same-origin", "none") and not followed) or (
            request.headers.get("Origin", own) != own
        ):
            return refused("Only the console's own pages may ask.", 403)
        return await handler(request)

    return checked


def json(content: Any, status: int = 200) -> web.Response:
    return _response(msgspec.json.encode(content), status, "application/json")


def refused(message: str, status: int) -> web.Response:
    return json({"message": message}, status)


def file(path: Path) -> web.Response:
    """Return a file of the page, or 404."""
    if not path.is_file():
        return refused("There is no such file.", 404)
    return _response(path.read_bytes(), 200, _TYPES[path.suffix])


def _response(body: bytes, status: int, content_type: str) -> web.Response:
    return web.Response(
        body=body, status=status, content_type=content_type, charset="utf-8", headers=HEADERS
    )
