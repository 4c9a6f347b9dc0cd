"""API Gateway's own responses as RFC 9457 problems with CORS headers, in the kernel's form."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

# The same headers as in atrium.http.response. Any origin is allowed, because callers authenticate
# by a token and never by a cookie.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Deprecation, ETag, Idempotency-Replayed, Link, Location, Retry-After, Sunset, X-Request-ID",
}
SECURITY = {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
PROBLEM_HEADERS = {**CORS, **SECURITY, "Content-Type": "application/problem+json"}
_BEARER = {
    "WWW-Authenticate": 'Bearer realm="atrium", error="invalid_token"'
}  # RFC 6750, section 3
# AuthZEN 1.0, 10.1.3: the request's id, if it had one. All operations return it.
_ECHO = {"gatewayresponse.header.X-Request-ID": "method.request.header.X-Request-ID"}
_TYPES = "\ue000problem_types\ue001"  # gateway_body makes it a placeholder of templatefile
_OURS = "Report the request_id if it persists."


class _Answer(NamedTuple):
    status: int | None  # None: API Gateway's default status
    code: str
    detail: str
    headers: Mapping[str, str] = {}


# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
_ANSWERS = {
    "ACCESS_DENIED": _Answer(403, "forbidden", "The token does not allow this."),
    "API_CONFIGURATION_ERROR": _Answer(500, "internal_error", f"The API is misconfigured. {_OURS}"),
    "AUTHORIZER_CONFIGURATION_ERROR": _Answer(
        500, "internal_error", f"The authorizer is misconfigured. {_OURS}"
    ),
    "AUTHORIZER_FAILURE": _Answer(
        500, "internal_error", f"The token could not be checked. {_OURS}"
    ),
    "BAD_REQUEST_BODY": _Answer(400, "bad_request", "The body cannot be parsed."),
    "BAD_REQUEST_PARAMETERS": _Answer(
        400, "bad_request", "A parameter is missing or cannot be parsed."
    ),
    "DEFAULT_4XX": _Answer(None, "request_refused", "The request was refused."),
    "DEFAULT_5XX": _Answer(None, "internal_error", f"An internal error occurred. {_OURS}"),
    "EXPIRED_TOKEN": _Answer(401, "token_expired", "The token has expired. Refresh it.", _BEARER),
    "INTEGRATION_FAILURE": _Answer(
        502, "bad_gateway", f"The service could not be reached. {_OURS}"
    ),
    "INTEGRATION_TIMEOUT": _Answer(
        504, "gateway_timeout", "The service did not answer in time. Retry."
    ),
    "INVALID_API_KEY": _Answer(403, "api_key_invalid", "The x-api-key is missing or unknown."),
    "INVALID_SIGNATURE": _Answer(
        403, "signature_invalid", "The signature is wrong. Send a bearer token."
    ),
    # The error with which API Gateway answers an unknown path.
    "MISSING_AUTHENTICATION_TOKEN": _Answer(
        404, "route_unknown", "The API does not have this path."
    ),
    "QUOTA_EXCEEDED": _Answer(429, "quota_exceeded", "The quota of this API key is used up."),
    "REQUEST_TOO_LARGE": _Answer(
        413, "body_too_large", "The request exceeds the size limit of API Gateway."
    ),
    "RESOURCE_NOT_FOUND": _Answer(404, "route_unknown", "The API does not have this path."),
    "THROTTLED": _Answer(
        429,
        "too_many_requests",
        "Too many requests. Retry after the seconds in Retry-After.",
        {"Retry-After": "1"},
    ),
    "UNAUTHORIZED": _Answer(
        401,
        "unauthorized",
        "Send a valid access token of this API: `Authorization: Bearer <token>`. It is missing, has expired, is of "
        "another user pool, or is an ID token.",
        _BEARER,
    ),
    "UNSUPPORTED_MEDIA_TYPE": _Answer(
        415, "media_type_unsupported", "The content type of the body is not supported."
    ),
    "WAF_FILTERED": _Answer(403, "request_blocked", "The request was blocked by a firewall rule."),
}


def codes() -> set[str]:
    """Return the error codes of the gateway's own responses."""
    return {answer.code for answer in _ANSWERS.values()}


def gateway_responses() -> dict[str, Any]:
    """Return the value of `x-amazon-apigateway-gateway-responses`."""
    return {kind: _response(answer) for kind, answer in _ANSWERS.items()}


def _response(answer: _Answer) -> dict[str, Any]:
    headers = {**PROBLEM_HEADERS, **answer.headers}
    return {
        **({"statusCode": str(answer.status)} if answer.status else {}),
        "responseParameters": {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()
        }
        | _ECHO,
        "responseTemplates": {
            "application/json": problem(answer.status, answer.code, answer.detail)
        },
    }


def problem(status: int | None, code: str, detail: str) -> str:
    """Return the mapping template of a problem, with its members in the kernel's order."""
    known = (
        {"title": HTTPStatus(status).phrase, "status": status}
        if status
        else {"title": detail.rstrip(".")}
    )
    members = {
        "type": f"{_TYPES}{code}",
        **known,
        "detail": detail,
        "code": code,
        "request_id": "$context.requestId",
    }
    return json.dumps(members, ensure_ascii=False)
