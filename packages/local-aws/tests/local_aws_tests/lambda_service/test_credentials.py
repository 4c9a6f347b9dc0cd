"""Role credentials of workers, which never expire while a worker serves."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_aws.iam import sessions
from local_aws.lambda_service import Credentials
from local_aws.lambda_service.deployed import find
from local_aws.lambda_service.pool import Limits
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.lambda_service.laptop import Laptop, Loop, laptop

# An AWS call with the worker's own keys. The laptop checks the signer and the expiry, not the
# signature.
ASKS_AWS = """
import json, os, urllib.request
from urllib.error import HTTPError
def handler(event, context):
    key, token = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SESSION_TOKEN"]
    signed = f"AWS4-HMAC-SHA256 Credential={key}/20261127/eu-central-1/sts/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Authorization": signed, "X-Amz-Security-Token": token}
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    call = urllib.request.Request(event, body, headers | {"Content-Type": "application/x-www-form-urlencoded"})
    try:
        with urllib.request.urlopen(call) as answer:
            return [answer.status, os.getpid()]
    except HTTPError as error:
        return [error.read().decode(), os.getpid()]
"""


class Clock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 27, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(sessions, "utc_now", made)
    return made


@pytest.fixture
def aws(loop: Loop, clock: Clock, runtime: Path, tmp_path: Path) -> Iterator[Laptop]:
    def credentials(role: str, session: str) -> Credentials:
        return Credentials(*sessions.credentials_for(role, session))

    with laptop(loop, tmp_path, runtime, credentials=credentials, now=clock) as made:
        yield made


def test_a_function_in_use_all_day_always_has_valid_credentials(aws: Laptop, clock: Clock) -> None:
    aws.deploy("all-day", ASKS_AWS, Timeout=60)
    endpoint = f"http://127.0.0.1:{aws.port}/"
    workers = []
    for _ in range(24 * 4 + 1):
        status, process_id = aws.invoke("all-day", endpoint)[0]
        assert status == 200, f"at {clock.moment}"
        workers.append(process_id)
        clock.moment += timedelta(minutes=15)
    assert 24 <= len(set(workers)) <= 48, (
        "a worker serves for most of the hour that its credentials last"
    )


@pytest.mark.parametrize(("minutes", "renewed"), [(43, False), (45, True)])
def test_a_worker_whose_credentials_could_expire_during_the_invocation_is_replaced(
    aws: Laptop, clock: Clock, minutes: int, renewed: bool
) -> None:
    aws.deploy("long", ASKS_AWS, Timeout=900)
    endpoint = f"http://127.0.0.1:{aws.port}/"
    first = process_id(aws.invoke("long", endpoint)[0])
    clock.moment += timedelta(minutes=minutes)
    assert (process_id(aws.invoke("long", endpoint)[0]) != first) is renewed


def process_id(answer: Any) -> int:
    """Return the worker's process id from an answer of ASKS_AWS, whose status must be 200."""
    assert isinstance(answer, list), answer
    assert answer[0] == 200, answer
    return int(answer[1])


def test_a_worker_under_constant_load_is_replaced_as_well(aws: Laptop, clock: Clock) -> None:
    """Check a worker that goes from one call to the next and is never idle."""
    aws.deploy("handed-on", ASKS_AWS, Timeout=60)
    endpoint = f"http://127.0.0.1:{aws.port}/"

    async def handed_on() -> bool:
        pool = aws.functions._pools.of(find("handed-on"))
        pool._limits = Limits(workers=1)
        worker = await pool.acquire()
        turn = asyncio.create_task(pool.acquire())
        await asyncio.sleep(0)  # now `turn` waits
        clock.moment += timedelta(hours=1)
        await pool.release(worker)
        fresh = await turn
        await pool.release(fresh)
        return fresh is not worker

    assert aws.loop.run(handed_on())
    assert aws.invoke("handed-on", endpoint)[0][0] == 200


def test_expired_credentials_are_refused(aws: Laptop, clock: Clock) -> None:
    """Check that the tests above can fail, because the endpoint checks the time."""
    aws.deploy("expired", ASKS_AWS, Timeout=60)
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/worker"
    key, _, token, _ = sessions.credentials_for(role, "old")
    clock.moment += timedelta(hours=1)
    code = ASKS_AWS.replace(
        'os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SESSION_TOKEN"]', f'"{key}", "{token}"'
    )
    aws.deploy("with-old-keys", code, Timeout=60)
    said = aws.invoke("with-old-keys", f"http://127.0.0.1:{aws.port}/")[0][0]
    assert "The security token included in the request is" in said
