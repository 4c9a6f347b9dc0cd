"""Observations of the stack: `GET /_local/observations` streams one JSON object a line."""

import asyncio
import urllib.request
from collections.abc import Iterator

import msgspec
from aiohttp import web

from local_aws.api_gateway.app import Answered
from local_aws.console.recorder import Recorder
from local_aws.lambda_service import Invoked
from local_aws.supervisor.request_log import RequestLog

PATH = "/_local/observations"
BACKLOG = 10_000  # observations that may wait for a slow listener; then it is cut off


class Observation(msgspec.Struct, omit_defaults=True):
    """An observation, of which exactly one member is set."""

    invoked: Invoked | None = None
    answered: Answered | None = None


class Observations:
    """The stream's server in the supervisor; observations without a listener are dropped."""

    def __init__(self, log: RequestLog, recorder: Recorder) -> None:
        self._log = log
        self._recorder = recorder
        self._listeners: set[asyncio.Queue[Observation | None]] = set()

    def invoked(self, seen: Invoked) -> None:
        self._recorder.invoked(seen)
        self._tell(Observation(invoked=seen))

    def answered(self, seen: Answered) -> None:
        self._log.put(str(seen))
        self._recorder.answered(seen)
        self._tell(Observation(answered=seen))

    def _tell(self, seen: Observation) -> None:
        for listener in list(self._listeners):
            if listener.qsize() < BACKLOG:
                listener.put_nowait(seen)
            else:
                self._listeners.discard(listener)
                listener.put_nowait(None)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self._stream)]

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._log.flush()
        for listener in self._listeners:
            listener.put_nowait(None)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        listener: asyncio.Queue[Observation | None] = asyncio.Queue()
        self._listeners.add(listener)
        try:
            await response.prepare(request)
            while seen := await listener.get():
                await response.write(msgspec.json.encode(seen) + b"\n")
        except ConnectionResetError:
            pass  # the listener disconnected
        finally:
            self._listeners.discard(listener)
        return response


def listen(aws_endpoint_url: str) -> Iterator[Observation]:
    """Yield observations in another process until the stack ends. Raise `OSError` if none runs."""
    decoder = msgspec.json.Decoder(Observation)
    with urllib.request.urlopen(aws_endpoint_url + PATH) as lines:
        yield from map(decoder.decode, lines)
