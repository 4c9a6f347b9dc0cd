"""The pools of every function version: made when needed, and retired when their code is old."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any

from local_aws.lambda_service.deployed import Credentials, DeployedFunction, find, is_superseded
from local_aws.lambda_service.egress import EgressOf
from local_aws.lambda_service.environment import Interpreter
from local_aws.lambda_service.errors import InvokeError, role_not_assumable
from local_aws.lambda_service.function_log import FunctionLogs
from local_aws.lambda_service.pool import Limits, Now, Pool
from local_aws.lambda_service.report import init_lines
from local_aws.lambda_service.unpack import Unpacked
from local_aws.lambda_service.worker import InitError, Worker

log = logging.getLogger("local.lambda")

# (role ARN, session name) -> temporary credentials of the role
CredentialsOf = Callable[[str, str], Awaitable[Credentials] | Credentials]


class Pools:
    """The pools by region, function and version."""

    def __init__(
        self,
        interpreter: Interpreter,
        credentials: CredentialsOf,
        unpacked: Unpacked,
        logs: FunctionLogs,
        *,
        egress: EgressOf | None,
        limits: Limits,
        now: Now,
        idle_seconds: float,
    ) -> None:
        self.limits = limits
        self._interpreter = interpreter
        self._credentials = credentials
        self._unpacked = unpacked
        self._logs = logs
        self._egress = egress
        self._now = now
        self._idle_seconds = idle_seconds
        self._pools: dict[tuple[str, str, str], Pool] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Delete what an earlier run unpacked, and start reaping idle workers."""
        await asyncio.to_thread(self._unpacked.forget)
        self._background(self._reap())

    async def close(self) -> None:
        """Kill every worker."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(pool.close() for pool in self.all()))
        self._pools.clear()

    def all(self) -> list[Pool]:
        return list(self._pools.values())

    def of(self, function: DeployedFunction) -> Pool:
        """Return the pool of this version; a pool of older code is retired."""
        key = (function.region, function.name, function.version)
        pool = self._pools.get(key)
        if pool is None or pool.function.fingerprint != function.fingerprint:
            if pool is not None:
                self._background(pool.retire())
            pool = self._pools[key] = Pool(function, self._launch, self.limits, self._now)
        return pool

    async def retire_outdated(self) -> None:
        """Retire the pools of versions that were changed, deleted or superseded."""
        # The workers are removed in one step, because other calls run while workers are being
        # ended.
        outdated = [key for key in self._pools if self._is_outdated(*key)]
        await asyncio.gather(
            *(pool.retire() for pool in [self._pools.pop(key) for key in outdated])
        )

    def _is_outdated(self, region: str, name: str, version: str) -> bool:
        try:
            now = find(name, version, region)
        except InvokeError:
            return True
        running = self._pools[region, name, version].function
        return now.fingerprint != running.fingerprint or is_superseded(name, version, region)

    async def _credentials_of(self, function: DeployedFunction) -> Credentials:
        try:
            found = self._credentials(function.role, function.name)
            return await found if isawaitable(found) else found
        except LookupError as error:
            log.error("%s cannot start: %s", function.invoked_arn, error)
            raise role_not_assumable() from error

    async def _launch(self, function: DeployedFunction) -> Worker:
        task_root = await self._unpacked.folder(function.code)
        layers = [await self._unpacked.folder(layer) for layer in function.layers]
        credentials = await self._credentials_of(function)
        worker = Worker(
            function,
            self._interpreter,
            self._logs,
            self._egress(function) if self._egress else None,
        )
        try:
            await worker.start(task_root, layers, credentials)
        except BaseException as error:
            if isinstance(error, InitError):
                error.output, error.log_stream = worker.output.take(), worker.log_stream
                worker.output.put(*init_lines(function, error.init_ms, error.type))
            worker.close_files()
            raise
        return worker

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(min(30.0, self._idle_seconds))
            for pool in self.all():
                await pool.reap(self._idle_seconds)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
