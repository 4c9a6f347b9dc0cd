"""The routes of a deployed body, and the choice of a route for a path."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from local_aws.api_gateway.body import ANY_METHOD, API_KEY_SOURCE, INTEGRATION, METHODS, Body
from local_aws.api_gateway.errors import NotEmulatedError
from local_aws.api_gateway.validation import Validation, validation_of


@dataclass(frozen=True)
class CognitoSecurity:
    """The callers of a method: users of one of the pools.

    If scopes are listed, a caller needs one of them.
    """

    pool_ids: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    method: str  # ANY for a method that accepts all others
    resource: str  # `/v1/users/{id}`
    resource_id: str
    integration: dict[str, Any]
    security: CognitoSecurity | None
    api_key: bool  # whether it also requires an `x-api-key`
    operation_name: str | None
    validation: Validation | None = None


@dataclass
class _Node:
    static: dict[str, "_Node"] = field(default_factory=dict)
    parameter: tuple[str, "_Node"] | None = None
    greedy: tuple[str, "_Node"] | None = None
    methods: dict[str, Route] = field(default_factory=dict)


class Routes:
    """The routes.

    As on AWS, static segments win over `{parameter}`, which wins over `{greedy+}`.
    """

    def __init__(self, body: Body) -> None:
        self._root = _Node()
        for path, item in body.get("paths", {}).items():
            node = self._node(path)
            for key, operation in item.items():
                if key in METHODS or key == ANY_METHOD:
                    method = "ANY" if key == ANY_METHOD else key.upper()
                    node.methods[method] = _route(body, path, method, item, operation)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the path parameters, percent-encoded; None if there is no method.

        If the best resource lacks the method, a greedy resource that matches the path gets the
        request.
        """
        segments = [segment for segment in path.split("/") if segment]
        matches = _matches(self._root, segments, {})
        for number, (node, parameters, is_greedy) in enumerate(matches):
            route = node.methods.get(method) or node.methods.get("ANY")
            if route and (is_greedy or number == 0):
                return route, parameters
        return None

    def all(self) -> Iterator[Route]:
        nodes = [self._root]
        for node in nodes:
            yield from node.methods.values()
            nodes += [
                *node.static.values(),
                *(each[1] for each in (node.parameter, node.greedy) if each),
            ]

    def _node(self, path: str) -> _Node:
        node = self._root
        for segment in path.split("/"):
            if segment.startswith("{") and segment.endswith("+}"):
                node.greedy = node.greedy or (segment[1:-2], _Node())
                node = node.greedy[1]
            elif segment.startswith("{"):
                node.parameter = node.parameter or (segment[1:-1], _Node())
                node = node.parameter[1]
            elif segment:
                node = node.static.setdefault(segment, _Node())
        return node


def _matches(
    node: _Node, segments: list[str], parameters: dict[str, str]
) -> list[tuple[_Node, dict[str, str], bool]]:
    """Return the matching resources, the most specific first, and whether each match is greedy."""
    if not segments:
        return [(node, parameters, False)] if node.methods else []
    head, rest = segments[0], segments[1:]
    found = []
    if head in node.static:
        found += _matches(node.static[head], rest, parameters)
    if node.parameter:
        name, child = node.parameter
        found += _matches(child, rest, parameters | {name: head})
    if node.greedy:
        name, child = node.greedy
        found += [(child, parameters | {name: "/".join(segments)}, True)]
    return found


def _route(
    body: Body, path: str, method: str, item: dict[str, Any], operation: dict[str, Any]
) -> Route:
    resource_id = hashlib.sha256(path.encode()).hexdigest()[:6]
    schemes = _schemes(body, path, operation)
    security = _security(
        path,
        [(name, scheme, scopes) for name, scheme, scopes in schemes if not _is_api_key(scheme)],
    )
    api_key = any(_is_api_key(scheme) for _, scheme, _ in schemes)
    if api_key and body.get(API_KEY_SOURCE, "HEADER") != "HEADER":
        raise NotEmulatedError(
            f"{API_KEY_SOURCE} {body[API_KEY_SOURCE]!r} (only HEADER is emulated)"
        )
    return Route(
        method, path, resource_id, operation.get(INTEGRATION, {}), security, api_key, operation.get("operationId"),
        validation_of(body, item, operation),
    )  # fmt: skip


def _schemes(
    body: Body, path: str, operation: dict[str, Any]
) -> list[tuple[str, dict[str, Any], list[str]]]:
    """Return name, definition and scopes of the security schemes.

    API Gateway ignores `security` at the root of the document. It requires every entry of the list,
    whereas OpenAPI accepts any of them.
    """
    known = body.get("components", {}).get("securitySchemes", {}) | body.get(
        "securityDefinitions", {}
    )
    return [
        (name, known.get(name, {}), scopes)
        for requirement in operation.get("security", [])
        for name, scopes in requirement.items()
    ]


def _is_api_key(scheme: dict[str, Any]) -> bool:
    """Return True for an API key scheme.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
    """
    return scheme.get("type") == "apiKey" and str(scheme.get("name", "")).lower() == "x-api-key"


def _security(
    path: str, schemes: list[tuple[str, dict[str, Any], list[str]]]
) -> CognitoSecurity | None:
    if not schemes:
        return None
    if len(schemes) > 1:
        raise NotEmulatedError(f"{len(schemes)} authorizers of {path}")
    name, scheme, scopes = schemes[0]
    authorizer = scheme.get("x-amazon-apigateway-authorizer", {})
    if authorizer.get("type") != "cognito_user_pools":
        raise NotEmulatedError(
            f"security scheme {name!r} of {path} (only cognito_user_pools is emulated)"
        )
    pools = tuple(re.sub(r"^.*:userpool/", "", arn) for arn in authorizer["providerARNs"])
    return CognitoSecurity(pools, tuple(scopes))
