"""The lines of the supervisor's log about answered requests."""

import asyncio
import sys
import time
from functools import lru_cache
from typing import TextIO

WRITE_SECONDS = 0.1


class RequestLog:
    """A buffer of log lines about requests, written ten times a second.

    The lines look like those of `logging`. A log record for each request would take a tenth of
    the request's processor time.
    """

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._lines: list[str] = []

    def put(self, text: str) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(WRITE_SECONDS, self.flush)
        now = time.time()
        self._lines.append(f"{_date_time(int(now))},{int(now % 1 * 1000):03} INFO local: {text}\n")

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()


@lru_cache(maxsize=1)
def _date_time(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
