"""The execution of events in workers: concurrency, traces, START, END and REPORT."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import msgspec

from local_aws.lambda_service import trace
from local_aws.lambda_service.deployed import DeployedFunction
from local_aws.lambda_service.errors import throttled
from local_aws.lambda_service.function_log import FunctionLogs, new_stream
from local_aws.lambda_service.invocation import Invocation, Invoked, OnInvoked
from local_aws.lambda_service.pool import Pool
from local_aws.lambda_service.pools import Pools
from local_aws.lambda_service.report import Report, end_lines, start_lines
from local_aws.lambda_service.trace import Traced
from local_aws.lambda_service.worker import Event, InitError, Worker
from local_aws.spans import OpenSpans
from local_aws.xray import Traces


class Executions:
    """The running invocations; `on_invoked` is called after each one."""

    def __init__(
        self,
        pools: Pools,
        logs: FunctionLogs,
        traces: Traces,
        on_invoked: OnInvoked,
        spans: OpenSpans,
    ) -> None:
        self._pools = pools
        self._spans = spans
        self._logs = logs
        self._traces = traces
        self._on_invoked = on_invoked
        self._active: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Stop waiting for running invocations, which are lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def require_capacity(self, function: DeployedFunction) -> None:
        """Raise `InvokeError` if the function is throttled."""
        reserved = function.reserved_concurrency
        if reserved is not None and self._active[function.name] >= reserved:
            raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        self._pools.of(function).require_capacity()

    async def run(self, function: DeployedFunction, event: Event) -> Invocation:
        """Run the event and wait for its outcome; cancelling does not stop a running function."""
        self.require_capacity(function)
        began = time.perf_counter()
        self._active[function.name] += 1
        pool = self._pools.of(function)
        traced = trace.begin(function, event.trace_header, self._traces)
        if traced:
            event = msgspec.structs.replace(event, trace_header=traced.header)
        try:
            worker = await pool.acquire()
        except InitError as error:
            self._active[function.name] -= 1
            done = self._not_started(function, event, traced, error)
            self._end_trace(function, traced, done, error.init_ms)
            return done
        except BaseException:
            self._active[function.name] -= 1
            raise
        return await asyncio.shield(
            self._background(self._run_in_worker(pool, worker, event, traced, began))
        )

    async def _run_in_worker(
        self, pool: Pool, worker: Worker, event: Event, traced: Traced | None, began: float
    ) -> Invocation:
        try:
            done, init_ms = await self._invoke_worker(pool, worker, event, traced, began)
        finally:
            self._active[pool.function.name] -= 1
        self._end_trace(pool.function, traced, done, init_ms)
        return done

    def _end_trace(
        self, function: DeployedFunction, traced: Traced | None, done: Invocation, init_ms: float
    ) -> None:
        if traced:
            failed = done.function_error is not None
            trace.end(
                traced, function, done.request_id, self._traces, failed=failed, init_ms=init_ms
            )

    async def _invoke_worker(
        self, pool: Pool, worker: Worker, event: Event, traced: Traced | None, began: float
    ) -> tuple[Invocation, float]:
        """Run the event in a worker and return the outcome with the start's duration in ms.

        The duration is 0 for a warm worker.
        """
        function = pool.function
        cold = worker.invocations == 0
        before = worker.output.take()
        start = start_lines(function, event.request_id)
        worker.output.put(*start)
        self._spans.begin(worker.access_key)
        started = time.perf_counter()
        outcome = await worker.invoke(event)
        duration_ms = (time.perf_counter() - started) * 1000
        spans = self._spans.end(worker.access_key)
        init_ms = worker.init_ms if cold else 0.0
        notes = outcome.note.splitlines() if outcome.note else []
        written = [*worker.output.take(), *notes]
        report = Report(
            event.request_id,
            duration_ms,
            worker.peak_memory_mb(),
            init_ms,
            outcome.status,
            outcome.error_type,
            traced,
        )
        end = end_lines(function, report)
        worker.output.put(*notes, *end)
        worker.output.flush()
        await pool.release(worker)
        self._on_invoked(
            Invoked(
                function.name, event.request_id, event.source, cold, duration_ms, outcome.status, before + written,
                began, (started - began) * 1000, init_ms, trace.root(event.trace_header), spans,
            )
        )  # fmt: skip
        done = Invocation(
            200, outcome.payload, outcome.function_error, function.version, event.request_id,
            [*start, *written, *end], cold, duration_ms,
        )  # fmt: skip
        return done, init_ms

    def _not_started(
        self, function: DeployedFunction, event: Event, traced: Traced | None, error: InitError
    ) -> Invocation:
        report = Report(event.request_id, 0.0, None, error.init_ms, "error", error.type, traced)
        lines = [*start_lines(function, event.request_id), *end_lines(function, report)]
        self._logs.write(function, error.log_stream or new_stream(function.version), lines)
        self._on_invoked(
            Invoked(
                function.name, event.request_id, event.source, True, 0.0, "init", error.output,
                time.perf_counter() - error.init_ms / 1000, error.init_ms, error.init_ms,
                trace.root(event.trace_header),
            )
        )  # fmt: skip
        return Invocation(
            200,
            error.payload,
            "Unhandled",
            function.version,
            event.request_id,
            error.output + lines,
            True,
            0.0,
        )

    def _background[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        # Started eagerly, a warm worker gets its event before the event loop's next turn.
        task = asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
