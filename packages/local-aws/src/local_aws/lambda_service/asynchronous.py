"""Asynchronous invocations: their queue, retries, maximum age and destinations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

The queue is stored on moto's backend, so that the snapshot contains it. Accepted events are retried
after a stop.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from moto.awslambda.models import lambda_backends

from local_aws.iam.sessions import role_may
from local_aws.lambda_service.deployed import DeployedFunction, find
from local_aws.lambda_service.destinations import ACTIONS, send
from local_aws.lambda_service.errors import InvokeError
from local_aws.lambda_service.invocation import Invocation
from local_aws.lambda_service.invoke_config import InvokeConfig, invoke_config
from local_aws.lambda_service.trace import new_trace
from local_aws.lambda_service.worker import Event
from local_aws.moto_state import additions
from local_aws.settings import ACCOUNT_ID

RETRY_SECONDS = (60.0, 120.0)  # before the second attempt, and before the third
THROTTLED_SECONDS, LONGEST_THROTTLED_SECONDS = 1.0, 300.0

Run = Callable[[DeployedFunction, Event], Awaitable[Invocation]]
Accepted = dict[str, Any]  # plain data, for the snapshot

log = logging.getLogger("local.lambda")


class Apart(Protocol):
    """A function that runs `work` between two AWS calls, because the work changes moto's state."""

    def __call__[T](self, work: Callable[[], T], /) -> Awaitable[T]: ...


class AsyncInvocations:
    def __init__(
        self,
        run: Run,
        apart: Apart,
        on_change: Callable[[], None],
        retry_seconds: tuple[float, float],
    ) -> None:
        self._run = run
        self._apart = apart
        self._on_change = on_change
        self._retry_seconds = retry_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Resume the invocations that an earlier run accepted."""
        for region in list(lambda_backends[ACCOUNT_ID]):
            for accepted in list(_queue(region).values()):
                self._begin(accepted)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def accept(self, function: DeployedFunction, event: Event) -> None:
        accepted = {
            "request_id": event.request_id, "function": function.invoked_arn, "region": function.region,
            "payload": event.payload, "trace": event.trace_header, "source": event.source,
            "at": time.time(), "attempts": 0,
        }  # fmt: skip
        _queue(function.region)[event.request_id] = accepted
        self._begin(accepted)

    def _begin(self, accepted: Accepted) -> None:
        task = asyncio.create_task(self._until_done(accepted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_done(self, accepted: Accepted) -> None:
        try:
            await self._try(accepted)
        except InvokeError as error:  # the function was deleted
            log.warning("Dropped an asynchronous invocation of %s: %s", accepted["function"], error)
        except Exception:
            log.exception("Dropped an asynchronous invocation of %s", accepted["function"])
        _queue(accepted["region"]).pop(accepted["request_id"], None)
        self._on_change()

    async def _try(self, accepted: Accepted) -> None:
        throttled = THROTTLED_SECONDS
        done: Invocation | None = None
        while True:
            function = find(accepted["function"], region=accepted["region"])
            config = invoke_config(function)
            if time.time() - accepted["at"] > config.max_age:
                return await self._fail(accepted, function, config, "EventAgeExceeded", done)
            try:
                done = await self._run(function, _event(accepted, function))
            except InvokeError as error:
                if error.status != 429 and error.status < 500:
                    raise
                if (
                    function.reserved_concurrency == 0
                ):  # AWS documents that it does not retry in this case
                    why = "ZeroReservedConcurrency"
                    return await self._fail(accepted, function, config, why, None)
                await asyncio.sleep(throttled)
                throttled = min(2 * throttled, LONGEST_THROTTLED_SECONDS)
                continue
            accepted["attempts"] += 1
            if not done.function_error:
                return await self._succeed(accepted, function, config, done)
            if accepted["attempts"] > config.retries:
                return await self._fail(accepted, function, config, "RetriesExhausted", done)
            self._on_change()
            pause = self._retry_seconds[accepted["attempts"] - 1]
            if time.time() + pause - accepted["at"] > config.max_age:  # too old by then
                return await self._fail(accepted, function, config, "EventAgeExceeded", done)
            await asyncio.sleep(pause)

    async def _succeed(
        self, accepted: Accepted, function: DeployedFunction, config: InvokeConfig, done: Invocation
    ) -> None:
        if config.on_success:
            await self._deliver(
                accepted, function, config.on_success, _record(accepted, function, "Success", done)
            )

    async def _fail(
        self,
        accepted: Accepted,
        function: DeployedFunction,
        config: InvokeConfig,
        why: str,
        done: Invocation | None,
    ) -> None:
        """Send to the destination and to the dead-letter queue; AWS serves both if both are set."""
        log.warning(
            "An asynchronous invocation of %s failed and will not be retried: %s",
            function.invoked_arn,
            why,
        )
        if config.on_failure:
            await self._deliver(
                accepted, function, config.on_failure, _record(accepted, function, why, done)
            )
        if dead_letters := function.dead_letter_arn:
            body, attributes = accepted["payload"].decode(), _attributes(accepted, done)
            await self._apart(
                lambda: send(function.role, dead_letters, body, attributes, accepted["trace"])
            )

    async def _deliver(
        self, accepted: Accepted, function: DeployedFunction, arn: str, record: dict[str, Any]
    ) -> None:
        body = json.dumps(record)
        if ":lambda:" not in arn:
            await self._apart(lambda: send(function.role, arn, body, None, accepted["trace"]))
        elif role_may(function.role, ACTIONS["lambda"], arn).allowed:
            target = find(arn)
            self.accept(target, Event(str(uuid4()), body.encode(), target.invoked_arn, new_trace()))


def _queue(region: str) -> dict[str, Accepted]:
    return additions.of_lambda(region).accepted_events


def _event(accepted: Accepted, function: DeployedFunction) -> Event:
    """Build the event; a retry keeps the request id of the first attempt."""
    return Event(
        accepted["request_id"],
        accepted["payload"],
        function.invoked_arn,
        accepted["trace"],
        None,
        accepted["source"],
    )


def _attributes(accepted: Accepted, done: Invocation | None) -> dict[str, tuple[str, str]]:
    """Return the attributes of a dead-letter message.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    message = str(_payload(done.payload).get("errorMessage", "")) if done else "Rate Exceeded."
    return {
        "RequestID": ("String", accepted["request_id"]),
        "ErrorCode": ("Number", "200" if done else "429"),
        "ErrorMessage": ("String", message[:1024] or "Unhandled"),
    }


def _payload(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _record(
    accepted: Accepted, function: DeployedFunction, condition: str, done: Invocation | None
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "requestContext": {
            "requestId": accepted["request_id"],
            "functionArn": function.qualified_arn,
            "condition": condition,
            "approximateInvokeCount": accepted["attempts"],
        },
        "requestPayload": json.loads(accepted["payload"]),
    }
    if done:
        record["responseContext"] = {
            "statusCode": done.status,
            "executedVersion": done.executed_version,
        }
        if done.function_error:
            record["responseContext"]["functionError"] = done.function_error
        record["responsePayload"] = json.loads(done.payload or b"null")
    return record
