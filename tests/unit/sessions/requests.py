"""Requests of a user in several sessions, and the clocks that date sessions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from atrium.stores import dynamodb
from tests.unit.conftest import TABLE
from tests.unit.events import Context, answer, api_event, claims
from tools.laptop.answer import Answer
from users.handler import handler as users

NOW = 1_767_225_600


DAY = 86_400


HERE, PHONE, OLD = (f"4ff8dc4e-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


class Time:
    """One clock for everything that records times of sessions."""

    now: float = NOW + 100

    def time(self) -> float:
        return self.now

    monotonic = time


def token(session: str = HERE, auth_time: int = NOW, **changed: str) -> dict[str, str]:
    return claims(origin_jti=session, auth_time=str(auth_time), **changed)


def call(
    route: str,
    session: str = HERE,
    path: dict[str, str] | None = None,
    query: dict[str, list[str]] | None = None,
    device: str = "Firefox",
    auth_time: int = NOW,
    **changed: str,
) -> Answer:
    headers = {"User-Agent": device} | ({"If-Match": "*"} if route.startswith("DELETE") else {})
    event = api_event(route, None, headers, token(session, auth_time, **changed), query)
    return answer(users(event | {"pathParameters": path}, Context()))


def listed(session: str = HERE, **named: Any) -> list[Any]:
    got = call("GET /v1/me/sessions", session, **named)
    assert got.status == 200, got.text
    return list(got.json["items"])


def end(session: str, by: str = HERE) -> Answer:
    return call("DELETE /v1/me/sessions/{session}", by, {"session": session})


def meanwhile(request: Callable[[], Answer]) -> None:
    """Send a request while another one is being served."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(request).result().status == 204


def outcome(got: Answer) -> str:
    return f"{got.status} {got.json['code']}" if got.text else str(got.status)


def stored(prefix: str) -> list[dict[str, Any]]:
    items = map(dynamodb.plain, dynamodb.client().scan(TableName=TABLE)["Items"])
    return sorted(
        (item for item in items if item["pk"].startswith(prefix)), key=lambda item: str(item["pk"])
    )
