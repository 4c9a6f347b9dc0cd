"""Overload: a short queue, 429 for further calls, and no work for callers who have disconnected."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.lambda_service import Invocation, InvokeError
from local_aws.lambda_service.deployed import find
from local_aws.lambda_service.pool import Limits
from local_aws_tests.lambda_service.laptop import Laptop, Loop, laptop
from local_aws_tests.support.waiting import settle

WORKERS, WAITING = 2, 3
# The function records each call and waits until the test lets it end.
GATED = """
import os, time
def handler(event, context):
    open(os.path.join(event["folder"], f"began-{event['call']}"), "w").close()
    while not os.path.exists(os.path.join(event["folder"], "may-end")): time.sleep(0.02)
    return event["call"]
"""


class Gated:
    """Calls of one function, which all wait for `open`."""

    def __init__(self, aws: Laptop, name: str) -> None:
        self.aws, self.name = aws, name
        self.folder = Path(aws.settings.root) / name
        self.folder.mkdir()
        aws.deploy(name, GATED, Timeout=60)

    def payload(self, call: int) -> bytes:
        return json.dumps({"folder": str(self.folder), "call": call}).encode()

    def call(self, number: int) -> asyncio.Task[Invocation]:
        """Start a call in the background, from the event loop's thread."""
        return asyncio.create_task(self.aws.functions.invoke(self.name, self.payload(number)))

    def began(self) -> set[int]:
        return {int(file.name.removeprefix("began-")) for file in self.folder.glob("began-*")}

    def open(self) -> None:
        (self.folder / "may-end").touch()

    async def busy(self) -> list[asyncio.Task[Invocation]]:
        """Start as many calls as there are workers, and wait until all run."""
        calls = [self.call(number) for number in range(WORKERS)]
        while len(self.began()) < WORKERS:  # noqa: ASYNC110 - another process says so
            await asyncio.sleep(0.02)
        return calls


@pytest.fixture
def aws(loop: Loop, runtime: Path, tmp_path: Path) -> Iterator[Laptop]:
    limits = Limits(workers=WORKERS, waiting=WAITING, waiting_seconds=60)
    with laptop(loop, tmp_path, runtime, limits=limits) as made:
        yield made


def test_calls_beyond_workers_and_queue_are_throttled_at_once(
    aws: Laptop,
) -> None:
    gated = Gated(aws, "crowded")
    client = aws.client("lambda")

    def invoke(number: int) -> Any:
        try:
            return json.load(
                client.invoke(FunctionName="crowded", Payload=gated.payload(number))["Payload"]
            )
        except ClientError as error:
            return error.response

    with ThreadPoolExecutor(12) as callers:
        calls = [callers.submit(invoke, number) for number in range(12)]
        # Nothing has been served yet, so the completed calls were refused.
        assert settle(lambda: sum(call.done() for call in calls) == 12 - WORKERS - WAITING, 60)
        gated.open()
        answers = [call.result(60) for call in calls]
    refused = [answer for answer in answers if isinstance(answer, dict)]
    assert Counter(answer["ResponseMetadata"]["HTTPStatusCode"] for answer in refused) == {429: 7}
    assert refused[0]["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert refused[0]["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert len(gated.began()) == WORKERS + WAITING, "a refused call has run"
    assert invoke(99) == 99, "normal again"


def test_a_call_that_waits_too_long_is_throttled_and_never_runs(
    loop: Loop, runtime: Path, tmp_path: Path
) -> None:
    limits = Limits(workers=WORKERS, waiting=WAITING, waiting_seconds=0.05)
    with laptop(loop, tmp_path, runtime, limits=limits) as aws:
        gated = Gated(aws, "overdue")

        async def overdue() -> None:
            busy = await gated.busy()
            with pytest.raises(InvokeError, match="TooManyRequests"):
                await gated.call(7)
            gated.open()
            await asyncio.gather(*busy)
            await gated.call(8)

        loop.run(overdue())
        assert gated.began() == {0, 1, 8}


def test_a_call_waits_for_a_new_worker_without_a_limit(
    loop: Loop, runtime: Path, tmp_path: Path
) -> None:
    with laptop(loop, tmp_path, runtime, limits=Limits(waiting_seconds=0.01)) as aws:
        aws.deploy(
            "slow-start",
            "import time\ntime.sleep(0.3)\ndef handler(event, context): return 'up'",
            Timeout=60,
        )
        assert aws.invoke("slow-start")[0] == "up"


def test_a_waiting_call_of_a_disconnected_caller_never_runs(
    aws: Laptop,
) -> None:
    gated = Gated(aws, "abandoned")

    async def abandoned() -> None:
        busy = await gated.busy()
        for number in range(10, 50):  # more than the queue holds, one after the other
            waiting = gated.call(number)
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        patient = gated.call(7)
        gated.open()
        await asyncio.gather(*busy, patient)

    aws.loop.run(abandoned())
    assert gated.began() == {0, 1, 7}


def test_a_worker_assigned_to_a_disconnecting_caller_is_not_lost(aws: Laptop) -> None:
    gated = Gated(aws, "last-moment")

    async def last_moment() -> None:
        pool = aws.functions._pools.of(find("last-moment"))
        workers = [await pool.acquire() for _ in range(WORKERS)]
        waiting = asyncio.create_task(pool.acquire())
        await asyncio.sleep(0)
        await pool.release(workers.pop())
        waiting.cancel()  # it has a worker, but has not run yet
        with pytest.raises(asyncio.CancelledError):
            await waiting
        workers.append(await pool.acquire())
        for worker in workers:
            await pool.release(worker)

    gated.open()
    aws.loop.run(last_moment(), 20)
