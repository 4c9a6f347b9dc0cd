"""The Invoke API: finds a deployed function, runs it in a worker and writes its log."""

import asyncio
import base64
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from inspect import isawaitable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote
from uuid import uuid4

from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.iam import sessions
from local_aws.lambda_service import invoke_config, preconditions, trace
from local_aws.lambda_service.asynchronous import RETRY_SECONDS, Apart, AsyncInvocations
from local_aws.lambda_service.deployed import (
    Credentials,
    DeployedFunction,
    find,
    forget_layers,
    is_superseded,
    keep_layer,
)
from local_aws.lambda_service.egress import EgressOf
from local_aws.lambda_service.environment import Interpreter
from local_aws.lambda_service.errors import InvokeError, payload_too_large, throttled
from local_aws.lambda_service.function_log import FunctionLogs, OnLine, new_stream
from local_aws.lambda_service.invocation import Invocation, Invoked, OnInvoked
from local_aws.lambda_service.pool import Limits, Now, Pool
from local_aws.lambda_service.report import Report, end_lines, init_lines, start_lines
from local_aws.lambda_service.trace import Traced, new_trace
from local_aws.lambda_service.unpack import Unpacked
from local_aws.lambda_service.worker import Event, InitError, Worker
from local_aws.settings import Settings
from local_aws.xray import Daemon

REQUEST_LIMIT = 6_291_456  # bytes of a synchronous event
ASYNC_REQUEST_LIMIT = 1_048_576  # bytes of an asynchronous event
TAIL = 4096  # bytes of log that LogType=Tail returns

_LAYER_VERSION = re.compile(r"^/2018-10-31/layers/(?P<layer>[^/]+)/versions/(?P<version>\d+)$")
_INVOKE = re.compile(r"^/2015-03-31/functions/(?P<function>[^/]+)/invocations$")

# (role ARN, session name) -> temporary credentials of the role
CredentialsOf = Callable[[str, str], Awaitable[Credentials] | Credentials]


