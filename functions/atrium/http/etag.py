"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13). Ours are strong, and hold their quotes."""

import re

import msgspec

from atrium.http.problem import HeaderError, Problem
from atrium.http.request import Request
from atrium.http.response import Response

_TAG = re.compile(r'(?P<weak>W/)?(?P<tag>"[\x21\x23-\x7e\x80-\xff]*")')
_TAGS = re.compile(r'(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*')
_VERSIONED = re.compile(r'"(?P<version>\d{1,18})-(?P<digest>[0-9a-f]+)"')


def of_bytes(content: bytes) -> str:
    return f'"{_blake2b(content, 12)}"'


def of_version(version: int, beside: object = None) -> str:
    """For what has a row `version`, which SQL can compare, and perhaps parts `beside` that row, which it cannot."""
    return f'"{version}-{_digest(beside)}"'


def not_modified(request: Request, response: Response) -> Response:
    """304 instead of a GET's 200 when `If-None-Match` names it."""
    tag, condition = response.headers.get("ETag"), request.headers.get("if-none-match")
    if tag is None or condition is None or request.method != "GET" or response.status != 200:
        return response
    if condition.strip() != "*" and tag not in (found["tag"] for found in _TAG.finditer(condition)):
        return response
    kept = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    return Response(304, headers=kept)


def expected_versions(request: Request, beside: object = None) -> list[int] | None:
    """The row versions that `If-Match` accepts, None for any (`*`): the UPDATE compares them, so no race is lost.

    Raises 428 without the header, 400 for what is no tag (one without its quotes, say), and 412 when nothing it names can
    be current because `beside` has changed.
    """
    condition = if_match(request)
    if condition.strip() == "*":
        return None
    if not _TAGS.fullmatch(condition.strip()):
        raise _malformed()
    # A weak tag never matches here: RFC 9110, section 13.1.1.
    tags = (
        _VERSIONED.fullmatch(found["tag"])
        for found in _TAG.finditer(condition)
        if not found["weak"]
    )
    versions = [int(tag["version"]) for tag in tags if tag and tag["digest"] == _digest(beside)]
    if not versions:
        raise stale()
    return versions


def if_match(request: Request) -> str:
    """Return the header `If-Match`. Raise 428 when it is missing."""
    condition = request.headers.get("if-match")
    if condition is None:
        raise Problem(
            428, "if_match_required", "Send the ETag you last read of this resource as If-Match."
        )
    return condition


def stale() -> Problem:
    return Problem(
        412,
        "stale",
        "The resource has changed since you read it. Read it again, then repeat the change.",
    )


def _malformed() -> Problem:
    expected = "Expected `*`, or entity tags in their quotes as ETag has them"
    errors = [HeaderError("If-Match", expected)]
    return Problem(400, "if_match_invalid", f"If-Match: {expected}.", errors=errors)


def _digest(beside: object) -> str:
    return _blake2b(msgspec.json.encode(beside, order="deterministic"), 8)


def _blake2b(content: bytes, digest_size: int) -> str:
    # Not at the top: hashlib loads OpenSSL, which a route without tags and stores need not.
    from hashlib import blake2b

    return blake2b(content, digest_size=digest_size).hexdigest()
