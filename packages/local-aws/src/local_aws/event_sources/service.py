"""The service of event sources: runs a reader per mapping, and ends with the stack."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.control_plane.moto_app import Moto
from local_aws.dynamodb import Store, stream
from local_aws.dynamodb.store import Data
from local_aws.event_sources import mappings
from local_aws.event_sources.event_buses import EventBuses
from local_aws.event_sources.expiry import expire_items
from local_aws.event_sources.mappings import Config
from local_aws.event_sources.queues import QueueReader
from local_aws.event_sources.schedules import Now, Schedules, utc_now
from local_aws.event_sources.streams import StreamReader
from local_aws.lambda_service import InvokeError, LambdaService

_MAPPINGS = re.compile(r"^/2015-03-31/event-source-mappings/(?P<uuid>[^/]*)$")
_TAGS = re.compile(r"^/2017-03-31/tags/(?P<arn>.+)$")

log = logging.getLogger("local_aws.event_sources")


class EventSources:
    """All event sources.

    `on_change` is called when a position in a stream moves, because no AWS call reports it.
    """

    def __init__(
        self,
        moto: Moto,
        functions: LambdaService,
        store: Store,
        on_change: Callable[[], None] = lambda: None,
        now: Now = utc_now,
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._store = store
        self._on_change = on_change
        self._buses = EventBuses(moto, functions, on_change, now)
        self._schedules = Schedules(functions, on_change, now)
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._always: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Resume the mappings that the control plane kept."""
        for region, config in mappings.everywhere():
            self._follow(region, config)
        self._always = [
            asyncio.create_task(_endless("expiry", lambda: expire_items(self._store))),
            asyncio.create_task(_endless("schedules", self._schedules.run)),
        ]

    async def close(self) -> None:
        """Stop the readers.

        Running invocations continue; their batches are delivered again at the next start.
        """
        tasks = [*self._readers.values(), *self._always]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._readers.clear()
        self._always.clear()

    async def intercept_events(self, call: AwsCall, forward: Forward) -> AwsResponse:
        """Answer the calls about buses and schedules that moto would not act on."""
        return await self._buses.intercept(
            call, lambda other: self._schedules.intercept(other, forward)
        )

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        """Answer calls about event source mappings; forward all other Lambda calls."""
        path = call.path if call.path.count("/") > 2 else f"{call.path}/"
        tagged = _TAGS.match(unquote(call.path))
        try:
            if match := _MAPPINGS.match(path):
                return await self._answer(call, match["uuid"])
            if tagged and ":event-source-mapping:" in tagged["arn"]:
                return _answer_tags(call, tagged["arn"].rpartition(":")[2])
        except InvokeError as error:
            return error.response()
        return await forward(call)

    async def _answer(self, call: AwsCall, uuid: str) -> AwsResponse:
        match call.method, bool(uuid):
            case "POST", False:
                config = mappings.create(call.region, json.loads(call.body))
                await self._store.write(lambda data: _begin(data, config))
                await self._change(call.region, config)
                return _json(202, _shown(config | {"State": "Creating"}))
            case "GET", False:
                wanted = {name: values[0] for name, values in parse_qs(call.query).items()}
                found = mappings.listed(
                    call.region, wanted.get("EventSourceArn"), wanted.get("FunctionName")
                )
                return _json(200, {"EventSourceMappings": [_shown(config) for config in found]})
            case "GET", True:
                return _json(200, _shown(mappings.get(call.region, uuid)))
            case "PUT", True:
                config = mappings.update(call.region, uuid, json.loads(call.body))
                await self._change(call.region, config)
                return _json(202, _shown(config | {"State": "Updating"}))
            case "DELETE", True:
                config = mappings.delete(call.region, uuid)
                await self._stop(uuid)
                await self._store.write(lambda data: data.set_place(uuid, None))
                return _json(202, _shown(config))
        raise InvokeError(405, "MethodNotAllowed", f"{call.method} of an event source mapping")

    async def _change(self, region: str, config: Config) -> None:
        await self._stop(config["UUID"])
        self._follow(region, config)

    async def _stop(self, uuid: str) -> None:
        if reader := self._readers.pop(uuid, None):
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def _follow(self, region: str, config: Config) -> None:
        if config["State"] != "Enabled":
            return
        reader: QueueReader | StreamReader
        if ":sqs:" in config["EventSourceArn"]:
            reader = QueueReader(region, config, self._moto, self._functions, self._on_change)
        else:
            reader = StreamReader(region, config, self._moto, self._functions, self._store)
        self._readers[config["UUID"]] = asyncio.create_task(
            _endless(config["FunctionArn"], reader.run)
        )


async def _endless(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a task again after an internal error, which is logged."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s", name)
            await asyncio.sleep(1)


def _begin(data: Data, config: Config) -> None:
    """Store the position from which a stream's mapping begins to read."""
    if "StartingPosition" in config:
        is_latest = config["StartingPosition"] == "LATEST"
        data.set_place(
            config["UUID"], stream.newest(data, config["EventSourceArn"]) + 1 if is_latest else 0
        )


def _answer_tags(call: AwsCall, uuid: str) -> AwsResponse:
    tags = mappings.get(call.region, uuid)["Tags"]
    if call.method == "POST":
        tags.update(json.loads(call.body)["Tags"])
    elif call.method == "DELETE":
        for name in [value for key, value in parse_qsl(call.query) if key == "tagKeys"]:
            tags.pop(name, None)
    else:
        return _json(200, {"Tags": tags})
    return AwsResponse(204, b"")


def _shown(config: Config) -> Config:
    return {name: value for name, value in config.items() if name != "Tags"}


def _json(status: int, content: Config) -> AwsResponse:
    return AwsResponse(status, json.dumps(content).encode(), {"Content-Type": "application/json"})
