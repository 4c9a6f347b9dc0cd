"""The output of a worker's process, passed on to the function's log while it is written."""

import asyncio
import os
from collections import deque
from collections.abc import Callable

PIPE_BYTES = 1 << 16  # one read empties a full pipe
# CloudWatch's limit of 256 KiB per event, less the 26 bytes that it adds to each
EVENT_BYTES = 262_118
KEPT_BYTES = 1 << 18  # the newest output that `take` returns
FLUSH_SECONDS = 0.1

Write = Callable[[list[str]], None]


class Output:
    """A pipe whose write end the process gets; each line reaches the log within `FLUSH_SECONDS`.

    The pipe is read while an invocation runs, because a function that fills it would block in
    `print`. It is not read while the worker is idle, when AWS would have frozen it.
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
        """Close this process's copy of the write end, once the worker has its own."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1

    def watch(self) -> None:
        """Read the process's output until `rest`."""
        self._loop.add_reader(self._reading, self._read)

    def rest(self) -> None:
        self._loop.remove_reader(self._reading)

    def put(self, *lines: str) -> None:
        """Append lines of the platform to the log, after the process's output so far."""
        self._pending += lines
        if self._flush_later is None:
            self._flush_later = self._loop.call_later(FLUSH_SECONDS, self.flush)

    def take(self) -> list[str]:
        """Return the newest lines that the process has written since the last call.

        The process writes its output before its response, so the pipe holds all output of an
        answered invocation.
        """
        self._read()
        if self._partial:
            self._add([self._partial])
            self._partial = b""
        kept, self._kept, self._kept_bytes = list(self._kept), deque(), 0
        return kept

    def flush(self) -> None:
        """Write all pending lines to the log now."""
        if self._flush_later:
            self._flush_later.cancel()
            self._flush_later = None
        pending, self._pending = self._pending, []
        if pending:
            self._write(pending)

    def close(self) -> None:
        """Log the remaining output and close the pipe.

        A second call does nothing.
        """
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
