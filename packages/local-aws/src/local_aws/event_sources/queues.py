"""The reader of an SQS queue for one mapping.

Messages that the function processed are deleted. The others are received again after their
visibility timeout.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import sqs_backends

from local_aws.control_plane.moto_app import Moto
from local_aws.event_sources import fifo_order, mappings  # noqa: F401 - the first corrects moto
from local_aws.event_sources.mappings import Config
from local_aws.event_sources.patterns import Pattern, matches
from local_aws.lambda_service import Invocation, InvokeError, LambdaService
from local_aws.settings import ACCOUNT_ID

POLL_SECONDS = 0.1
BATCHES_AT_ONCE = 5  # the number of parallel batches with which AWS begins
THROTTLED_SECONDS = 1.0

log = logging.getLogger("local_aws.event_sources")


class QueueReader:
    """A reader whose `run` ends only by cancellation.

    Messages in flight are then received again.
    """

    def __init__(
        self,
        region: str,
        config: Config,
        moto: Moto,
        functions: LambdaService,
        on_change: Callable[[], None],
    ) -> None:
        self._region = region
        self._config = config
        self._moto = moto
        self._functions = functions
        self._on_change = on_change
        self._patterns = mappings.patterns(config)
        self._name = config["EventSourceArn"].rpartition(":")[2]
        scaling = config.get("ScalingConfig") or {}
        self._at_once = asyncio.Semaphore(scaling.get("MaximumConcurrency") or BATCHES_AT_ONCE)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as batches:
            while True:
                if not self._has_news():
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                await self._at_once.acquire()
                if window := self._config["MaximumBatchingWindowInSeconds"]:
                    await self._gather(window)
                messages = await self._moto.run(self._receive)
                batches.create_task(self._hand_over(messages)).add_done_callback(
                    lambda _: self._at_once.release()
                )

    @property
    def _queue(self) -> Any:
        return sqs_backends[ACCOUNT_ID][self._region].queues.get(self._name)

    def _has_news(self) -> bool:
        return self._queue is not None and bool(self._queue.messages)

    async def _gather(self, seconds: float) -> None:
        """Wait until the batch is full or the batch window ends."""
        for _ in range(int(seconds / POLL_SECONDS)):
            if self._queue is None or len(self._queue.messages) >= self._config["BatchSize"]:
                return
            await asyncio.sleep(POLL_SECONDS)

    def _receive(self) -> list[Any]:
        """Receive a batch on moto's thread; like AWS, delete messages that match no filter."""
        backend, visible = (
            sqs_backends[ACCOUNT_ID][self._region],
            int(self._queue.visibility_timeout),
        )
        got = backend.receive_message(self._name, self._config["BatchSize"], 0, visible, ["All"])
        if not self._patterns:
            return got
        wanted = [
            each
            for each in got
            if any(_passes(pattern, self._event(each)) for pattern in self._patterns)
        ]
        self._delete(each.receipt_handle for each in got if each not in wanted)
        return wanted

    def _delete(self, handles: Iterable[Any]) -> None:
        for handle in handles:
            with suppress(ReceiptHandleIsInvalid):  # the message was purged or deleted
                self._queue.delete_message(handle)
        self._on_change()

    async def _hand_over(self, messages: list[Any]) -> None:
        if not messages:
            return
        events = [self._event(message) for message in messages]
        try:
            payload = json.dumps({"Records": events}).encode()
            done = await self._functions.invoke(
                self._config["FunctionArn"], payload, region=self._region
            )
        except InvokeError as error:  # throttled, or the function was deleted
            log.info("%s: %s", self._config["FunctionArn"], error)
            await asyncio.sleep(THROTTLED_SECONDS)
            return
        failed = self._failed(done, {event["messageId"] for event in events})
        taken = [event["receiptHandle"] for event in events if event["messageId"] not in failed]
        await self._moto.run(lambda: self._delete(taken))

    def _failed(self, done: Invocation, sent: set[str]) -> set[str]:
        """Return the ids of the failed messages.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (success and
        failure)
        """
        if done.function_error:
            return sent
        if "ReportBatchItemFailures" not in self._config["FunctionResponseTypes"]:
            return set()
        try:
            answer = json.loads(done.payload or b"null")
            named = {
                failure["itemIdentifier"]
                for failure in (answer or {}).get("batchItemFailures") or []
            }
        except (AttributeError, KeyError, TypeError, ValueError):
            return sent
        return named if named <= sent else sent

    def _event(self, message: Any) -> dict[str, Any]:
        """Build the event.

        https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html (example standard and FIFO queue
        message events)
        """
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        }
        if message.group_id:
            attributes["MessageGroupId"] = message.group_id
        if message.deduplication_id:
            attributes["MessageDeduplicationId"] = message.deduplication_id
        if message.sequence_number:
            attributes["SequenceNumber"] = message.sequence_number
        event = {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {
                name: _attribute(value) for name, value in message.message_attributes.items()
            },
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self._config["EventSourceArn"],
            "awsRegion": self._region,
        }
        return event | (
            {"md5OfMessageAttributes": message.attribute_md5} if message.message_attributes else {}
        )


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {
        "dataType": value["DataType"],
        "stringListValues": [],
        "binaryListValues": [],
    }
    if "StringValue" in value:
        written["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        binary = value["BinaryValue"]
        written["binaryValue"] = (
            base64.b64encode(binary).decode() if isinstance(binary, bytes) else binary
        )
    return written


def _passes(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """Return True if the message matches a filter.

    A pattern for a JSON body never matches plain text, and vice versa.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html (properly filtering SQS
    messages)
    """
    if not isinstance(pattern.get("body"), Mapping):
        return matches(pattern, event)
    with suppress(ValueError):
        body = json.loads(event["body"])
        return isinstance(body, dict) and matches(pattern, {**event, "body": body})
    return False
