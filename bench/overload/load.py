"""HTTP requests at a rate or in a closed loop.

The client is cheap, because it shares the processors with the stack.
"""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

GIVES_UP_SECONDS = 10.0
GAVE_UP, BROKEN = 0, -1  # in place of the status of a failed request

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """A connection with at most one request at a time; it reads answers with a Content-Length."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport has another class
        self.transport = cast("asyncio.Transport", transport)

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of its answer."""
        assert self.transport
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if (
            end
            and length
            and len(body) >= int(length[1])
            and self._answer
            and not self._answer.done()
        ):
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError())


@dataclass
class Load:
    """The load. `answers` counts answers by their second and status."""

    host: str
    port: int
    request: bytes
    answers: dict[int, Counter[int]] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)  # seconds until each answer
    _idle: list[Connection] = field(default_factory=list)

    async def closed_loop(self, callers: int, seconds: float) -> None:
        end = time.monotonic() + seconds

        async def call() -> None:
            while time.monotonic() < end:
                await self._once()

        await asyncio.gather(*(call() for _ in range(callers)))

    async def at_rate(self, rate: float, seconds: float) -> None:
        """Begin `rate` requests a second, whether or not earlier ones have been answered."""
        began, sent = time.monotonic(), 0
        async with asyncio.TaskGroup() as requests:
            while (elapsed := time.monotonic() - began) < seconds:
                while sent < elapsed * rate:
                    requests.create_task(self._once())
                    sent += 1
                await asyncio.sleep(0.005)

    def close(self) -> None:
        for connection in self._idle:
            if connection.transport:
                connection.transport.abort()

    async def _once(self) -> None:
        connection, status, began = None, BROKEN, time.perf_counter()
        try:
            async with asyncio.timeout(GIVES_UP_SECONDS):
                connection = self._idle.pop() if self._idle else await self._connect()
                status = await connection.ask(self.request)
            self._idle.append(connection)
            self.times.append(time.perf_counter() - began)
        except (TimeoutError, OSError) as error:
            status = GAVE_UP if isinstance(error, TimeoutError) else BROKEN
            if connection and connection.transport:
                connection.transport.abort()
        self.answers.setdefault(int(time.monotonic()), Counter())[status] += 1

    async def _connect(self) -> Connection:
        _, made = await asyncio.get_running_loop().create_connection(
            Connection, self.host, self.port
        )
        return made
