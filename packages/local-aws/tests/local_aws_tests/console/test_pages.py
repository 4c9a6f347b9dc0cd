"""The console's pages and data, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from local_aws.api_gateway.app import Answered
from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.console.pages import PAGE, Console
from local_aws.console.recorder import Recorder
from local_aws.control_plane import endpoint
from local_aws.lambda_service import Invoked

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
Ask = Callable[[aiohttp.ClientSession, str], Awaitable[None]]


async def _moto(_: AwsCall) -> AwsResponse:
    return AwsResponse(200, b"")


async def _permit(_: AwsCall) -> AwsResponse | None:
    return None


@asynccontextmanager
async def console(recorder: Recorder) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Serve a console and yield a client with its address."""
    pages = Console(recorder)
    runner = web.AppRunner(endpoint.create_app({}, _moto, _permit, pages.routes()))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        yield session, f"http://{host}:{port}/_local/console"
    pages.close()
    await runner.cleanup()


def asked(ask: Ask) -> None:
    async def run() -> None:
        async with console(Recorder()) as (session, url):
            await ask(session, url)

    asyncio.run(run())


async def read(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as answer:
        assert answer.status == 200
        return await answer.json()


def seen(recorder: Recorder, path: str, status: int = 200, reason: str = "") -> None:
    recorder.answered(Answered("GET", path, status, 1.0, f"id-of-{path}", reason, None))


def test_the_list_is_searched_by_text_and_kind_and_continued() -> None:
    async def run() -> None:
        recorder = Recorder()
        async with console(recorder) as (session, url):
            for number in range(PAGE + 5):
                seen(recorder, f"/v1/users/{number}", 500 if number == 3 else 200)
            first = await read(session, f"{url}/requests")
            assert len(first["requests"]) == PAGE
            assert first["more"]
            assert first["requests"][0]["path"] == f"/v1/users/{PAGE + 4}"
            oldest = first["requests"][-1]["number"]
            rest = await read(session, f"{url}/requests?before={oldest}")
            assert [each["number"] for each in rest["requests"]] == [5, 4, 3, 2, 1]
            assert not rest["more"]
            [failed] = (await read(session, f"{url}/requests?kind=failed"))["requests"]
            assert failed["path"] == "/v1/users/3"
            found = (await read(session, f"{url}/requests?text=USERS/17"))["requests"]
            assert {each["path"] for each in found} >= {"/v1/users/17", "/v1/users/170"}
            assert len(found) == 11

    asyncio.run(run())


def test_a_request_is_shown_without_secrets_and_an_unknown_one_is_404() -> None:
    async def run() -> None:
        recorder = Recorder()
        async with console(recorder) as (session, url):
            line = json.dumps({"message": "sent", "authorization": f"Bearer {TOKEN}"})
            recorder.invoked(Invoked("f", "id", None, False, 1.0, None, [line, "<b>plain</b>"]))
            page = await read(session, f"{url}/requests/1")
            assert TOKEN not in json.dumps(page)
            assert page["log"][1] == "<b>plain</b>", "the page inserts it as text"
            async with session.get(f"{url}/requests/2") as answer:
                assert answer.status == 404

    asyncio.run(run())


def test_a_new_request_is_an_event() -> None:
    async def run() -> None:
        recorder = Recorder()
        seen(recorder, "/before")
        async with console(recorder) as (session, url), session.get(f"{url}/events") as events:
            assert events.content_type == "text/event-stream"
            seen(recorder, "/first")
            assert await _event(events) == ["/first"]
            seen(recorder, "/second")
            seen(recorder, "/third")
            assert await _event(events) == ["/second", "/third"]

    asyncio.run(run())


def test_a_stream_that_was_cut_off_continues_where_it_ended() -> None:
    async def run() -> None:
        recorder = Recorder()
        seen(recorder, "/first")
        seen(recorder, "/second")
        headers = {"Last-Event-ID": "1"}
        async with (
            console(recorder) as (session, url),
            session.get(f"{url}/events", headers=headers) as events,
        ):
            assert await _event(events) == ["/second"]

    asyncio.run(run())


async def _event(events: aiohttp.ClientResponse) -> list[str]:
    """Return the paths of the next event."""
    async with asyncio.timeout(20):
        while not (line := await events.content.readline()).startswith(b"data: "):
            pass
    return [each["path"] for each in json.loads(line.removeprefix(b"data: "))["requests"]]


@pytest.mark.parametrize("path", ["/", "/requests", "/requests/1", "/events", "/console.js"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Origin": "http://localhost:3000"},
        {"Host": "rebound.example.org"},
    ],
)
def test_a_page_of_another_site_reads_nothing(path: str, headers: dict[str, str]) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url + path, headers=headers) as answer:
            assert answer.status == 403

    asked(ask)


def test_the_page_runs_no_script_but_its_own() -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url) as answer:
            assert str(answer.url) == f"{url}/"
            page = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
        for inline_or_foreign in ("<script>", "style=", "://"):
            assert inline_or_foreign not in page
        for name in ("console.js", "console.css", "icon.svg"):
            assert name in page
            async with session.get(f"{url}/{name}") as answer:
                assert answer.status == 200
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for name in ("none.js", "..%2fpages.py", "%2e%2e/pages.py"):
            async with session.get(f"{url}/{name}") as answer:
                assert answer.status in (403, 404)

    asked(ask)
