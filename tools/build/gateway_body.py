"""The gateway body: the contract's paths, security and integrations, as a Terraform template.

It has no schemas of bodies and no validators: API Gateway's models do not support `nullable`, and
the kernel validates better. Mocks answer CORS preflights and methods that a path lacks, without a
function.
"""

import json
import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from tools.build.contract import API_KEY, API_KEY_SCHEME, SCHEME, Contract, Operation
from tools.build.gateway_responses import CORS, PROBLEM_HEADERS, gateway_responses, problem

_REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, traceparent, X-Request-ID"
_PREFLIGHT_SECONDS = "3600"
# A preflight permits every method on every path: the request itself then gets a 405 or 404 that a
# page can read, where a refused preflight would look like a CORS error.
_METHODS = "DELETE, GET, HEAD, PATCH, POST, PUT"
_OTHER_PATHS = ("/", "/{proxy+}")

# A smaller response travels in one packet anyway. Terraform has no argument for it beside the
# body: an import sets it, and a change of the body deploys it.
_MINIMUM_COMPRESSION_BYTES = 1024

# A mock selects its template by the request's content type. There is no wildcard, and a type
# without a template is answered with 415.
_CONTENT_TYPES = (
    "application/json",
    "application/merge-patch+json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "application/xml",
    "multipart/form-data",
    "text/plain",
)

# A placeholder inside a JSON string: a Terraform expression between two characters of the private
# use area. It has single quotes, because JSON would escape double quotes.
_PLACEHOLDER = re.compile("\ue000([^\ue001]*)\ue001")


def template(contract: Contract) -> bytes:
    """Return the template. It takes `user_pool_arn`, `invoke_arns` (folder → invoke ARN) and `problem_types`."""
    text = json.dumps(_body(contract), indent=1, ensure_ascii=False)
    escaped = text.replace("${", "$${").replace("%{", "%%{")
    rendered = _PLACEHOLDER.sub(lambda found: "${" + found[1].replace("'", '"') + "}", escaped)
    return rendered.encode() + b"\n"


def _body(contract: Contract) -> dict[str, Any]:
    operations = sorted(
        contract.operations, key=lambda operation: (operation.path, operation.method)
    )
    scopes = sorted({scope for operation in operations for scope in operation.scopes})
    paths = {
        path: _path(path, list(group), scopes)
        for path, group in groupby(operations, key=lambda each: each.path)
    }
    paths |= {
        path: {"options": _parameters(path) | _preflight()}
        for path in _OTHER_PATHS
        if path not in paths
    }
    return {
        "openapi": "3.0.1",
        "info": {
            "title": contract.document["info"]["title"],
            "version": contract.document["info"]["version"],
        },
        "paths": paths,
        "components": {"securitySchemes": {SCHEME: _authorizer(), **_api_key(operations)}},
        "x-amazon-apigateway-minimum-compression-size": _MINIMUM_COMPRESSION_BYTES,
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    }


def _authorizer() -> dict[str, Any]:
    return {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {
            "type": "cognito_user_pools",
            "providerARNs": ["\ue000user_pool_arn\ue001"],
        },
    }


def _api_key(operations: Sequence[Operation]) -> dict[str, Any]:
    return {API_KEY: API_KEY_SCHEME} if any(operation.api_key for operation in operations) else {}


def _path(path: str, operations: Sequence[Operation], scopes: Sequence[str]) -> dict[str, Any]:
    by_method = {operation.method: operation for operation in operations}
    if "GET" in by_method:  # the kernel answers HEAD as it answers GET, without the body
        by_method["HEAD"] = by_method["GET"]
    allow = ", ".join(sorted({"OPTIONS", *by_method}))
    methods = {
        **{
            method.lower(): _operation(operation, scopes) for method, operation in by_method.items()
        },
        "options": _preflight(),
        "x-amazon-apigateway-any-method": _other_methods(allow),
    }
    return {name: _parameters(path) | method for name, method in methods.items()}


def _parameters(path: str) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\+?\}", path)
    ]
    return {"parameters": parameters} if parameters else {}


def _operation(operation: Operation, scopes: Sequence[str]) -> dict[str, Any]:
    return {
        "security": _security(operation, scopes),
        "responses": {"200": {"description": "What the function answers"}},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            # Lambda is always invoked by POST, whatever the method of the request.
            "httpMethod": "POST",
            "uri": f"\ue000invoke_arns['{operation.function}']\ue001",
            "passthroughBehavior": "when_no_match",
        },
    }


def _security(operation: Operation, scopes: Sequence[str]) -> list[dict[str, list[str]]]:
    """Return the security of an operation for API Gateway: any scope of this API, and perhaps a key.

    The kernel checks the operation's own scopes and answers 403 `insufficient_scope`, where API
    Gateway would answer 401. OpenAPI accepts any entry of the list; API Gateway requires all.
    """
    token = [{SCHEME: list(scopes)}] if operation.scopes else []
    return [*token, {API_KEY: []}] if operation.api_key else token


def _preflight() -> dict[str, Any]:
    headers = {
        **CORS,
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }
    # a preflight response has no body
    return _mock(204, headers, body="", content_types=_CONTENT_TYPES[:1])


def _other_methods(allow: str) -> dict[str, Any]:
    detail = f"This path takes {allow}."
    body = problem(405, "method_not_allowed", detail)
    return _mock(405, {**PROBLEM_HEADERS, "Allow": allow}, body, _CONTENT_TYPES)


def _mock(
    status: int, headers: dict[str, str], body: str, content_types: Sequence[str]
) -> dict[str, Any]:
    request = json.dumps({"statusCode": status})
    return {
        "security": [],
        "responses": {
            str(status): {
                "description": "Answered by the gateway",
                "headers": {name: {"schema": {"type": "string"}} for name in headers},
            }
        },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "never",
            "requestTemplates": dict.fromkeys(content_types, request),
            "responses": {
                "default": {
                    "statusCode": str(status),
                    "responseParameters": {
                        f"method.response.header.{name}": f"'{of}'" for name, of in headers.items()
                    },
                    "responseTemplates": {"application/json": body},
                }
            },
        },
    }
