"""The warm workers of one function version."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.lambda_service.errors import throttled
from local_aws.lambda_service.worker import InitError, Worker

Launch = Callable[[DeployedFunction], Awaitable[Worker]]
Now = Callable[[], datetime]

# A worker keeps the credentials it was started with, as an execution environment does. It is
# replaced before they expire: an invocation that begins now must not outlive them.
CREDENTIALS_MARGIN = timedelta(seconds=60)

# A cold start is pure CPU work, so more starts at once only slow each other down.
STARTS_AT_ONCE = max(2, os.cpu_count() or 2)


@dataclass(frozen=True)
class Limits:
    """The concurrency of one function version on a laptop.

    AWS would start more environments, up to the account's limit, and then throttle without a queue.
    A laptop has two processors, so a short queue takes the bursts that AWS would serve in parallel.
    The queue is bounded in length and time.
    """

    workers: int = 10
    waiting: int = 100  # number of queued calls
    waiting_seconds: float = 10.0  # for a call for which no worker is being started


class Pool:
    """A pool that grows while invocations wait, up to `limits.workers`.

    Further invocations queue. They are throttled when the queue is full.
    """

    def __init__(
        self, function: DeployedFunction, launch: Launch, limits: Limits, now: Now
    ) -> None:
        self.function = function
        self.workers: set[Worker] = set()
        self._launch = launch
        self._limits = limits
        self._now = now
        self._margin = timedelta(seconds=function.timeout) + CREDENTIALS_MARGIN
        self._idle: list[Worker] = []
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._starts: set[asyncio.Task[None]] = set()
        self._handed_back: set[asyncio.Task[None]] = set()
        self._retired = False

    def require_capacity(self) -> None:
        """Raise `InvokeError` if all workers are busy and the queue is full."""
        to_start = self._limits.workers - len(self.workers)
        if not self._idle and len(self._waiting) >= self._limits.waiting + to_start:
            raise throttled("ConcurrentInvocationLimitExceeded")

    async def acquire(self) -> Worker:
        """Return a worker, the most recently used first; a cancelled caller leaves the queue.

        Raises:
            InitError: the worker that was started for this call failed.
            InvokeError: all workers are busy and the queue is full, or the call has waited too
                long.
        """
        while self._idle:
            worker = self._idle.pop()
            if self._is_usable(worker):
                return worker
            await self._discard(worker)
        self.require_capacity()
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._grow()
        try:
            while not (await asyncio.wait([turn], timeout=self._limits.waiting_seconds))[0]:
                if self._is_full() and self._waiting.index(turn) >= len(self._starts):
                    raise throttled("ConcurrentInvocationLimitExceeded")
        except BaseException:
            self._give_up(turn)
            raise
        return turn.result()

    async def release(self, worker: Worker) -> None:
        """Hand the worker to the next waiting call, or keep it warm.

        End it if it is unusable or the pool is retired.
        """
        if not self._is_usable(worker) or (self._retired and not self._waiting):
            await self._discard(worker)
            self._grow()
        elif turn := self._next_waiting():
            turn.set_result(worker)
        else:
            self._idle.append(worker)

    async def retire(self) -> None:
        """Let running invocations finish, then keep no worker."""
        self._retired = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(self._discard(worker) for worker in idle))

    async def reap(self, idle_seconds: float) -> None:
        """End workers that were idle for `idle_seconds` and workers that are no longer usable."""
        horizon = time.monotonic() - idle_seconds
        old = [
            worker
            for worker in self._idle
            if worker.idle_since < horizon or not self._is_usable(worker)
        ]
        self._idle = [worker for worker in self._idle if worker not in old]
        await asyncio.gather(*(self._discard(worker) for worker in old))

    async def close(self) -> None:
        """End every worker now, including busy and starting ones."""
        self._retired = True
        for start in list(self._starts):
            start.cancel()
        await asyncio.gather(*self._starts, return_exceptions=True)
        await asyncio.gather(*(self._discard(worker) for worker in list(self.workers)))

    def _grow(self) -> None:
        while self._waiting and len(self._starts) < min(len(self._waiting), STARTS_AT_ONCE):
            if self._is_full():
                return
            start = asyncio.create_task(self._start_one())
            self._starts.add(start)
            start.add_done_callback(self._started)

    async def _start_one(self) -> None:
        try:
            worker = await self._launch(self.function)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the caller must see InitError as well as internal errors
            if turn := self._next_waiting():
                turn.set_exception(error)
            elif not isinstance(error, InitError):
                raise
            return
        self.workers.add(worker)
        await self.release(worker)

    def _started(self, start: asyncio.Task[None]) -> None:
        self._starts.discard(start)
        self._grow()

    def _is_full(self) -> bool:
        return len(self.workers) + len(self._starts) >= self._limits.workers

    def _give_up(self, turn: asyncio.Future[Worker]) -> None:
        """Leave the queue, or pass on a worker that arrived at the same moment."""
        if not turn.done():
            turn.cancel()
            self._waiting.remove(turn)
        elif turn.exception() is None:
            task = asyncio.create_task(self.release(turn.result()))
            self._handed_back.add(task)
            task.add_done_callback(self._handed_back.discard)

    def _is_usable(self, worker: Worker) -> bool:
        """Return True if the worker is alive and its credentials outlast an invocation."""
        return (
            worker.alive
            and not worker.has_exited()
            and not worker.credentials_end_before(self._now() + self._margin)
        )

    def _next_waiting(self) -> asyncio.Future[Worker] | None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn
        return None

    async def _discard(self, worker: Worker) -> None:
        self.workers.discard(worker)
        await worker.kill()
        worker.close_files()
