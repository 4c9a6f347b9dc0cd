"""The client's response from a function's answer: the output format of an `aws_proxy` integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
(output)

Where the page is silent, the strict interpretation applies, so that an answer accepted here is
accepted on AWS.
"""

import base64
import binascii
import json
from typing import Any

import msgspec

from local_aws.api_gateway.deployed_api import DeployedApi
from local_aws.api_gateway.errors import GatewayError, bad_gateway, configuration_error
from local_aws.api_gateway.event import GatewayRequest, matches_media_type
from local_aws.lambda_service import Invocation

_FIELDS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})

# These headers "may be remapped". The list omits headers that describe the body (Content-Type,
# Content-Encoding, …), which reach the client under their own names:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_REMAPPED = frozenset({
    "authorization", "connection", "content-length", "content-md5", "date", "expect", "host", "max-forwards",
    "proxy-authenticate", "server", "user-agent", "www-authenticate",
})  # fmt: skip
_DROPPED = frozenset({"keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


class GatewayResponse(msgspec.Struct, frozen=True):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def proxy_response(
    invocation: Invocation, request: GatewayRequest, api: DeployedApi
) -> GatewayResponse:
    """Convert a function's answer.

    Raise a `GatewayError` with status 502 for a failed function or a malformed answer.
    """
    if invocation.function_error:
        raise bad_gateway(
            f"Lambda execution failed: {invocation.payload.decode(errors='replace')[:2000]}"
        )
    answer = _decoded(invocation.payload)
    return GatewayResponse(_status(answer), _merged_headers(answer), _body(answer, request, api))


def _json(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except msgspec.DecodeError:
        # this decoder accepts a lone surrogate, which functions may write
        return json.loads(payload)


def _decoded(payload: bytes) -> dict[str, Any]:
    try:
        answer = _json(payload)
    except ValueError:
        raise _malformed("not JSON") from None
    if not isinstance(answer, dict):
        raise _malformed(f"{type(answer).__name__}, not an object")
    if unknown := answer.keys() - _FIELDS:
        raise _malformed(
            f"unknown fields {', '.join(sorted(unknown))}; allowed are {', '.join(sorted(_FIELDS))}"
        )
    return answer


def _status(answer: dict[str, Any]) -> int:
    """Return the status, which is a number or its digits; an answer without one is a 200.

    LocalStack's suite recorded that on AWS for `{}` and for an answer with headers alone.
    """
    status = answer.get("statusCode", 200)
    if isinstance(status, bool) or not isinstance(status, int | str) or not str(status).isdecimal():
        raise _malformed(f"statusCode is {status!r}, not a number")
    if not 200 <= int(status) <= 599:
        raise _malformed(f"statusCode {status} is not between 200 and 599")
    return int(status)


def _body(answer: dict[str, Any], request: GatewayRequest, api: DeployedApi) -> bytes:
    """Return the body.

    Base64 is decoded only for a client whose first `Accept` is one of the API's binary media types.
    """
    body, coded = answer.get("body"), answer.get("isBase64Encoded") or False
    if not isinstance(coded, bool):
        raise _malformed(f"isBase64Encoded is {coded!r}, not true or false")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise _malformed(f"body is {type(body).__name__}, not a string")
    binary_types = api.body.get("x-amazon-apigateway-binary-media-types", [])
    accept = (request.header("Accept") or "").split(",")[0]
    if not coded or not matches_media_type(binary_types, accept):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise configuration_error("isBase64Encoded is true, but body is not base64") from None


def _merged_headers(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return `multiValueHeaders`, followed by entries that only `headers` has."""
    single, many = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(many, dict):
        raise _malformed("headers or multiValueHeaders is not an object")
    pairs = []
    for name, values in many.items():
        if not isinstance(values, list):
            raise _malformed(f"multiValueHeaders {name!r} is not a list")
        pairs += [(name, value) for value in values]
    pairs += [(name, value) for name, value in single.items() if value not in many.get(name, [])]
    return [
        (f"x-amzn-Remapped-{name}" if lower in _REMAPPED else name, _header_text(name, value))
        for name, value in pairs
        if (lower := name.lower()) not in _DROPPED
    ]


def _header_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise _malformed(f"header {name!r} is {type(value).__name__}, not a string")
    if "\r" in value or "\n" in value:
        raise _malformed(f"header {name!r} has a line break")
    return value


def _malformed(why: str) -> GatewayError:
    return bad_gateway(f"Malformed Lambda proxy response: {why}")
