"""The routes of a deployed body, and which one a path takes."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from local.api_gateway.control import ANY_METHOD, INTEGRATION, METHODS, Body
from local.api_gateway.errors import NotEmulatedError


@dataclass(frozen=True)
class CognitoSecurity:
    """Who may call: a user of one of the pools, with one of the scopes if any are named."""

    pool_ids: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    resource: str  # `/v1/users/{id}`
    resource_id: str
    integration: dict[str, Any]
    security: CognitoSecurity | None


@dataclass
class _Node:
    static: dict[str, "_Node"] = field(default_factory=dict)
    parameter: tuple[str, "_Node"] | None = None
    greedy: tuple[str, "_Node"] | None = None
    methods: dict[str, Route] = field(default_factory=dict)


class Routes:
    """Static segments win over `{parameter}`, which wins over `{greedy+}`, as on AWS."""

    def __init__(self, body: Body) -> None:
        self._root = _Node()
        for path, item in body.get("paths", {}).items():
            node = self._node(path)
            for key, operation in item.items():
                if key in METHODS or key == ANY_METHOD:
                    method = "ANY" if key == ANY_METHOD else key.upper()
                    node.methods[method] = _route(body, path, operation)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the path parameters, percent-encoded as the client sent them; None where AWS has no method."""
        segments = [segment for segment in path.split("/") if segment]
        for node, parameters in _matches(self._root, segments, {}):
            route = node.methods.get(method) or node.methods.get("ANY")
            return (route, parameters) if route else None
        return None

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


def _matches(node: _Node, segments: list[str], parameters: dict[str, str]) -> list[tuple[_Node, dict[str, str]]]:
    """Resources that the path fits, the most specific first."""
    if not segments:
        return [(node, parameters)] if node.methods else []
    head, rest = segments[0], segments[1:]
    found = []
    if head in node.static:
        found += _matches(node.static[head], rest, parameters)
    if node.parameter and not found:
        name, child = node.parameter
        found += _matches(child, rest, parameters | {name: head})
    if node.greedy and not found:
        name, child = node.greedy
        found += [(child, parameters | {name: "/".join(segments)})]
    return found


def _route(body: Body, path: str, operation: dict[str, Any]) -> Route:
    resource_id = hashlib.sha256(path.encode()).hexdigest()[:6]
    return Route(path, resource_id, operation.get(INTEGRATION, {}), _security(body, path, operation))


def _security(body: Body, path: str, operation: dict[str, Any]) -> CognitoSecurity | None:
    """Operation level only: API Gateway ignores `security` at the root of the document."""
    requirements = operation.get("security", [])
    if not requirements:
        return None
    schemes = body.get("components", {}).get("securitySchemes", {}) | body.get("securityDefinitions", {})
    for name, scopes in requirements[0].items():
        authorizer = schemes.get(name, {}).get("x-amazon-apigateway-authorizer", {})
        if authorizer.get("type") != "cognito_user_pools":
            raise NotEmulatedError(f"security scheme {name!r} of {path} (only cognito_user_pools authorizers are)")
        pools = tuple(re.sub(r"^.*:userpool/", "", arn) for arn in authorizer["providerARNs"])
        return CognitoSecurity(pools, tuple(scopes))
    return None
