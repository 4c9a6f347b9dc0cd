"""Faults of the proxy and of Postgres, as a client of the proxy sees them."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for

import pg8000.native
import pytest

from local_aws.faults import Dependency, Kind
from local_aws_tests.database.conftest import Stand
from local_aws_tests.database.test_proxy import refusal


def start(stand: Stand, dependency: str, kind: str) -> None:
    async def work() -> None:
        stand.proxy.faults.start(Dependency(dependency), Kind(kind), 60)

    stand.loop.run(work())


def end(stand: Stand, dependency: str) -> None:
    async def work() -> None:
        stand.proxy.faults.end(Dependency(dependency))

    stand.loop.run(work())


@pytest.mark.parametrize(
    ("dependency", "kind", "code"),
    [
        ("proxy", "throttle", "08006"),
        ("proxy", "error", "08006"),
        ("postgres", "throttle", "53300"),
        ("postgres", "error", "57P03"),
    ],
)
def test_an_outage_closes_connections_and_refuses_logins(
    stand: Stand, dependency: str, kind: str, code: str
) -> None:
    connection = stand.connect()
    start(stand, dependency, kind)
    with pytest.raises((pg8000.exceptions.InterfaceError, OSError)):
        connection.run("SELECT 1")
    with contextlib.suppress(pg8000.exceptions.InterfaceError):
        connection.close()
    assert refusal(stand)[0] == code
    end(stand, dependency)
    stand.connect().close()


def test_a_killed_proxy_closes_logins_without_an_error(stand: Stand) -> None:
    start(stand, "proxy", "kill")
    with pytest.raises((pg8000.exceptions.InterfaceError, OSError)):
        stand.connect()
    end(stand, "proxy")
    stand.connect().close()


def test_a_skewed_proxy_refuses_tokens_but_keeps_its_connections(stand: Stand) -> None:
    connection = stand.connect()
    start(stand, "proxy", "skew")
    assert refusal(stand)[0] == "28P01"
    assert connection.run("SELECT 1") == [[1]]
    connection.close()
    end(stand, "proxy")


@pytest.mark.parametrize("dependency", ["proxy", "postgres"])
def test_a_hanging_statement_is_answered_when_the_fault_ends(stand: Stand, dependency: str) -> None:
    connection = stand.connect()
    start(stand, dependency, "hang")
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(connection.run, "SELECT 1")
        assert not wait_for([answer], 0.2).done
        end(stand, dependency)
        assert answer.result(30) == [[1]]
    assert connection.run("SELECT repeat('x', 100000)") == [["x" * 100_000]]
    connection.close()
