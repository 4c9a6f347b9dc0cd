"""The list of requests, the page of one, the search in logs, and news as server-sent events."""

import asyncio
from collections.abc import Iterable
from itertools import islice

import msgspec
from aiohttp import web

from local_aws.console import answers
from local_aws.console.answers import own_page
from local_aws.console.entries import Summary, page_of, without_secrets
from local_aws.console.log_search import search
from local_aws.console.recorder import Recorder

PAGE = 200  # requests, or lines of logs
NEWS_SECONDS = 0.25  # between two events, so that many requests become one event
QUIET_SECONDS = 15.0  # after which a comment keeps the connection alive
SEARCHED_AT_ONCE = 5_000  # summaries, before other work gets its turn


class Requests:
    """The panels about requests, which `recorder` keeps."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._streams: set[asyncio.Task[None] | None] = set()
        self._search = asyncio.Semaphore(1)  # a search takes a processor for some 0.3 s

    def routes(self, path: str) -> list[web.RouteDef]:
        return [
            web.get(f"{path}/requests", own_page(self._requests)),
            web.get(f"{path}/requests/{{number:[0-9]{{1,15}}}}", own_page(self._request)),
            web.get(f"{path}/log", own_page(self._log)),
            web.get(f"{path}/events", own_page(self._events)),
        ]

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        for stream in self._streams:
            if stream:
                stream.cancel()

    async def _requests(self, request: web.Request) -> web.Response:
        """Answer a page of the list: requests before number `before`, with `text`, of one `kind`."""
        before = _number(request.query.get("before"), self._recorder.next)
        text, kind = request.query.get("text", "").lower(), request.query.get("kind", "")
        found: list[Summary] = []
        while len(found) <= PAGE and (
            some := list(islice(self._recorder.before(before), SEARCHED_AT_ONCE))
        ):
            found += (each for each in some if _fits(each, kind) and each.matches(text))
            before = some[-1].number
            await asyncio.sleep(0)
        kept = self._recorder.next - self._recorder.oldest
        more = len(found) > PAGE
        return answers.json({"requests": _shown(found[:PAGE]), "more": more, "kept": kept})

    async def _request(self, request: web.Request) -> web.Response:
        found = self._recorder.find(int(request.match_info["number"]))
        if found is None:
            return answers.refused("This request is no longer kept.", 404)
        return answers.json(page_of(found))

    async def _log(self, request: web.Request) -> web.Response:
        """Answer the newest lines of functions' logs that contain `text`."""
        text = request.query.get("text", "")
        async with self._search:
            lines = await asyncio.to_thread(search, self._recorder.kept(), text, PAGE)
        return answers.json({"lines": lines})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send the newest requests when they have been answered; at most one page per event."""
        headers = answers.HEADERS | {"Content-Type": "text/event-stream"}
        response = web.StreamResponse(headers=headers)
        stream = asyncio.current_task()
        self._streams.add(stream)
        newest = self._recorder.next - 1
        # A stack that was started again counts from 1 again.
        last = min(_number(request.headers.get("Last-Event-ID"), newest), newest)
        try:
            await response.prepare(request)
            while True:
                news = self._recorder.newest(last, PAGE)
                if news:
                    last = news[-1].number
                    kept = self._recorder.next - self._recorder.oldest
                    content = msgspec.json.encode({"requests": _shown(news), "kept": kept})
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
