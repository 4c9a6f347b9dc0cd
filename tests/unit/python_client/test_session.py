"""Tokens: one refresh for all calls, and none that outlives its sign-in."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from atrium_client import ApiError, AsyncAtrium, Atrium, SignInError, errors

from tests.unit.python_client.api import (
    ADDRESS,
    Api,
    answer,
    demands,
    problem,
    refreshed,
    signed_in,
)

ME: Any = {"email": "ada@example.org"}


class BriefBarrier:
    """A barrier that a request leaves after a timeout, even if the others have not come."""

    def __init__(self, expected: int) -> None:
        self._barrier = threading.Barrier(expected)

    def wait(self, seconds: float) -> None:
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(seconds)


@pytest.mark.parametrize("expires_at", [0.0, 4e9], ids=["before its end", "after a 401"])
def test_concurrent_calls_share_one_refresh(expires_at: float) -> None:
    refused, refreshing = BriefBarrier(3), BriefBarrier(2)

    def refresh(_: httpx.Request) -> httpx.Response:
        refreshing.wait(0.2)  # a second refresh at the same time would come
        return refreshed("fresh")

    def read_me(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == "Bearer old":
            refused.wait(10)  # no call meets the token that another one has refreshed
        return demands("fresh", ME)(request)

    api = Api([read_me], refresh)
    with api.client(signed_in(expires_at=expires_at)) as atrium, ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda _: atrium.read_me(), range(3))) == [ME] * 3
    assert api.refreshes == 1


def test_awaited_calls_share_one_refresh() -> None:
    api = Api([demands("fresh", ME)])

    async def answer_late(request: httpx.Request) -> httpx.Response:
        response = api(request)
        for _ in range(20):  # meanwhile the other calls are sent, too
            await asyncio.sleep(0)
        return response

    async def read_thrice() -> list[object]:
        http = httpx.AsyncClient(transport=httpx.MockTransport(answer_late))
        async with await AsyncAtrium.connect(ADDRESS, http=http) as atrium:
            atrium.session.start(signed_in())
            return list(await asyncio.gather(*(atrium.read_me() for _ in range(3))))

    assert asyncio.run(read_thrice()) == [ME] * 3
    assert api.tokens == ["old"] * 3 + ["fresh"] * 3
    assert api.refreshes == 1


@pytest.mark.parametrize(
    ("meanwhile", "afterwards"),
    [
        (Atrium.sign_out, ""),
        (lambda atrium: atrium.session.start(signed_in("another's")), "another's"),
    ],
    ids=["sign-out", "another sign-in"],
)
def test_a_refresh_that_ends_after_sign_out_stores_no_tokens(
    meanwhile: Callable[[Atrium], None], afterwards: str
) -> None:
    def refresh(_: httpx.Request) -> httpx.Response:
        meanwhile(atrium)
        return refreshed("fresh")

    api = Api([problem(401, "token_expired"), answer(200, ME)], refresh)
    atrium = api.client(signed_in())
    with pytest.raises(errors.TokenExpiredError):
        atrium.delete_me(if_match="*")
    atrium.read_me()
    # The call of one person is not repeated in the name of another.
    assert api.tokens == ["old", afterwards]
    assert api.revoked[-1] == "fresh refresh"


def test_a_refused_call_is_not_repeated_with_another_persons_token() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        atrium.session.start(signed_in("another's"))
        return problem(401, "token_expired")

    api = Api([refuse, answer(200, ME)])
    atrium = api.client(signed_in())
    with pytest.raises(errors.UnauthorizedError):
        atrium.delete_me(if_match="*")
    assert (api.tokens, api.refreshes) == (["old"], 0)
    assert atrium.read_me() == ME
    assert api.tokens[-1] == "another's"


@pytest.mark.parametrize("code", ["session_ended", "user_gone", "recent_sign_in_required"])
def test_a_401_that_a_fresh_token_cannot_cure_is_final(code: str) -> None:
    api = Api([problem(401, code)])
    with pytest.raises(ApiError) as refused:
        api.client(signed_in()).read_me()
    assert (refused.value.code, api.refreshes) == (code, 0)


def test_a_pool_that_is_not_available_keeps_the_session() -> None:
    api = Api([problem(401, "token_expired")], lambda _: httpx.Response(502, text="<html>"))
    atrium = api.client(signed_in())
    with pytest.raises(SignInError, match="502") as failed:
        atrium.read_me()
    assert failed.value.code == "http_502"
    assert atrium.session.is_signed_in


def test_an_ended_refresh_token_ends_the_session() -> None:
    revoked = answer(400, {"__type": "NotAuthorizedException", "message": "revoked"})
    api = Api([problem(401, "token_expired")], lambda _: revoked)
    atrium = api.client(signed_in())
    with pytest.raises(errors.TokenExpiredError):
        atrium.read_me()
    assert not atrium.session.is_signed_in