class LambdaService:
    """The Lambda service.

    - `python` is the base interpreter that the virtual environment was made from.
    - `runtime` is a folder with `awslambdaric`.
    - `xray` has been started.
    - `apart` runs work that changes moto's state.
    - `on_change` is called after changes to keep that no AWS call makes.
    - `egress` returns the egress rules of a function when a worker starts.
    - `now` is the clock by which credentials expire.
    - `clock` is the file of a movable clock, which workers read.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: CredentialsOf,
        *,
        python: Path,
        runtime: Path,
        xray: Daemon,
        ca_bundle: Path | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        idle_seconds: float = 900,
        apart: Apart | None = None,
        retry_seconds: tuple[float, float] = RETRY_SECONDS,
        on_change: Callable[[], None] = lambda: None,
        egress: EgressOf | None = None,
        now: Now = sessions.utc_now,
        clock: Path | None = None,
        on_line: OnLine | None = None,
        on_invoked: OnInvoked = lambda _: None,
    ) -> None:
        self._credentials = credentials
        self._interpreter = Interpreter(
            python, runtime, settings.aws_endpoint_url, ca_bundle, xray.address, clock
        )
        self._egress = egress
        self._traces = xray.traces
        self._limits = limits
        self._now = now
        self._idle_seconds = idle_seconds
        self._unpacked = Unpacked(settings.state / "run" / "code")
        self._logs = FunctionLogs(settings.logs / "functions", on_line)
        self._on_invoked = on_invoked
        self._asynchronous = AsyncInvocations(
            self._run, apart or _at_once, on_change, retry_seconds
        )
        self._pools: dict[tuple[str, str, str], Pool] = {}
        self._active: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reaper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Delete what an earlier run unpacked, and start reaping idle workers.

        Raise an error if the runtime is missing.
        """
        if not (self._interpreter.runtime / "awslambdaric").is_dir():
            raise FileNotFoundError(
                f"{self._interpreter.runtime} does not contain awslambdaric. "
                "Install requirements/runtime.txt there "
                "(uv pip install --target)"
            )
        await asyncio.to_thread(self._unpacked.forget)
        self._reaper = asyncio.create_task(self._reap())
        self._asynchronous.start()

    async def close(self) -> None:
        """Kill every worker; running invocations are lost."""
        await self._asynchronous.close()
        background = [task for task in (self._reaper, *self._tasks) if task]
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        self._pools.clear()
        self._logs.close()

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None = None,
        trace_header: str | None = None,
        source: tuple[str, str] | None = None,
        region: str | None = None,
        client_context: str | None = None,
    ) -> Invocation:
        """Run a function by name or ARN and wait for its result.

        `source` is (service principal, source ARN) when an AWS service calls; the function's policy
        must allow it. Raise `InvokeError` if the function is not run at all.

        As on AWS, cancelling does not stop a function that runs. A call that still waits for a
        worker is dropped.
        """
        deployed = find(function, qualifier, region)
        if source:
            deployed.allow(*source)
        if len(payload) > REQUEST_LIMIT:
            raise payload_too_large(len(payload), REQUEST_LIMIT)
        event = Event(
            str(uuid4()), payload, deployed.invoked_arn, trace_header or new_trace(), client_context,
            source[0] if source else None,
        )  # fmt: skip
        return await self._run(deployed, event)

    def accept(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None = None,
        trace_header: str | None = None,
        source: tuple[str, str] | None = None,
        region: str | None = None,
    ) -> str:
        """Queue an asynchronous invocation, with retries, and return its request id.

        Like `invoke`, it may raise `InvokeError`.
        """
        deployed = find(function, qualifier, region)
        if source:
            deployed.allow(*source)
        if len(payload) > ASYNC_REQUEST_LIMIT:
            raise payload_too_large(len(payload), ASYNC_REQUEST_LIMIT)
        event = Event(
            str(uuid4()), payload, deployed.invoked_arn, trace_header or new_trace(), None,
            source[0] if source else None,
        )  # fmt: skip
        self._asynchronous.accept(deployed, event)
        return event.request_id

    async def start_worker(self, function: str, qualifier: str) -> None:
        """Ensure that a warm worker exists.

        Raises:
            InitError: the worker did not start; the error holds its output.
            InvokeError: there is no such version.
        """
        pool = self._pool(find(function, qualifier))
        await pool.release(await pool.acquire())

    def routes(self) -> list[web.RouteDef]:
        """Return the route `POST …/worker`, which starts a worker like provisioned concurrency.

        It answers 204, or 409 with the worker's output.
        """
        return [
            web.post("/_local/functions/{function}/versions/{version}/worker", self._answer_start)
        ]

    async def _answer_start(self, request: web.Request) -> web.Response:
        try:
            await self.start_worker(request.match_info["function"], request.match_info["version"])
        except InitError as error:
            return web.json_response({"output": error.output or [str(error)]}, status=409)
        except InvokeError as error:
            return web.json_response({"output": [str(error)]}, status=error.status)
        return web.Response(status=204)

    async def intercept(self, call: AwsCall, forward: Forward) -> AwsResponse:
        """Answer Invoke and event invoke configs; forward other calls, then retire old workers."""
        try:
            if (match := _INVOKE.match(call.path)) and call.method == "POST":
                return await self._answer_invoke(call, unquote(match["function"]))
            if match := invoke_config.PATH.match(call.path):
                return invoke_config.answer(call, match)
            preconditions.check(call)
        except InvokeError as error:
            return error.response()
        if call.method == "DELETE" and (layer := _LAYER_VERSION.match(call.path)):
            keep_layer(call.region, unquote(layer["layer"]), layer["version"])
        response = await forward(call)
        if call.method != "GET":
            await self._retire_outdated()
            forget_layers(call.region)
        return response

    async def _answer_invoke(self, call: AwsCall, function: str) -> AwsResponse:
        qualifier = parse_qs(call.query).get("Qualifier", [None])[0]
        kind = call.headers.get("x-amz-invocation-type", "RequestResponse")
        find(function, qualifier, call.region)
        _require_json(call.body)
        payload = call.body or b"{}"
        trace_header, context = (
            call.headers.get("x-amzn-trace-id"),
            call.headers.get("x-amz-client-context"),
        )
        if kind == "DryRun":
            return AwsResponse(204, b"")
        if kind == "Event":
            request_id = self.accept(
                function,
                payload,
                qualifier=qualifier,
                trace_header=trace_header,
                region=call.region,
            )
            return AwsResponse(202, b"", {"x-amzn-RequestId": request_id})
        done = await self.invoke(
            function, payload, qualifier=qualifier, trace_header=trace_header, region=call.region,
            client_context=base64.b64decode(context).decode() if context else None,
        )  # fmt: skip
        headers = {
            "Content-Type": "application/json",
            "X-Amz-Executed-Version": done.executed_version,
            "x-amzn-RequestId": done.request_id,
        }
        if done.function_error:
            headers["X-Amz-Function-Error"] = done.function_error
        if call.headers.get("x-amz-log-type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(done.log_tail).decode()
        return AwsResponse(done.status, done.payload, headers)

    async def _run(self, function: DeployedFunction, event: Event) -> Invocation:
        reserved = function.reserved_concurrency
        if reserved is not None and self._active[function.name] >= reserved:
            raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        self._active[function.name] += 1
        pool = self._pool(function)
        traced = trace.begin(function, event.trace_header, self._traces)
        if traced:
            event = replace(event, trace_header=traced.header)
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
            self._background(self._run_in_worker(pool, worker, event, traced))
        )

    async def _run_in_worker(
        self, pool: Pool, worker: Worker, event: Event, traced: Traced | None
    ) -> Invocation:
        try:
            done, init_ms = await self._invoke_worker(pool, worker, event, traced)
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
        self, pool: Pool, worker: Worker, event: Event, traced: Traced | None
    ) -> tuple[Invocation, float]:
        """Run the event in a worker and return the outcome with the start's duration in ms.

        The duration is 0 for a warm worker.
        """
        function = pool.function
        cold = worker.invocations == 0
        before = worker.output.take()
        worker.output.put(*start_lines(function, event.request_id))
        started = time.perf_counter()
        outcome = await worker.invoke(event)
        duration_ms = (time.perf_counter() - started) * 1000
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
        lines = [*start_lines(function, event.request_id), *written, *end]
        self._on_invoked(
            Invoked(
                function.name, event.request_id, event.source, cold, duration_ms, outcome.status, before + written
            )
        )  # fmt: skip
        done = Invocation(
            200, outcome.payload, outcome.function_error, function.version, event.request_id, _tail(lines), cold,
            duration_ms,
        )  # fmt: skip
        return done, init_ms

    def _not_started(
        self, function: DeployedFunction, event: Event, traced: Traced | None, error: InitError
    ) -> Invocation:
        report = Report(event.request_id, 0.0, None, error.init_ms, "error", error.type, traced)
        lines = [*start_lines(function, event.request_id), *end_lines(function, report)]
        self._logs.write(function, error.log_stream or new_stream(function.version), lines)
        self._on_invoked(
            Invoked(function.name, event.request_id, event.source, True, 0.0, "init", error.output)
        )
        return Invocation(
            200,
            error.payload,
            "Unhandled",
            function.version,
            event.request_id,
            _tail(error.output + lines),
            True,
            0.0,
        )

    def _pool(self, function: DeployedFunction) -> Pool:
        key = (function.region, function.name, function.version)
        pool = self._pools.get(key)
        if pool is None or pool.function.fingerprint != function.fingerprint:
            if pool is not None:
                self._background(pool.retire())
            pool = self._pools[key] = Pool(function, self._launch, self._limits, self._now)
        return pool

    async def _launch(self, function: DeployedFunction) -> Worker:
        task_root = await self._unpacked.folder(function.code)
        layers = [await self._unpacked.folder(layer) for layer in function.layers]
        credentials = self._credentials(function.role, function.name)
        worker = Worker(
            function,
            self._interpreter,
            self._logs,
            self._egress(function) if self._egress else None,
        )
        try:
            await worker.start(
                task_root, layers, await credentials if isawaitable(credentials) else credentials
            )
        except BaseException as error:
            if isinstance(error, InitError):
                error.output, error.log_stream = worker.output.take(), worker.log_stream
                worker.output.put(*init_lines(function, error.init_ms, error.type))
            worker.close_files()
            raise
        return worker

    async def _retire_outdated(self) -> None:
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

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(min(30.0, self._idle_seconds))
            for pool in list(self._pools.values()):
                await pool.reap(self._idle_seconds)

    def _background[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _tail(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()[-TAIL:]


async def _at_once[T](work: Callable[[], T]) -> T:
    return work()


def _require_json(body: bytes) -> None:
    if not body:
        return
    try:
        json.loads(body)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise InvokeError(400, "InvalidRequestContentException", message) from None
