"""The output of a worker's process, read while it is written and passed on to the function's log."""

import asyncio
import os
from collections import deque
from collections.abc import Callable

PIPE_BYTES = 1 << 16  # one read takes all that a full pipe holds
EVENT_BYTES = 262_118  # CloudWatch's limit for an event, 256 KiB, without the 26 bytes that it counts for itself
KEPT_BYTES = 1 << 18  # the newest output that `take` returns
FLUSH_SECONDS = 0.1

Write = Callable[[list[str]], None]


class Output:
    """A pipe whose writing end the process gets. The log gets each line within `FLUSH_SECONDS`.

    A process at work never waits for a reader: a function that fills the pipe would else stop in its `print`. An idle one
    does. On AWS it would be frozen.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._loop = asyncio.get_running_loop()
        self._partial = b""
        self._pending: list[str] = []
        self._flush_later: asyncio.TimerHandle | None = None
        self._kept: deque[str] = deque()
        self._kept_bytes = 0

    def close_writing(self) -> None:
        """Close this process's copy of the writing end, once the worker has its own."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1

    def watch(self) -> None:
        """Read what the process writes, until `rest`."""
        self._loop.add_reader(self._reading, self._read)

    def rest(self) -> None:
        self._loop.remove_reader(self._reading)

    def put(self, *lines: str) -> None:
        """Add lines of the platform to the log, behind what the process has written so far."""
        self._pending += lines
        if self._flush_later is None:
            self._flush_later = self._loop.call_later(FLUSH_SECONDS, self.flush)

    def take(self) -> list[str]:
        """Return the newest lines that the process has written since the last call.

        A write precedes the response on the wire, so all of an invocation's output is in the pipe when it has answered.
        """
        self._read()
        if self._partial:
            self._add([self._partial])
            self._partial = b""
        kept, self._kept, self._kept_bytes = list(self._kept), deque(), 0
        return kept

    def flush(self) -> None:
        """Hand all lines to the log now."""
        if self._flush_later:
            self._flush_later.cancel()
            self._flush_later = None
        pending, self._pending = self._pending, []
        if pending:
            self._write(pending)

    def close(self) -> None:
        """Log what is left and close the pipe. Safe to call twice."""
        if self._reading >= 0:
            self.take()
            self._loop.remove_reader(self._reading)
            os.close(self._reading)
            self._reading = -1
        self.close_writing()
        self.flush()

    def _read(self) -> None:
        try:
            chunk = os.read(self._reading, PIPE_BYTES) if self._reading >= 0 else b""
        except BlockingIOError:
            return
        if not chunk:  # the process and its children have ended
            self._loop.remove_reader(self._reading)
            return
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        if len(self._partial) >= EVENT_BYTES:
            lines, self._partial = [*lines, self._partial], b""
        self._add(lines)

    def _add(self, lines: list[bytes]) -> None:
        parts = [
            line[at : at + EVENT_BYTES] for line in lines for at in range(0, len(line), EVENT_BYTES)
        ]
        texts = [text for part in parts for text in part.decode(errors="replace").splitlines()]
        self.put(*texts)
        for text in texts:
            self._kept.append(text)
            self._kept_bytes += len(text)
        while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popleft())
        if sum(map(len, self._pending)) >= PIPE_BYTES:
            self.flush()
