"""The Lambda service: invocations, synchronous and asynchronous, and what a call changes."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from local_aws.aws_call import AwsCall, AwsResponse, Forward
from local_aws.iam import sessions
from local_aws.lambda_service import function_policy, invoke_api, invoke_config, preconditions
from local_aws.lambda_service.answers import shaped
from local_aws.lambda_service.asynchronous import RETRY_SECONDS, Apart, AsyncInvocations
from local_aws.lambda_service.deployed import DeployedFunction, find, forget_layers, keep_layer
from local_aws.lambda_service.egress import EgressOf
from local_aws.lambda_service.environment import Interpreter
from local_aws.lambda_service.errors import InvokeError, payload_too_large
from local_aws.lambda_service.execution import Executions
from local_aws.lambda_service.function_log import FunctionLogs, OnLine
from local_aws.lambda_service.invocation import Invocation, OnInvoked
from local_aws.lambda_service.pool import Limits, Now
from local_aws.lambda_service.pools import CredentialsOf, Pools
from local_aws.lambda_service.references import plain, reference, with_plain_name
from local_aws.lambda_service.trace import new_trace
from local_aws.lambda_service.unpack import Unpacked
from local_aws.lambda_service.worker import Event, InitError
from local_aws.request_ids import new_request_id
from local_aws.settings import Settings
from local_aws.spans import OpenSpans
from local_aws.xray import Daemon

REQUEST_LIMIT = 6_291_456  # bytes of a synchronous event
ASYNC_REQUEST_LIMIT = 1_048_576  # bytes of an asynchronous event

_Source = tuple[str, str]  # the principal of an AWS service, and the ARN on whose behalf it calls
_LAYER_VERSION = re.compile(r"^/2018-10-31/layers/(?P<layer>[^/]+)/versions/(?P<version>\d+)$")


class LambdaService:
    """The Lambda service.

    - `python` is the base interpreter that the virtual environment was made from.
    - `runtime` is a folder with `awslambdaric`.
    - `xray` has been started.
    - `apart` runs work that changes moto's state.
    - `on_change` is called after a change that must be saved and that no AWS call made.
    - `egress` returns the egress rules of a function when a worker starts.
    - `now` is the clock by which credentials expire.
    - `clock` is the file of a movable clock, which workers read.
    - `spans` gets the calls of the events that are being handled.
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
        spans: OpenSpans | None = None,
    ) -> None:
        self._runtime = runtime
        self._logs = FunctionLogs(settings.logs / "functions", on_line)
        self._pools = Pools(
            Interpreter(python, runtime, settings.aws_endpoint_url, ca_bundle, xray.address, clock),
            credentials,
            Unpacked(settings.state / "run" / "code"),
            self._logs,
            egress=egress,
            limits=limits,
            now=now,
            idle_seconds=idle_seconds,
        )
        # Resolving a function and evaluating its policy would take a fifth of an invocation.
        self._resolved: dict[tuple[object, ...], DeployedFunction] = {}
        self._executions = Executions(
            self._pools, self._logs, xray.traces, on_invoked, spans or OpenSpans()
        )
        self._asynchronous = AsyncInvocations(
            self._executions.run, apart or _at_once, on_change, retry_seconds
        )

    async def start(self) -> None:
        """Delete what an earlier run unpacked, and start reaping idle workers.

        Raise an error if the runtime is missing.
        """
        if not (self._runtime / "awslambdaric").is_dir():
            raise FileNotFoundError(
                f"{self._runtime} does not contain awslambdaric. Install it there"
                " (uv pip install --target)."
            )
        await self._pools.start()
        self._asynchronous.start()

    async def close(self) -> None:
        """Kill every worker; running invocations are lost."""
        await self._asynchronous.close()
        await self._executions.close()
        await self._pools.close()
        self._logs.close()

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None = None,
        trace_header: str | None = None,
        source: _Source | None = None,
        region: str | None = None,
        client_context: str | None = None,
    ) -> Invocation:
        """Run a function by name or ARN and wait for its result.

        `source` is (service principal, source ARN) when an AWS service calls; the function's policy
        must allow it. Raise `InvokeError` if the function is not run at all.

        As on AWS, cancelling does not stop a function that runs. A call that still waits for a
        worker is dropped.
        """
        deployed = self._resolve(function, qualifier, region, source)
        event = _event(deployed, payload, REQUEST_LIMIT, trace_header, source, client_context)
        return await self._executions.run(deployed, event)

    def require_capacity(self, function: str, source: _Source | None) -> None:
        """Raise the `InvokeError` of `invoke` if the function may not be called or is throttled.

        The answer holds until the next turn of the event loop.
        """
        self._executions.require_capacity(self._resolve(function, None, None, source))

    def accept(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None = None,
        trace_header: str | None = None,
        source: _Source | None = None,
        region: str | None = None,
    ) -> str:
        """Queue an asynchronous invocation, with retries, and return its request id.

        Like `invoke`, it may raise `InvokeError`.
        """
        deployed = self._resolve(function, qualifier, region, source)
        event = _event(deployed, payload, ASYNC_REQUEST_LIMIT, trace_header, source)
        self._asynchronous.accept(deployed, event)
        return event.request_id

    def _resolve(
        self, reference: str, qualifier: str | None, region: str | None, source: _Source | None
    ) -> DeployedFunction:
        """Return a function that `source` may invoke, until a call changes functions or policies."""
        key = (reference, qualifier, region, source)
        found = self._resolved.get(key)
        if found is None:
            found = find(reference, qualifier, region)
            if source:
                found.allow(*source)
            if not found.is_drawn:
                self._resolved[key] = found
        return found

    async def start_worker(self, function: str, qualifier: str) -> None:
        """Ensure that a warm worker exists.

        Raises:
            InitError: the worker did not start; the error holds its output.
            InvokeError: there is no such version.
        """
        pool = self._pools.of(find(function, qualifier))
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
        """Answer Invoke, policies and event invoke configs; forward other calls."""
        try:
            named = reference(call)
            call = plain(call, named) if named else with_plain_name(call)
            if function := invoke_api.invoked_function(call):
                return await invoke_api.answer(self, call, function)
            if match := invoke_config.PATH.match(call.path):
                return invoke_config.answer(call, match)
            if named and (match := function_policy.PATH.match(call.path)):
                self._resolved.clear()
                return function_policy.answer(call, named, match["statement"])
            preconditions.check(call, named)
        except InvokeError as error:
            return error.response()
        if preconditions.deletes_nothing(call, named):
            return AwsResponse(204, b"")
        if call.method == "DELETE" and (layer := _LAYER_VERSION.match(call.path)):
            keep_layer(call.region, unquote(layer["layer"]), layer["version"])
        forwarded = await forward(call)
        self._resolved.clear()
        response = shaped(call, forwarded, named)
        if call.method != "GET":
            await self._pools.retire_outdated()
            forget_layers(call.region)
        return response


def _event(
    function: DeployedFunction,
    payload: bytes,
    limit: int,
    trace_header: str | None,
    source: _Source | None,
    client_context: str | None = None,
) -> Event:
    """Return the event of an invocation; raise `InvokeError` if it is too large."""
    if len(payload) > limit:
        raise payload_too_large(len(payload), limit)
    return Event(
        new_request_id(), payload, function.invoked_arn, trace_header or new_trace(), client_context,
        source[0] if source else None,
    )  # fmt: skip


async def _at_once[T](work: Callable[[], T]) -> T:
    return work()
