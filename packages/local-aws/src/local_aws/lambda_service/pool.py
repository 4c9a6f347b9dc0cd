"""The warm workers of one function version."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.lambda_service.worker import InitError, Worker

Launch = Callable[[DeployedFunction], Awaitable[Worker]]
Now = Callable[[], datetime]

# A worker keeps the credentials it was started with, as an execution environment does. It is replaced before they end:
# an invocation that begins now must not outlive them.
CREDENTIALS_MARGIN = timedelta(seconds=60)

# More at once only make each other slower: a cold start is pure CPU.
STARTS_AT_ONCE = max(2, os.cpu_count() or 2)


class Pool:
    """Grows when invocations wait, up to `limit` workers; then they queue (AWS would go on growing)."""

    def __init__(self, function: DeployedFunction, launch: Launch, limit: int, now: Now) -> None:
        self.function = function
        self.workers: set[Worker] = set()
        self._launch = launch
        self._limit = limit
        self._now = now
        self._margin = timedelta(seconds=function.timeout) + CREDENTIALS_MARGIN
        self._idle: list[Worker] = []
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._starts: set[asyncio.Task[None]] = set()
        self._retired = False

    async def acquire(self) -> Worker:
        """A worker, the most recently used first. Raises `InitError` if the one started for this call fails."""
        while self._idle:
            worker = self._idle.pop()
            if self._is_usable(worker):
                return worker
            await self._discard(worker)
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._grow()
        return await turn

    async def release(self, worker: Worker) -> None:
        """Hand the worker to the next waiting call, or keep it warm. End it if it is no longer usable or wanted."""
        if not self._is_usable(worker) or (self._retired and not self._waiting):
            await self._discard(worker)
            self._grow()
        elif turn := self._next_waiting():
            turn.set_result(worker)
        else:
            self._idle.append(worker)

    async def retire(self) -> None:
        """Let running invocations end, then keep no worker."""
        self._retired = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(self._discard(worker) for worker in idle))

    async def reap(self, idle_seconds: float) -> None:
        """End the workers that were idle for `idle_seconds`, and those that are no longer usable."""
        horizon = time.monotonic() - idle_seconds
        old = [worker for worker in self._idle if worker.idle_since < horizon or not self._is_usable(worker)]
        self._idle = [worker for worker in self._idle if worker not in old]
        await asyncio.gather(*(self._discard(worker) for worker in old))

    async def close(self) -> None:
        """End every worker now, also those at work or starting."""
        self._retired = True
        for start in list(self._starts):
            start.cancel()
        await asyncio.gather(*self._starts, return_exceptions=True)
        await asyncio.gather(*(self._discard(worker) for worker in list(self.workers)))

    def _grow(self) -> None:
        while self._waiting and len(self._starts) < min(len(self._waiting), STARTS_AT_ONCE):
            if len(self.workers) + len(self._starts) >= self._limit:
                return
            start = asyncio.create_task(self._start_one())
            self._starts.add(start)
            start.add_done_callback(self._started)

    async def _start_one(self) -> None:
        try:
            worker = await self._launch(self.function)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # InitError, or a fault of ours: the caller must hear of either
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

    def _is_usable(self, worker: Worker) -> bool:
        """Return True if the worker lives and its credentials outlast an invocation."""
        return worker.alive and not worker.credentials_end_before(self._now() + self._margin)

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
