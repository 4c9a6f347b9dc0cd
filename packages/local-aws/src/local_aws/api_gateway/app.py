"""The deployed REST API over HTTP."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from local_aws.api_gateway.access_log import AccessLogs
from local_aws.api_gateway.address import addressed
from local_aws.api_gateway.authorizer import CognitoAuthorizer
from local_aws.api_gateway.compression import compressed
from local_aws.api_gateway.control import RestApis
from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.errors import (
    GatewayError,
    NotEmulatedError,
    configuration_error,
    missing_authentication_token,
    request_too_large,
)
from local_aws.api_gateway.event import GatewayRequest, arrived, request_context
from local_aws.api_gateway.gateway_response import gateway_response
from local_aws.api_gateway.integration import invoke_function, mock_response
from local_aws.api_gateway.proxy_response import GatewayResponse
from local_aws.api_gateway.routes import CognitoSecurity, Route, Routes
from local_aws.api_gateway.static_pages import StaticPages
from local_aws.api_gateway.throttling import Clock, TokenBuckets, method_limit
from local_aws.api_gateway.usage_plans import UsagePlans
from local_aws.lambda_service import LambdaService
from local_aws.lambda_service.trace import root

KEPT_ROUTES = 32  # number of cached deployments
BODY_LIMIT = 10 * 1024 * 1024  # bytes


class Answered(msgspec.Struct, frozen=True):
    """An answered request, for watchers.

    `reason` explains an error of the gateway itself.
    """

    method: str
    path: str
    status: int
    duration_ms: float
    request_id: str
    reason: str
    function_request_id: str | None  # the request id of the invocation that answered
    began: float = 0.0  # perf_counter() of the supervisor
    authorizer_ms: float = 0.0
    authorized_after_ms: float = 0.0  # the time before the authorizer was asked
    trace_id: str = ""
    caller: str = ""  # the `sub` of the token

    def __str__(self) -> str:
        line = (
            f"{self.method} {self.path} {self.status} {self.duration_ms:.0f} ms "
            f"{self.request_id} {self.reason}"
        )
        return line.rstrip()


OnAnswered = Callable[[Answered], None]

_log = logging.getLogger(__name__)


def create_server(
    apis: RestApis,
    functions: LambdaService,
    authorizer: CognitoAuthorizer,
    on_answered: OnAnswered = lambda _: None,
    clock: Clock = time.time,
    pages: Sequence[StaticPages] = (),
) -> web.Server:
    """Create a server for the deployed APIs of `apis`.

    `on_answered` is called for every request to an API; limits are counted by `clock`. `pages` are
    served beside the APIs. A request whose client
    closes the connection is cancelled.
    """
    gateway = _Gateway(apis, functions, authorizer, on_answered, clock, pages)
    return web.Server(
        gateway.answer, request_factory=_request, handler_cancellation=True, access_log=None
    )


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,
        task,
        asyncio.get_running_loop(),
        client_max_size=BODY_LIMIT,
    )


class _Gateway:
    def __init__(
        self,
        apis: RestApis,
        functions: LambdaService,
        authorizer: CognitoAuthorizer,
        on_answered: OnAnswered,
        clock: Clock,
        pages: Sequence[StaticPages],
    ) -> None:
        self._apis = apis
        self._functions = functions
        self._authorizer = authorizer
        self._on_answered = on_answered
        self._pages = pages
        self._access_logs = AccessLogs()
        self._buckets = TokenBuckets(clock)
        self._plans = UsagePlans(self._buckets, clock)
        self._routes: dict[tuple[str, str], Routes] = {}

    async def answer(self, http: web.BaseRequest) -> web.Response:
        for pages in self._pages:
            if page := pages.answer(http.method, http.rel_url.raw_path):
                return page
        found = addressed(self._apis, http.headers.get("Host", ""), http.rel_url.raw_path)
        if found is None:
            return self._no_such_stage()
        api, path = found
        request = arrived(http, path)
        request.context = request_context(request, api, None)
        message = reason = ""
        try:
            answered = await self._integrate(http, request, api)
            response = compressed(
                answered, request.header("Accept-Encoding"), api.minimum_compression_size
            )
        except asyncio.CancelledError:
            # the server cancels the handler when the client closes the connection
            self._observe(request, 499, "the client closed the connection before it was answered")
            raise
        except NotEmulatedError as error:
            message = reason = f"Not emulated: {error}. docs/fidelity.md lists what is emulated."
            response = _json_response(501, {"message": message})
        except GatewayError as error:
            message, reason = error.message, str(error)
            response = gateway_response(error, request, api.body)
        except Exception as error:  # an internal error must not look like the application's
            _log.exception("API Gateway failed on %s %s", request.method, request.request_path)
            reason = f"internal error of the emulated API Gateway: {error!r}"
            response = gateway_response(configuration_error(reason), request, api.body)
        self._access_logs.put(api, request, response, message)
        self._observe(request, response.status, reason)
        return _on_the_wire(request, response)

    async def _integrate(
        self, http: web.BaseRequest, request: GatewayRequest, api: DeployedApi
    ) -> GatewayResponse:
        found = self._routes_of(api).find(request.method, request.path)
        if found is None:
            raise missing_authentication_token()
        route, parameters = found
        request.context |= {"resourcePath": route.resource, "resourceId": route.resource_id}
        if route.operation_name:
            request.context["operationName"] = route.operation_name
        if route.security:
            began = time.perf_counter()
            request.authorized_after_ms = (began - request.started) * 1000
            try:
                request.context["authorizer"] = {"claims": self._authorize(request, route.security)}
            finally:
                request.authorizer_ms = (time.perf_counter() - began) * 1000
        self._admit(request, api, route)
        request.body = await _read_body(http)
        if route.validation:
            route.validation.check(request, parameters)
        if route.integration["type"].lower() == "mock":
            return mock_response(request, route)
        return await invoke_function(self._functions, request, api, route, parameters)

    def _no_such_stage(self) -> web.Response:
        if self._apis.deployed() is None:
            return web.json_response(
                {"message": "No API is deployed yet. Apply a Terraform root that deploys one."},
                status=503,
            )
        return web.json_response(
            {"message": "Forbidden"}, status=403
        )  # as AWS answers for an API or a stage that does not exist

    def _authorize(self, request: GatewayRequest, security: CognitoSecurity) -> dict[str, str]:
        try:
            return self._authorizer.authorize(request.header("Authorization"), security)
        except GatewayError as error:
            request.context["authorizer"] = {"error": error.message}
            raise

    def _admit(self, request: GatewayRequest, api: DeployedApi, route: Route) -> None:
        """Apply the client's limits, then the method's, in AWS's order."""
        if route.api_key:
            key = self._plans.admit(request.header("x-api-key"), api, route)
            request.context["identity"] |= {"apiKey": key.value, "apiKeyId": key.id}
        self._buckets.take(
            ("stage", api.api_id, api.stage, route.method, route.resource),
            method_limit(api.method_settings, route),
        )

    def _routes_of(self, api: DeployedApi) -> Routes:
        key = (api.api_id, api.deployment_id)
        if key not in self._routes:
            if len(self._routes) >= KEPT_ROUTES:
                self._routes.clear()
            self._routes[key] = Routes(api.body)
        return self._routes[key]

    def _observe(self, request: GatewayRequest, status: int, reason: str) -> None:
        self._on_answered(
            Answered(
                request.method,
                request.request_path,
                status,
                (time.perf_counter() - request.started) * 1000,
                request.context["requestId"],
                reason,
                request.context.get("integration", {}).get("requestId"),
                request.started,
                request.authorizer_ms,
                request.authorized_after_ms,
                root(request.trace_header),
                request.context.get("authorizer", {}).get("claims", {}).get("sub", ""),
            )
        )


async def _read_body(http: web.BaseRequest) -> bytes:
    try:
        return await http.read()
    except web.HTTPRequestEntityTooLarge:
        raise request_too_large(f"the body is over {BODY_LIMIT} bytes") from None


def _json_response(status: int, content: dict[str, str]) -> GatewayResponse:
    return GatewayResponse(
        status, [("Content-Type", "application/json")], json.dumps(content).encode()
    )


def _on_the_wire(request: GatewayRequest, response: GatewayResponse) -> web.Response:
    """Add the gateway's own headers, which override the function's, as on AWS."""
    headers = CIMultiDict(response.headers)
    headers.setdefault("Content-Type", "application/json")
    headers["x-amzn-RequestId"] = request.context["requestId"]
    headers["x-amz-apigw-id"] = request.context["extendedRequestId"]
    headers["X-Amzn-Trace-Id"] = request.trace_header.split(";")[0]
    body = None if response.status in (204, 304) else response.body
    return web.Response(status=response.status, headers=headers, body=body)
