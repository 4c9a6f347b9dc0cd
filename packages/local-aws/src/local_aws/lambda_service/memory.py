"""A worker's memory: its peak, and the limit at which the worker is killed.

On AWS the kernel enforces the limit. Here the memory is sampled while the worker runs.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

import asyncio
import os
import signal
import time
from contextlib import suppress

LOOK_SECONDS = 0.05


class Memory:
    """The memory of one process in MB of 2^20 bytes, from Linux's /proc.

    On other systems it is unknown and unlimited.
    """

    def __init__(self, process_id: int, limit: int) -> None:
        self._process_id = process_id
        self._limit = limit
        self._highest = 0
        self._read_at = 0.0
        self._status: int | None = None
        self._next: asyncio.TimerHandle | None = None
        with suppress(OSError):
            self._status = os.open(f"/proc/{process_id}/status", os.O_RDONLY | os.O_CLOEXEC)

    def watch(self) -> None:
        """Sample the memory periodically until `rest`.

        A short invocation ends before the first sample.
        """
        if self._status is not None:
            self._next = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def rest(self) -> None:
        if self._next:
            self._next.cancel()
            self._next = None

    def peak(self) -> int | None:
        """Return the peak so far, also of a process that has ended.

        As AWS reports it, the peak is at most the function's memory.

        A recent sample is reused: under load, reading anew would cost a tenth of an invocation.
        """
        if time.monotonic() - self._read_at > LOOK_SECONDS:
            self._read()
        return min(self._highest, self._limit) or None

    def close(self) -> None:
        self.rest()
        if self._status is not None:
            os.close(self._status)
            self._status = None

    def _look(self) -> None:
        if self._read() > self._limit:
            with suppress(ProcessLookupError):
                os.kill(self._process_id, signal.SIGKILL)
            return
        self.watch()

    def _read(self) -> int:
        """Return the current memory use."""
        if self._status is None:
            return 0
        self._read_at = time.monotonic()
        with suppress(OSError, IndexError):  # the process has ended
            status = os.pread(self._status, 4096, 0)
            self._highest = _mb(status, b"VmHWM:")
            return _mb(status, b"VmRSS:")
        return 0


def _mb(status: bytes, name: bytes) -> int:
    return int(status.split(name)[1].split()[0]) // 1024 + 1
