"""What the stack does, as it happens: `GET /_atrium/observations` streams a JSON object a line to whoever listens."""

import asyncio
import logging
import urllib.request
from collections.abc import Iterator

import msgspec
from aiohttp import web

from local_aws.api_gateway.app import Answered
from local_aws.lambda_service import Invoked

PATH = "/_atrium/observations"
BACKLOG = 10_000  # observations that may wait for a slow listener; then it is cut off

log = logging.getLogger("local")


class Observation(msgspec.Struct, omit_defaults=True):
    """One of the two."""

    invoked: Invoked | None = None
    answered: Answered | None = None


class Observations:
    """In the supervisor. What nobody listens to is not kept."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Observation | None]] = set()

    def invoked(self, seen: Invoked) -> None:
        self._tell(Observation(invoked=seen))

    def answered(self, seen: Answered) -> None:
        log.info("%s", seen)
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
        """Ends every stream, so that the server need not wait for them."""
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
            pass  # the listener went away
        finally:
            self._listeners.discard(listener)
        return response


def listen(aws_endpoint_url: str) -> Iterator[Observation]:
    """In another process: blocks between observations, and ends with the stack. Raises `OSError` if there is none."""
    decoder = msgspec.json.Decoder(Observation)
    with urllib.request.urlopen(aws_endpoint_url + PATH) as lines:
        yield from map(decoder.decode, lines)
