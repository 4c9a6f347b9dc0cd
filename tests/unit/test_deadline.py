"""Invocations that reach their function's timeout, through the handler.

The stores that never answer are real.
"""

import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pg8000.native
import pytest

from atrium.http import response
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.stores import postgres
from atrium.stores.pipeline import PipelinedConnection
from local_aws.database.postgres import Postgres
from tests.unit.conftest import Logs
from tests.unit.events import Context, answer, api_event
from tests.unit.service import service
from tools.laptop.answer import Answer


@dataclass(frozen=True)
class ShortContext(Context):
    remaining: int = 700

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining


def wait_for_ever(_: Request) -> Response:
    one, other = socket.socketpair()
    one.settimeout(60)
    with one, other, suppress(Exception):  # an error here must not hide that of the deadline
        one.recv(1)
    return response.json({})


def sleep_in_the_database(_: Request) -> Response:
    return response.json(postgres.query("SELECT pg_sleep(60)"))


def select(_: Request) -> Response:
    return response.json({"rows": postgres.query("SELECT 7")})


handler = service(
    {
        "GET /v1/wait": wait_for_ever,
        "GET /v1/sleep": sleep_in_the_database,
        "GET /v1/select": select,
    }
)


def call(route: str, remaining: int = 700) -> Answer:
    return answer(handler(api_event(route), ShortContext(remaining=remaining)))


@pytest.fixture(autouse=True)
def own_alarm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.signal(signal.SIGALRM, before)


def test_a_slow_request_is_503_before_lambda_ends_the_process(logs: Logs) -> None:
    # at this time the request waits, even on a slow machine
    late = call("GET /v1/wait", remaining=2000)
    assert (late.status, late.json["code"]) == (503, "unavailable")
    assert int(late.headers["retry-after"]) > 0
    line = logs.line()
    assert (line["level"], line["error"]["type"]) == ("ERROR", "DeadlineExceededError")
    assert "in wait_for_ever" in line["error"]["stack"]


def test_a_connection_that_timed_out_is_not_reused(
    database: pg8000.native.Connection, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        postgres,
        "connect",
        lambda user: PipelinedConnection(user, unix_sock=server.socket, database="atrium"),
    )
    # Connects beforehand: on a slow machine the deadline could otherwise pass inside pg8000, which
    # then leaves its socket open.
    postgres.query("SELECT 7")
    assert call("GET /v1/sleep").status == 503
    assert call("GET /v1/select", remaining=60_000).json == {"rows": [[7]]}
    postgres.disconnect()


def test_a_request_that_ends_in_time_cancels_its_alarm(database: pg8000.native.Connection) -> None:
    assert call("GET /v1/select", remaining=60_000).status == 200
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_function_that_starts_late_still_answers() -> None:
    assert call("GET /v1/wait", remaining=10).status == 503
