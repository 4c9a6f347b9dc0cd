"""What a route answers, and its form for API Gateway (REST, Lambda proxy integration)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from atrium.http.problem import Problem

# The gateway adds nothing to a proxied answer, so CORS is ours to set. Any origin may ask: a caller is known by the
# bearer token alone, never by a cookie.
_EVERYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Idempotency-Replayed, Link, Location, Retry-After, X-Request-ID",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Response(msgspec.Struct, frozen=True):
    """`headers` are added to, and win over, those of every answer (`Cache-Control: no-store` among them)."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}

    def for_gateway(self) -> dict[str, Any]:
        return {
            "statusCode": self.status,
            "headers": _EVERYWHERE | dict(self.headers),
            "body": self.body.decode(),
            "isBase64Encoded": False,
        }


def json(
    content: object,
    status: int = 200,
    *,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`content` is anything msgspec encodes: Structs, datetimes with a zone, UUIDs. `etag` comes with its quotes."""
    tagged = {"ETag": etag} if etag else {}
    body = msgspec.json.encode(content, enc_hook=_plain)
    return Response(status, body, {"Content-Type": "application/json", **tagged, **(headers or {})})


def from_problem(problem: Problem, request_id: str) -> Response:
    body = msgspec.json.encode(problem.document(request_id))
    return Response(
        problem.status, body, {"Content-Type": "application/problem+json", **problem.headers}
    )


def _plain(value: object) -> str:
    """msgspec encodes no subclass of str, such as those of atrium.text."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"{type(value).__qualname__} has no JSON form")
