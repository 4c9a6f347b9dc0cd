"""The event of an `aws_proxy` integration, as a REST API builds it (payload format 1.0).

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.mapping import Context
from local_aws.api_gateway.routes import Route
from local_aws.lambda_service.trace import new_trace
from local_aws.request_ids import new_extended_request_id, new_request_id
from local_aws.settings import ACCOUNT_ID

# Client headers that functions do not see, because they describe the connection or the gateway sets
# them. It also sets X-Forwarded-…. Sources are AWS's recorded events (packages/local-aws/tests/local_aws_tests/api_gateway/events_of_aws.json), and "Header
# restrictions" in
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html.
_KEPT_BACK = frozenset({
    "connection", "content-length", "content-md5", "expect", "keep-alive", "max-forwards", "proxy-authenticate", "server",
    "te", "trailer", "transfer-encoding", "upgrade", "www-authenticate", "x-amzn-trace-id",
})  # fmt: skip

_UNKNOWN_IDENTITY = dict.fromkeys((
    "cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "accessKey", "cognitoAuthenticationType",
    "cognitoAuthenticationProvider", "userArn", "user", "principalOrgId",
))  # fmt: skip


@dataclass
class GatewayRequest:
    """A request in the gateway; `path` excludes the stage and is percent-encoded as sent."""

    method: str
    path: str
    request_path: str  # includes the stage if the client named it
    query: str
    headers: list[tuple[str, str]]  # in the client's spelling and order
    source_ip: str
    protocol: str
    trace_header: str
    body: bytes = b""
    context: Context = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    authorizer_ms: float = 0.0
    authorized_after_ms: float = 0.0

    def header(self, name: str) -> str | None:
        """Return the header's last value; the name is case-insensitive."""
        return self._by_lower_case.get(name.lower())

    @cached_property
    def _by_lower_case(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers}

    @property
    def header_map(self) -> dict[str, str]:
        return dict(self.headers)


def arrived(request: web.BaseRequest, path: str) -> GatewayRequest:
    """Build a request from the HTTP request; `path` is the path within the stage."""
    headers = [
        (key.decode("latin-1"), value.decode("utf-8", "replace"))
        for key, value in request.raw_headers
    ]
    trace = request.headers.get("X-Amzn-Trace-Id", "")
    return GatewayRequest(
        method=request.method,
        path=path,
        request_path=request.rel_url.raw_path,
        query=request.rel_url.raw_query_string,
        headers=headers,
        source_ip=request.remote or "127.0.0.1",
        protocol=f"HTTP/{request.version.major}.{request.version.minor}",
        trace_header=trace if trace.startswith("Root=1-") else new_trace(),
    )


def request_context(request: GatewayRequest, api: DeployedApi, route: Route | None) -> Context:
    """Return the event's `requestContext`, which is also `$context` in templates and logs."""
    now = time.time()
    host = request.header("Host") or ""
    identity = _UNKNOWN_IDENTITY | {
        "sourceIp": request.source_ip,
        "userAgent": request.header("User-Agent"),
    }
    return {
        "resourceId": route.resource_id if route else None,
        "resourcePath": route.resource if route else None,
        "httpMethod": request.method,
        "extendedRequestId": new_extended_request_id(),
        "requestTime": _request_time(int(now)),
        "path": request.request_path,
        "accountId": ACCOUNT_ID,
        "protocol": request.protocol,
        "stage": api.stage,
        "domainPrefix": host.split(".")[0].split(":")[0],
        "requestTimeEpoch": int(now * 1000),
        "requestId": new_request_id(),
        "identity": identity,
        "domainName": host,
        "deploymentId": api.deployment_id,
        "apiId": api.api_id,
    }


def proxy_event(
    request: GatewayRequest, api: DeployedApi, route: Route, parameters: dict[str, str]
) -> bytes:
    """Return the function's event as JSON.

    As on AWS, path parameters stay percent-encoded and query values are decoded.
    """
    headers = _forwarded(request)
    query = _many(parse_qsl(request.query, keep_blank_values=True))
    content_type = request.header("Content-Type") or ""
    binary = matches_media_type(
        api.body.get("x-amazon-apigateway-binary-media-types", []), content_type
    )
    event: dict[str, Any] = {
        "resource": route.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": parameters or None,
        "stageVariables": api.variables or None,
        "requestContext": request.context,
        "body": _body_text(request.body, binary),
        "isBase64Encoded": binary and bool(request.body),
    }
    return msgspec.json.encode(event)


def matches_media_type(patterns: Sequence[str], media_type: str) -> bool:
    """Return True if the media type matches one of the API's binary media types.

    They are exact, `image/*` or `*/*`. A missing type counts as application/json.
    """
    if not patterns:
        return False
    kind = media_type.split(";")[0].strip().lower() or "application/json"
    return any(pattern in ("*/*", kind, kind.split("/")[0] + "/*") for pattern in patterns)


@lru_cache(maxsize=1)
def _request_time(second: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))


def _forwarded(request: GatewayRequest) -> dict[str, list[str]]:
    headers = _many(
        (key, value)
        for key, value in request.headers
        if (name := key.lower()) not in _KEPT_BACK and not name.startswith("x-forwarded-")
    )
    before = request.header("X-Forwarded-For")
    headers["X-Amzn-Trace-Id"] = [request.trace_header.split(";")[0]]
    headers["X-Forwarded-For"] = [f"{before}, {request.source_ip}" if before else request.source_ip]
    headers["X-Forwarded-Port"] = [(request.header("Host") or "").partition(":")[2] or "80"]
    headers["X-Forwarded-Proto"] = ["http"]
    return headers


def _body_text(body: bytes, binary: bool) -> str | None:
    if not body:
        return None
    return base64.b64encode(body).decode() if binary else body.decode("utf-8", "replace")


def _many(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    many: dict[str, list[str]] = {}
    for key, value in pairs:
        many.setdefault(key, []).append(value)
    return many


def _last(many: dict[str, list[str]]) -> dict[str, str]:
    return {key: values[-1] for key, values in many.items()}
