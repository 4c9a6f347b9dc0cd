"""Faults of AWS services: the switch, and the errors that callers get, through HTTP and boto3."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from local_aws.faults import Dependency, Faults, Kind, page, switch
from local_aws.faults.aws_calls import FaultGate
from local_aws_tests.control_plane.test_endpoint import client, running

LIST = {
    "dynamodb": "list_tables",
    "kms": "list_keys",
    "secretsmanager": "list_secrets",
}


@asynccontextmanager
async def switchboard() -> AsyncIterator[tuple[str, Faults]]:
    faults = Faults()
    async with running(FaultGate(faults).check, page.routes(faults)) as url:
        yield url, faults


async def call(service: str, url: str) -> str:
    """Return the code of the error, or `answered`."""
    try:
        await asyncio.to_thread(getattr(client(service, url), LIST[service]))
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except (ConnectionClosedError, ReadTimeoutError) as error:
        return type(error).__name__
    return "answered"


@pytest.mark.parametrize(
    ("service", "kind", "code"),
    [
        ("dynamodb", "kill", "ConnectionClosedError"),
        ("dynamodb", "throttle", "ThrottlingException"),
        ("dynamodb", "error", "InternalServerError"),
        ("dynamodb", "skew", "InvalidSignatureException"),
        ("kms", "throttle", "ThrottlingException"),
        ("kms", "error", "KMSInternalException"),
        ("secretsmanager", "error", "InternalServiceError"),
    ],
)
def test_a_fault_affects_only_its_service_until_it_ends(service: str, kind: str, code: str) -> None:
    async def run() -> None:
        async with switchboard() as (url, faults), aiohttp.ClientSession(url) as session:
            dependency = "dynamodb" if service == "dynamodb" else "secrets"
            query = {"dependency": dependency, "fault": kind, "seconds": "60"}
            async with session.post(page.PAGE, params=query) as answer:
                [told] = (await answer.json())["faults"]
            assert (told["dependency"], told["fault"]) == (dependency, kind)
            assert await call(service, url) == code
            other = "kms" if service == "dynamodb" else "dynamodb"
            assert await call(other, url) == "answered"
            async with session.delete(page.PAGE) as answer:
                assert await answer.json() == {"faults": []}
            assert await call(service, url) == "answered"
            assert faults.active() == []

    asyncio.run(run())


def test_a_hanging_call_loses_its_connection_when_the_fault_ends() -> None:
    async def run() -> None:
        async with switchboard() as (url, faults):
            fault = faults.start(Dependency.DYNAMODB, Kind.HANG, 60)
            hanging = asyncio.create_task(call("dynamodb", url))
            await asyncio.sleep(0)
            assert not hanging.done()
            faults.end(Dependency.DYNAMODB)
            assert fault.ended.is_set()
            assert await hanging in ("ConnectionClosedError", "answered")

    asyncio.run(run())


def test_a_delayed_call_is_answered_after_the_delay(monkeypatch: Any) -> None:
    async def run() -> None:
        waited: list[float] = []

        async def wait(fault: switch.Fault, seconds: float) -> None:
            waited.append(seconds)

        monkeypatch.setattr("local_aws.faults.aws_calls.wait", wait)
        async with switchboard() as (url, faults):
            faults.start(Dependency.DYNAMODB, Kind.DELAY, 60)
            assert await call("dynamodb", url) == "answered"
            assert waited == [switch.DELAY_SECONDS]

    asyncio.run(run())


def test_a_fault_ends_after_its_duration() -> None:
    async def run() -> None:
        faults = Faults()
        fault = faults.start(Dependency.COGNITO, Kind.ERROR, 0.001)
        await asyncio.wait_for(fault.ended.wait(), 30)
        assert faults.of(Dependency.COGNITO) is None

    asyncio.run(run())


def test_a_new_fault_replaces_the_old_one_and_its_timer() -> None:
    async def run() -> None:
        faults = Faults()
        old = faults.start(Dependency.COGNITO, Kind.ERROR, 0.001)
        new = faults.start(Dependency.COGNITO, Kind.KILL, 60)
        await asyncio.sleep(0.01)
        assert old.ended.is_set()
        assert faults.of(Dependency.COGNITO) is new

    asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"dependency": "s3", "fault": "kill"}, "dependency is 's3' but must be one of postgres"),
        ({"dependency": "proxy", "fault": "x"}, "fault is 'x' but must be one of kill"),
        ({"dependency": "proxy", "fault": "kill", "seconds": "301"}, "at most 300"),
        ({"dependency": "proxy", "fault": "kill", "seconds": "0"}, "above 0"),
        ({"dependency": "proxy", "fault": "kill", "seconds": "nan"}, "above 0"),
        ({"dependency": "proxy", "fault": "kill", "seconds": "x"}, "must be a number"),
        ({"dependency": "postgres", "fault": "skew"}, "skew does not apply to postgres"),
    ],
)
def test_an_invalid_request_names_its_field(query: dict[str, str], message: str) -> None:
    async def run() -> None:
        async with switchboard() as (url, faults), aiohttp.ClientSession(url) as session:
            async with session.post(page.PAGE, params=query) as answer:
                assert answer.status == 400
                assert message in (await answer.json())["error"]
            assert faults.active() == []

    asyncio.run(run())


@pytest.mark.parametrize("headers", [{"Origin": "https://example.org"}, {"Host": "example.org"}])
def test_a_web_page_cannot_start_a_fault(headers: dict[str, str]) -> None:
    async def run() -> None:
        async with switchboard() as (url, faults), aiohttp.ClientSession(url) as session:
            query = {"dependency": "proxy", "fault": "kill"}
            async with session.post(page.PAGE, params=query, headers=headers) as answer:
                assert answer.status == 403
            assert faults.active() == []

    asyncio.run(run())


def test_a_skew_moves_only_the_clock_of_its_dependency() -> None:
    async def run() -> None:
        faults = Faults()
        skewed, true = faults.clock(Dependency.COGNITO), faults.clock(Dependency.DYNAMODB)
        faults.start(Dependency.COGNITO, Kind.SKEW, 60)
        assert skewed() - true() > switch.SKEW_SECONDS / 2
        faults.end(Dependency.COGNITO)
        assert skewed() - true() < switch.SKEW_SECONDS / 2

    asyncio.run(run())
