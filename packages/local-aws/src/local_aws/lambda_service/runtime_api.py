"""The Runtime API of one worker: an HTTP/1.1 server on its own port.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

Every invocation makes two requests to this endpoint. A general-purpose web server takes half of an
invocation's time.
"""

import asyncio
import re
from collections.abc import Callable
from typing import cast

import httptools
import msgspec

from local_aws.settings import LOOPBACK

_PREFIX = "/2018-06-01/runtime/"
_REASONS = {200: "OK", 202: "Accepted", 404: "Not Found"}
_LINE_BREAKS = re.compile(r"[\r\n]")  # legal in a client context, which is JSON


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    headers: dict[str, str] = {}


Send = Callable[[Answer], None]
# Called with the method, the path below the version's prefix, the body, and a function that sends
# the answer now or later.
Respond = Callable[[str, str, bytes, Send], None]

ACCEPTED = Answer(202, b'{"status":"OK"}\n')
NOT_FOUND = Answer(404, b'{"errorType":"NotFound"}')


class RuntimeApi:
    """A server that listens between `start` and `close`."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self) -> int:
        """Start listening and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._respond, self._connections), LOOPBACK, 0
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        if self._server:
            self._server.close()
        for connection in list(self._connections):
            connection.close()


class _Connection(asyncio.Protocol):
    """A connection that handles one request at a time; HTTP clients do not pipeline by default."""

    def __init__(self, respond: Respond, connections: set["_Connection"]) -> None:
        self._respond = respond
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._body: list[bytes] = []

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    # asyncio calls these three methods.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport has another class
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    # httptools calls these methods.

    def on_message_begin(self) -> None:
        self._url, self._body = b"", []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method, path = self._parser.get_method().decode(), self._url.decode("latin-1")
        action = path.removeprefix(_PREFIX) if path.startswith(_PREFIX) else ""
        self._respond(method, action, b"".join(self._body), self._send)

    def _send(self, answer: Answer) -> None:
        if self._transport is None:  # the client has disconnected
            return
        head = f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\nContent-Type: application/json\r\n"
        fields = "".join(
            f"{name}: {_LINE_BREAKS.sub(' ', value)}\r\n" for name, value in answer.headers.items()
        )
        length = f"Content-Length: {len(answer.body)}\r\n\r\n"
        self._transport.write((head + fields + length).encode() + answer.body)
        if not self._parser.should_keep_alive():
            self._transport.close()
