"""Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13).

All tags here are strong and include their quotes.
"""

import msgspec

from atrium.http.problem import HeaderError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.runtime import lean_import

_TAG = lean_import.pattern(r'(?P<weak>W/)?(?P<tag>"[\x21\x23-\x7e\x80-\xff]*")')
# A list may have empty elements (RFC 9110, section 5.6.1.2); at least one tag is needed.
_LISTED = r'[ \t]*((W/)?"[!#-~\x80-\xff]*"[ \t]*)?'
_TAGS = lean_import.pattern(rf"(?=[^\"]*\"){_LISTED}(,{_LISTED})*")
_VERSIONED = lean_import.pattern(r'"(?P<version>\d{1,18})-(?P<digest>[0-9a-f]+)"')


def of_bytes(content: bytes) -> str:
    return f'"{_blake2b(content, 12)}"'


def of_version(version: int, beside: object = None) -> str:
    """Return the tag of a row's `version` and of `beside`, the content that is not in the row.

    SQL can compare the version.
    """
    return f'"{version}-{_digest(beside)}"'


def not_modified(request: Request, response: Response) -> Response:
    """Return 304 if `If-None-Match` names the tag of a GET's 200 response."""
    tag, condition = response.headers.get("ETag"), request.headers.get("if-none-match")
    if tag is None or condition is None or request.method != "GET" or response.status != 200:
        return response
    if condition.strip() != "*" and tag not in (found["tag"] for found in _TAG.finditer(condition)):
        return response
    kept = {name: value for name, value in response.headers.items() if name != "Content-Type"}
    return Response(304, headers=kept)


def expected_versions(request: Request, beside: object = None) -> list[int] | None:
    """Return the row versions that `If-Match` accepts, or None for any (`*`).

    The UPDATE compares them, which prevents lost updates. Raise 428 if the header is missing
    and 400 if it is malformed. Raise 412 if no tag can be current because `beside` has changed.
    """
    condition = if_match(request)
    if request.headers.get("if-none-match", "").strip() == "*":
        # for an existing resource, `If-None-Match: *` is false, and both conditions must hold
        # (13.2.2)
        raise stale()
    if condition.strip() == "*":
        return None
    if not _TAGS.fullmatch(condition.strip()):
        raise _malformed()
    # A weak tag never matches If-Match (RFC 9110, section 13.1.1).
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
        raise Problem(428, "if_match_required", "Send the resource's current ETag in If-Match.")
    return condition


def stale() -> Problem:
    return Problem(
        412,
        "stale",
        "The resource has changed since you read it. Read it again, then repeat the change.",
    )


def _malformed() -> Problem:
    expected = "Must be `*` or a list of quoted entity tags"
    errors = [HeaderError("If-Match", expected)]
    return Problem(400, "if_match_invalid", f"If-Match: {expected}.", errors=errors)


def _digest(beside: object) -> str:
    return _blake2b(msgspec.json.encode(beside, order="deterministic"), 8)


def _blake2b(content: bytes, digest_size: int) -> str:
    # Imported here: hashlib loads OpenSSL, which a route without tags does not need.
    from hashlib import blake2b

    return blake2b(content, digest_size=digest_size).hexdigest()
