"""Calls of the API, to which the generated operations are added."""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from atrium_client import errors, retries
from atrium_client.entity import Entity, IfMatch, etag_of
from atrium_client.flow import AsyncRunner, Flow, Runner
from atrium_client.tokens import Session

Item = TypeVar("Item")
type Query = Mapping[str, str | int | bool | None]

NOT_CURED_BY_REFRESH = frozenset(
    {"recent_sign_in_required", "session_ended", "user_disabled", "user_gone"}
)


class Page[Item]:
    """One page of a list; `next_cursor` is None on the last one."""

    def __init__(self, read: Mapping[str, Any]) -> None:
        self.items: list[Item] = read["items"]
        self.next_cursor: str | None = read.get("next_cursor")


class Caller:
    """Blocking calls."""

    def __init__(self, runner: Runner, session: Session | None = None) -> None:
        self._runner, self._session = runner, session

    def _call(self, method: str, path: str, **sent: Any) -> Any:
        return self._runner.run(call(self._runner.http, self._session, method, path, **sent))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._runner.http.close()


class AsyncCaller:
    """Calls for asyncio."""

    def __init__(self, runner: AsyncRunner, session: Session | None = None) -> None:
        self._runner, self._session = runner, session

    async def _call(self, method: str, path: str, **sent: Any) -> Any:
        return await self._runner.run(call(self._runner.http, self._session, method, path, **sent))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._runner.http.aclose()


class Pages[Item]:
    """A list. Iterate over it to get all items: each page is read when its first item is needed."""

    def __init__(self, caller: Caller, path: str, query: Query) -> None:
        self._caller, self._path, self._query = caller, path, query

    def page(self, cursor: str | None = None) -> Page[Item]:
        return Page(self._caller._call("GET", self._path, query={**self._query, "cursor": cursor}))

    def __iter__(self) -> Iterator[Item]:
        page = self.page()
        yield from page.items
        while page.next_cursor:
            page = self.page(page.next_cursor)
            yield from page.items


class AsyncPages[Item]:
    """A list, to iterate over with `async for`."""

    def __init__(self, caller: AsyncCaller, path: str, query: Query) -> None:
        self._caller, self._path, self._query = caller, path, query

    async def page(self, cursor: str | None = None) -> Page[Item]:
        query = {**self._query, "cursor": cursor}
        return Page(await self._caller._call("GET", self._path, query=query))

    async def __aiter__(self) -> AsyncIterator[Item]:
        cursor = None
        while True:
            page = await self.page(cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if not cursor:
                return


def in_path(value: str) -> str:
    """Return a value for one segment of a path. Raise ValueError for one that changes the path."""
    if value in ("", ".", ".."):
        raise ValueError(f"{value!r} cannot be part of a path.")
    return quote(value, safe="")


def call(
    http: httpx.Client | httpx.AsyncClient,
    session: Session | None,
    method: str,
    path: str,
    *,
    query: Query | None = None,
    body: object = None,
    media_type: str = "application/json",
    if_match: IfMatch | None = None,
    if_none_match: str | None = None,
    idempotency_key: str | None = None,
) -> Flow[Any]:
    """Send a call and return its answer. Raise ApiError for a redirect or a status of 400 or more."""
    headers = {
        "Content-Type": media_type if body is not None else None,
        "If-Match": etag_of(if_match) if if_match is not None else None,
        "If-None-Match": if_none_match,
        "Idempotency-Key": idempotency_key or str(uuid.uuid4()) if method == "POST" else None,
    }
    request = http.build_request(
        method,
        path,
        params={name: value for name, value in (query or {}).items() if value is not None},
        headers={name: value for name, value in headers.items() if value is not None},
        json=body,
    )
    response = yield from _authorized(request, session)
    if response.is_error or response.has_redirect_location:  # the token stays with this API
        raise errors.of(response)
    content = response.json() if response.content else None
    return Entity(content, response.headers.get("ETag")) if isinstance(content, dict) else content


def _authorized(request: httpx.Request, session: Session | None) -> Flow[httpx.Response]:
    """Send a request with the token. Repeat it with a new token after a 401 for an expired one."""
    credentials = (yield from session.credentials()) if session else None
    if session is None or credentials is None:
        return (yield from retries.send(request))
    request.headers["Authorization"] = f"Bearer {credentials.access}"
    response = yield from retries.send(request)
    if response.status_code != 401 or errors.of(response).code in NOT_CURED_BY_REFRESH:
        return response
    fresh = yield from session.refreshed(credentials)
    if fresh is None:
        return response
    request.headers["Authorization"] = f"Bearer {fresh.access}"
    return (yield from retries.send(request))
