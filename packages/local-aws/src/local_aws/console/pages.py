"""The console's pages, its data as JSON, and its news as server-sent events.

Names and log lines are other people's text, so a strict content security policy stands behind the
scripts, which insert text only. A page of another site may not read anything here, nor make a
browser ask for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from itertools import islice
from pathlib import Path

import msgspec
from aiohttp import web

from local_aws.console.entries import Summary, page_of, without_secrets
from local_aws.console.recorder import Recorder

PATH = "/_local/console"
STATIC = Path(__file__).with_name("static")
PAGE = 200  # requests
NEWS_SECONDS = 0.25  # between two events, so that many requests become one event
QUIET_SECONDS = 15.0  # after which a comment keeps the connection alive
SEARCHED_AT_ONCE = 5_000  # summaries, before other work gets its turn

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_HEADERS = {
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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def own_page(handler: Handler) -> Handler:
    """Answer 403 to requests that a page of another site causes, by Fetch Metadata and Origin.

    https://www.w3.org/TR/fetch-metadata/
    """

    @wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        site = request.headers.get("Sec-Fetch-Site", "none")
        followed = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
        origin = request.headers.get("Origin", f"http://{request.host}")
        if (site not in ("same-origin", "none") and not followed) or (
            origin != f"http://{request.host}"
        ):
            return answer(
                msgspec.json.encode({"message": "Only the console's own pages may ask."}), 403
            )
        return await handler(request)

    return checked


def answer(body: bytes, status: int = 200, content_type: str = "application/json") -> web.Response:
    return web.Response(
        body=body, status=status, content_type=content_type, charset="utf-8", headers=_HEADERS
    )


class Console:
    """The console of a stack, whose requests `recorder` keeps."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._streams: set[asyncio.Task[None] | None] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self._to_page),
            web.get(f"{PATH}/", own_page(self._page)),
            web.get(f"{PATH}/requests", own_page(self._requests)),
            web.get(f"{PATH}/requests/{{number:[0-9]{{1,15}}}}", own_page(self._request)),
            web.get(f"{PATH}/events", own_page(self._events)),
            web.get(f"{PATH}/{{file:[a-z_]+\\.(?:js|css|svg)}}", own_page(self._file)),
        ]

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        for stream in self._streams:
            if stream:
                stream.cancel()

    async def _to_page(self, _: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": f"{PATH}/"})

    async def _page(self, _: web.Request) -> web.Response:
        return _static("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return _static(request.match_info["file"])

    async def _requests(self, request: web.Request) -> web.Response:
        """Answer a page of the list: `before` a number, with `text` in it, and of a `kind`."""
        before = _number(request.query.get("before"), self._recorder.next)
        text, kind = request.query.get("text", "").lower(), request.query.get("kind", "")
        found: list[Summary] = []
        left = self._recorder.before(before)
        searched = 0
        while len(found) <= PAGE and (some := list(islice(left, SEARCHED_AT_ONCE))):
            found += (each for each in some if _fits(each, kind) and each.matches(text))
            searched = some[-1].number
            await asyncio.sleep(0)
            left = self._recorder.before(searched)
        return answer(
            msgspec.json.encode(
                {
                    "requests": _shown(found[:PAGE]),
                    "more": len(found) > PAGE,
                    "kept": self._recorder.next - self._recorder.oldest,
                }
            )
        )

    async def _request(self, request: web.Request) -> web.Response:
        found = self._recorder.find(int(request.match_info["number"]))
        if found is None:
            message = "This request is no longer kept."
            return answer(msgspec.json.encode({"message": message}), 404)
        return answer(msgspec.json.encode(page_of(found)))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send the newest requests as they are answered; at most one page an event."""
        response = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
        stream = asyncio.current_task()
        self._streams.add(stream)
        last = _number(request.headers.get("Last-Event-ID"), self._recorder.next - 1)
        try:
            await response.prepare(request)
            while True:
                news = self._recorder.newest(last, PAGE)
                if news:
                    last = news[-1].number
                    content = msgspec.json.encode({"requests": _shown(news)})
                    await response.write(b"id: %d\ndata: %s\n\n" % (last, content))
                    await asyncio.sleep(NEWS_SECONDS)
                else:
                    await self._wait_for_news(response)
        except (ConnectionResetError, asyncio.CancelledError):
            pass  # the browser or the stack went away
        finally:
            self._streams.discard(stream)
        return response

    async def _wait_for_news(self, response: web.StreamResponse) -> None:
        changed = self._recorder.changed
        changed.clear()
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                await changed.wait()
        except TimeoutError:
            await response.write(b":\n\n")


def _fits(summary: Summary, kind: str) -> bool:
    match kind:
        case "failed":
            return summary.is_failed
        case "refused":
            return 400 <= summary.status < 500
        case "invoked":
            return summary.status == 0
        case "cold":
            return summary.start == "cold"
    return True


def _shown(found: Iterable[Summary]) -> list[Summary]:
    return [without_secrets(each) for each in found]


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else default


def _static(name: str) -> web.Response:
    path = STATIC / name
    if not path.is_file():
        return answer(b'{"message":"There is no such file."}', 404)
    return answer(path.read_bytes(), content_type=_TYPES[path.suffix])
