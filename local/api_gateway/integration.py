"""What answers a routed request: a function (`aws_proxy`) or the gateway itself (`mock`)."""

import asyncio
import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from local.api_gateway.control import DeployedApi
from local.api_gateway.errors import (
    NotEmulatedError,
    bad_gateway,
    configuration_error,
    integration_timeout,
    request_too_large,
    unsupported_media_type,
)
from local.api_gateway.event import GatewayRequest, matches_media_type, proxy_event
from local.api_gateway.mapping import by_accept, parameter, render
from local.api_gateway.routes import Route
from local.lambda_service import Invocation, InvokeError, LambdaService
from local.settings import ACCOUNT_ID

TIMEOUT_SECONDS = 29.0

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html (remapped headers)
_REMAPPED = frozenset(
    {"authorization", "connection", "content-length", "content-md5", "date", "host", "server", "www-authenticate"}
)
_DROPPED = frozenset({"keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
_FUNCTION_ARN = re.compile(r"/functions/(arn:[^/]+)/invocations$")


@dataclass(frozen=True)
class GatewayResponse:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def invoke_function(
    service: LambdaService, request: GatewayRequest, api: DeployedApi, route: Route, parameters: dict[str, str]
) -> GatewayResponse:
    """Call the function behind an `aws_proxy` integration. Raises `GatewayError`."""
    match = _FUNCTION_ARN.search(route.integration.get("uri", ""))
    if match is None:
        raise configuration_error(f"the integration of {route.resource} names no function: {route.integration}")
    source = f"arn:aws:execute-api:{api.region}:{ACCOUNT_ID}:{api.api_id}/{api.stage}/{request.method}{route.resource}"
    seconds = min(TIMEOUT_SECONDS, route.integration.get("timeoutInMillis", 29_000) / 1000)
    event = proxy_event(request, api, route, parameters)
    try:
        async with asyncio.timeout(seconds):
            invocation = await service.invoke(
                match[1], event, trace_header=request.trace_header, source=("apigateway.amazonaws.com", source)
            )
    except TimeoutError:
        raise integration_timeout(seconds) from None
    except InvokeError as error:
        if error.status == 413:
            raise request_too_large(str(error)) from None
        raise configuration_error(f"Lambda did not run the function: {error}") from None
    request.context["integration"] = {"requestId": invocation.request_id}
    return _proxy_response(invocation, request, api)


def _proxy_response(invocation: Invocation, request: GatewayRequest, api: DeployedApi) -> GatewayResponse:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (output)"""
    if invocation.function_error:
        raise bad_gateway(f"Lambda execution failed: {invocation.payload.decode(errors='replace')[:2000]}")
    answer = _decoded(invocation.payload)
    try:
        status = int(answer["statusCode"])
    except (KeyError, TypeError, ValueError):
        raise _malformed(f"statusCode is {answer.get('statusCode')!r}, not a number") from None
    if not 200 <= status <= 599:
        raise _malformed(f"statusCode {status} is not from 200 to 599")
    headers = _merged_headers(answer)
    body = answer.get("body")
    if body is None:
        return GatewayResponse(status, headers, b"")
    if not isinstance(body, str):
        raise _malformed(f"body is {type(body).__name__}, not a string")
    binary_types = api.body.get("x-amazon-apigateway-binary-media-types", [])
    accept = (request.header("Accept") or "").split(",")[0]
    if answer.get("isBase64Encoded") and matches_media_type(binary_types, accept):
        try:
            return GatewayResponse(status, headers, base64.b64decode(body, validate=True))
        except binascii.Error:
            raise configuration_error("isBase64Encoded is true, but body is not base64") from None
    return GatewayResponse(status, headers, body.encode("utf-8", "surrogatepass"))


def _decoded(payload: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(payload)
    except ValueError:
        raise _malformed("not JSON") from None
    if not isinstance(answer, dict):
        raise _malformed(f"{type(answer).__name__}, not an object")
    return answer


def _merged_headers(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """`multiValueHeaders` first, then what only `headers` has; values that AWS coerces become text."""
    single, many = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(many, dict):
        raise _malformed("headers or multiValueHeaders is not an object")
    pairs = []
    for name, values in many.items():
        if not isinstance(values, list):
            raise _malformed(f"multiValueHeaders {name!r} is not a list")
        pairs += [(name, value) for value in values]
    pairs += [(name, value) for name, value in single.items() if value not in many.get(name, [])]
    return [(_remapped(name), _header_text(name, value)) for name, value in pairs if name.lower() not in _DROPPED]


def _remapped(name: str) -> str:
    return f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name


def _header_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise _malformed(f"header {name!r} is {type(value).__name__}, not a string")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise _malformed(f"header {name!r} has a line break")
    return text


def _malformed(why: str) -> Exception:
    return bad_gateway(f"Malformed Lambda proxy response: {why}")


def mock_response(request: GatewayRequest, route: Route) -> GatewayResponse:
    """A `mock` integration: the request template says the status, the response of that status the rest."""
    status = _mock_status(request, route.integration)
    answers = route.integration.get("responses", {})
    answer = next((answers[key] for key in answers if key != "default" and re.fullmatch(key, status)), None)
    answer = answer or answers.get("default")
    if answer is None:
        raise configuration_error(f"no response of the mock integration of {route.resource} matches {status!r}")
    headers = []
    for target, expression in answer.get("responseParameters", {}).items():
        value = parameter(expression, request.context, request.header_map)
        if value is not None:
            headers.append((target.removeprefix("method.response.header."), value))
    content_type, template = by_accept(answer.get("responseTemplates", {}), request.header("Accept") or "") or ("", "")
    if content_type and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", content_type))
    return GatewayResponse(int(answer["statusCode"]), headers, render(template, request.context).encode())


def _mock_status(request: GatewayRequest, integration: dict[str, Any]) -> str:
    """A request whose media type has no template passes through (then its body must say the status) or is a 415.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
    """
    templates = integration.get("requestTemplates", {})
    media_type = (request.header("Content-Type") or "application/json").split(";")[0].strip()
    template = templates.get(media_type)
    if template is None:
        behavior = integration.get("passthroughBehavior", "when_no_match").lower()
        if behavior == "never" or (behavior == "when_no_templates" and templates):
            raise unsupported_media_type(media_type)
        template = request.body.decode(errors="replace")
    else:
        template = render(template, request.context)
    try:
        return str(int(json.loads(template)["statusCode"]))
    except (ValueError, KeyError, TypeError):
        raise configuration_error(f"mock integration: no integer statusCode in {template[:200]!r}") from None


def require_emulated(route: Route) -> str:
    """The kind of integration. Raises `NotEmulatedError` for http, http_proxy and non-proxy aws."""
    kind = str(route.integration.get("type", "")).lower()
    if kind not in ("aws_proxy", "mock"):
        raise NotEmulatedError(f"integration type {kind!r} of {route.resource} (only aws_proxy and mock are)")
    return kind
