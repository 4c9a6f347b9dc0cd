"""HTTP rules of the contract, each as a request and its expected answer."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.operations.observations import Answer, Request

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Promise:
    name: str
    request: Request
    status: int
    code: str = ""  # the fields of a problem
    headers: tuple[str, ...] = ()  # headers that the answer must have


Ask = Callable[[Request], Answer]


def complaint(promise: Promise, answer: Answer) -> str | None:
    """Return the difference from the promise, or None."""
    if answer.status != promise.status:
        return f"{answer.status} {answer.body[:200].decode(errors='replace')}, not {promise.status}"
    if missing := [name for name in promise.headers if name not in answer.headers]:
        return f"without {', '.join(missing)}"
    if promise.status >= 400 and not answer.headers.get("content-type", "").startswith(PROBLEM):
        return f"as {answer.headers.get('content-type')}, not {PROBLEM}"
    content = answer.json()
    found = content.get("code") if isinstance(content, dict) else None
    return f"code {found}, not {promise.code}" if promise.code and found != promise.code else None


def of_anonymous(ask: Ask) -> Iterator[Promise]:
    """Yield the promises for requests without a token."""
    contract = ask(Request("GET", "/v1/openapi.json")).headers.get("etag", "")
    yield Promise("health", Request("GET", "/v1/health"), 200, headers=("x-amzn-requestid",))
    yield Promise("contract", Request("GET", "/v1/openapi.json"), 200, headers=("etag",))
    yield Promise(
        "contract not modified",
        Request("GET", "/v1/openapi.json", {"If-None-Match": contract}),
        304,
    )
    yield Promise("unknown parameter", Request("GET", "/v1/health?a=b"), 400, "parameters_invalid")
    yield Promise("no token", Request("GET", "/v1/me"), 401, headers=("www-authenticate",))
    yield Promise(
        "no real token",
        Request("GET", "/v1/me", {"Authorization": "Bearer a.b.c"}),
        401,
        headers=("www-authenticate",),
    )
    yield Promise(
        "unknown path",
        Request("GET", "/v1/nothing", {"X-Request-ID": "verify-1"}),
        404,
        headers=("x-request-id",),
    )
    preflight = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    yield Promise(
        "CORS",
        Request("OPTIONS", "/v1/me", preflight),
        204,
        headers=("access-control-allow-origin",),
    )


def of_members(ask: Ask, token: str) -> Iterator[Promise]:
    """Yield the promises for a signed-in user."""
    signed = {"Authorization": f"Bearer {token}"}
    merge = signed | {"Content-Type": "application/merge-patch+json"}
    tag = ask(Request("GET", "/v1/me", signed)).headers.get("etag", "")
    name = json.dumps({"given_name": "Grace"}).encode()
    yield Promise("me", Request("GET", "/v1/me", signed), 200, headers=("etag",))
    yield Promise("me not modified", Request("GET", "/v1/me", signed | {"If-None-Match": tag}), 304)
    yield Promise("change without If-Match", Request("PATCH", "/v1/me", merge, name), 428)
    yield Promise(
        "stale change", Request("PATCH", "/v1/me", merge | {"If-Match": '"0"'}, name), 412, "stale"
    )
    yield Promise(
        "other media type",
        Request("PATCH", "/v1/me", merge | {"If-Match": tag, "Content-Type": "text/plain"}, name),
        415,
    )
    yield Promise("no JSON", Request("PATCH", "/v1/me", merge | {"If-Match": tag}, b"{"), 400)
    yield Promise(
        "unknown member",
        Request("PATCH", "/v1/me", merge | {"If-Match": tag}, b'{"nothing": 1}'),
        422,
    )
    yield Promise(
        "change",
        Request("PATCH", "/v1/me", merge | {"If-Match": tag}, name),
        200,
        headers=("etag",),
    )
    yield Promise("a scope that the token lacks", Request("GET", "/v1/users", signed), 403)
