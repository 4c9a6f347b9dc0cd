"""A route's response and its form for API Gateway (REST, Lambda proxy integration)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from atrium.http.problem import Problem

# The gateway adds no CORS headers to a proxy response. Any origin is allowed, because callers
# authenticate with a bearer token and never with a cookie.
_EVERYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Deprecation, ETag, Idempotency-Replayed, Link, Location, Retry-After, Sunset, X-Request-ID",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",  # browsers ignore it on HTTP
    "Vary": "Accept-Encoding",  # the gateway compresses, but does not tell caches
    "X-Content-Type-Options": "nosniff",
}


class Response(msgspec.Struct, frozen=True):
    """A response. `headers` override those of every response, such as `Cache-Control: no-store`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}

    def for_gateway(
        self, *, has_body: bool = True, of_route: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """Return the response for API Gateway; a response to HEAD has no body.

        `of_route` are headers of every response of the route.
        """
        return {
            "statusCode": self.status,
            "headers": {**_EVERYWHERE, **of_route, **self.headers},
            "body": self.body.decode() if has_body else "",
            "isBase64Encoded": False,
        }


def json(
    content: object,
    status: int = 200,
    *,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a JSON response of `content`, which msgspec can encode. `etag` includes its quotes."""
    tagged = {"ETag": etag} if etag else {}
    body = msgspec.json.encode(content, enc_hook=_plain)
    return Response(status, body, {"Content-Type": "application/json", **tagged, **(headers or {})})


def from_problem(problem: Problem, request_id: str) -> Response:
    body = msgspec.json.encode(problem.document(request_id))
    return Response(
        problem.status, body, {"Content-Type": "application/problem+json", **problem.headers}
    )


def _plain(value: object) -> str:
    """Encode subclasses of str, such as those of atrium.http.text, for msgspec."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__qualname__} has no JSON form")
