"""The reader of a DynamoDB stream for one mapping: ordered batches, and the handling of failures.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_aws.control_plane.moto_app import Moto
from local_aws.dynamodb import Store, schema, stream
from local_aws.dynamodb.store import Data
from local_aws.event_sources import mappings
from local_aws.event_sources.mappings import Config
from local_aws.event_sources.patterns import matches
from local_aws.lambda_service import Invocation, InvokeError, LambdaService
from local_aws.lambda_service.deployed import find
from local_aws.lambda_service.destinations import send
from local_aws.lambda_service.service import REQUEST_LIMIT

POLL_SECONDS = 0.1  # AWS polls each shard four times a second
MOST_READ = 1000  # most records per read
SHARD = "shardId-00000001541626099285-f35f62ef"  # moto's only shard
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.2, 60.0

log = logging.getLogger("local_aws.event_sources")


@dataclass(frozen=True)
class Record:
    number: int  # its sequence number
    created: datetime  # UTC
    event: Mapping[str, Any]  # in the form that the function gets
    size: int  # size of `event` in bytes


@dataclass(frozen=True)
class Failure:
    """A failed batch.

    `first` is the sequence number where the batch resumes; None if the function reports none.
    """

    first: int | None
    counts: bool = True  # False if the batch did not reach the function
    invocation: Invocation | None = None


class StreamReader:
    """The reader of one mapping.

    `run` ends only by cancellation. The next reader resumes from the stored position, so a batch in
    progress is delivered again.
    """

    def __init__(
        self, region: str, config: Config, moto: Moto, functions: LambdaService, store: Store
    ) -> None:
        self._region = region
        self._config = config
        self._moto = moto
        self._functions = functions
        self._store = store
        self._stream: str = config["EventSourceArn"]
        self._patterns = mappings.patterns(config)
        self._place = 0  # number of the record to read next

    async def run(self) -> None:
        self._place = await self._store.read(lambda data: data.place(self._config["UUID"]))
        while True:
            if not self._has_news():
                await asyncio.sleep(POLL_SECONDS)
                continue
            if window := self._config["MaximumBatchingWindowInSeconds"]:
                await self._gather(window)
            end, batch = await self._store.read(self._read)
            if batch:
                await self._hand_over(batch)
            await self._go_on_at(end)

    async def _go_on_at(self, number: int) -> None:
        if self._place < number:
            self._place = number
            await self._store.write(lambda data: data.set_place(self._config["UUID"], number))

    def _has_news(self) -> bool:
        is_there = schema.of_stream(self._stream) is not None
        return is_there and self._store.last_record.get(self._stream, 0) >= self._place

    async def _gather(self, seconds: float) -> None:
        """Wait until the batch is full or the batch window ends."""
        for _ in range(int(seconds / POLL_SECONDS)):
            _, batch = await self._store.read(self._read)
            if len(batch) >= self._config["BatchSize"]:
                return
            await asyncio.sleep(POLL_SECONDS)

    def _read(self, data: Data) -> tuple[int, list[Record]]:
        """Return the matching records, and the position after all records that were read."""
        batch: list[Record] = []
        place, size = self._place, 0
        for number, created, found in stream.records(data, self._stream, place, MOST_READ):
            record = _record(number, created, found, self._stream)
            if not self._patterns or any(
                matches(pattern, record.event) for pattern in self._patterns
            ):
                size += record.size + 1
                if len(batch) == self._config["BatchSize"] or (
                    batch and size > REQUEST_LIMIT - 100
                ):
                    break
                batch.append(record)
            place = record.number + 1
        return place, batch

    async def _hand_over(self, batch: list[Record]) -> None:
        """Deliver a batch until every record is processed or given up.

        A failing batch blocks all later records.
        """
        retries, delay = 0, FIRST_RETRY_SECONDS
        failure: Failure | None = None
        while batch:
            batch = await self._without_aged(batch, failure, retries)
            if not batch or (failure := await self._invoke(batch)) is None:
                return
            if failure.first is not None:
                await self._go_on_at(failure.first)
                batch = [record for record in batch if record.number >= failure.first]
            limit = self._config["MaximumRetryAttempts"]
            if failure.counts and 0 <= limit <= retries:
                await self._give_up(batch, "RetryAttemptsExhausted", failure, retries + 1)
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_RETRY_SECONDS)
            if (
                failure.counts
                and failure.first is None
                and self._config["BisectBatchOnFunctionError"]
                and len(batch) > 1
            ):
                middle = len(batch) // 2
                await self._hand_over(batch[:middle])
                await self._go_on_at(batch[middle].number)
                await self._hand_over(batch[middle:])
                return
            retries += failure.counts

    async def _without_aged(
        self, batch: list[Record], failure: Failure | None, retries: int
    ) -> list[Record]:
        limit = self._config["MaximumRecordAgeInSeconds"]
        horizon = datetime.now(UTC).timestamp() - (stream.KEPT_SECONDS if limit < 0 else limit)
        aged = [record for record in batch if record.created.timestamp() < horizon]
        if aged:
            await self._give_up(aged, "RecordAgeExceeded", failure, retries)
        return batch[len(aged) :]

    async def _invoke(self, batch: list[Record]) -> Failure | None:
        payload = json.dumps({"Records": [record.event for record in batch]}).encode()
        try:
            done = await self._functions.invoke(
                self._config["FunctionArn"], payload, region=self._region
            )
        except InvokeError as error:  # throttled, or the function was deleted
            log.info("%s: %s", self._config["FunctionArn"], error)
            return Failure(None, counts=False)
        if done.function_error:
            return Failure(None, invocation=done)
        if "ReportBatchItemFailures" not in self._config["FunctionResponseTypes"]:
            return None
        return _reported(done, batch)

    async def _give_up(
        self, batch: list[Record], condition: str, failure: Failure | None, invocations: int
    ) -> None:
        log.warning(
            "%s: %d records given up: %s", self._config["FunctionArn"], len(batch), condition
        )
        if destination := mappings.on_failure(self._config):
            body = json.dumps(self._report(batch, condition, failure, invocations))
            with suppress(InvokeError):  # the function was deleted together with its role
                role = find(self._config["FunctionArn"], region=self._region).role
                await self._moto.run(lambda: send(role, destination, body))
        await self._go_on_at(batch[-1].number + 1)

    def _report(
        self, batch: list[Record], condition: str, failure: Failure | None, invocations: int
    ) -> Config:
        """Build the invocation record of a failed batch.

        https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        """
        done = failure.invocation if failure else None
        report: Config = {
            "requestContext": {
                "requestId": done.request_id if done else "",
                "functionArn": self._config["FunctionArn"],
                "condition": condition,
                "approximateInvokeCount": invocations,
            },
            "version": "1.0",
            "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "DDBStreamBatchInfo": {
                "shardId": SHARD,
                "startSequenceNumber": str(stream.FIRST + batch[0].number),
                "endSequenceNumber": str(stream.FIRST + batch[-1].number),
                "approximateArrivalOfFirstRecord": f"{batch[0].created:%Y-%m-%dT%H:%M:%SZ}",
                "approximateArrivalOfLastRecord": f"{batch[-1].created:%Y-%m-%dT%H:%M:%SZ}",
                "batchSize": len(batch),
                "streamArn": self._stream,
            },
        }
        if done:
            report["responseContext"] = {
                "statusCode": done.status,
                "executedVersion": done.executed_version,
                "functionError": done.function_error,
            }
        return report


def _record(number: int, created: float, found: Mapping[str, Any], arn: str) -> Record:
    """Return a record in the form that a function gets.

    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    event = {**found, "eventSourceARN": arn}
    if who := found.get("userIdentity"):
        event["userIdentity"] = {"principalId": who["PrincipalId"], "type": who["Type"]}
    return Record(number, datetime.fromtimestamp(created, UTC), event, len(json.dumps(event)))


def _reported(done: Invocation, batch: list[Record]) -> Failure | None:
    """Return the lowest number of `batchItemFailures`, where the batch resumes.

    An invalid answer fails the whole batch.
    """
    try:
        answer = json.loads(done.payload or b"null")
        failures = (answer or {}).get("batchItemFailures") or []
        numbers = [int(failure["itemIdentifier"]) - stream.FIRST for failure in failures]
    except (AttributeError, KeyError, TypeError, ValueError):
        return Failure(None, invocation=done)
    known = {record.number for record in batch}
    if not known.issuperset(numbers):
        return Failure(None, invocation=done)
    return Failure(min(numbers), invocation=done) if numbers else None
