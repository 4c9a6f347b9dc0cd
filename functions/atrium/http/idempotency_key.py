"""The `Idempotency-Key` header, its validation and replay, independent of the store.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ defines the key as a
quoted string (RFC 9651, section 3.3.3). The quotes are optional here, as in most APIs: `"k"` and
`k` are the same key.
"""

import re
from typing import Any, NamedTuple

import msgspec

from atrium.http.problem import HeaderError, Problem
from atrium.http.request import Request
from atrium.runtime import lean_import

HEADER = "Idempotency-Key"
LIFETIME_SECONDS = 24 * 3600
_MAX_LENGTH = 255
_QUOTED = lean_import.pattern(r'"((?:[^"\\]|\\["\\])*)"')


class Once(NamedTuple):
    """The result of an idempotent operation.

    `row` holds the recorded JSON values by name. `is_replay` is true if an earlier request
    created it.
    """

    row: dict[str, Any]
    is_replay: bool

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers to add to the response."""
        return {"Idempotency-Replayed": "true"} if self.is_replay else {}


def of(request: Request) -> str:
    """Return the request's key. Raise 400 unless it has 1 to 255 visible ASCII characters."""
    sent = request.headers.get(HEADER.lower(), "").strip()
    quoted = _QUOTED.fullmatch(sent)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else sent
    if not key:
        raise _refused(
            "idempotency_key_missing",
            "Send a random key, and reuse it only to retry the same request",
        )
    if len(key) > _MAX_LENGTH or not all("!" <= character <= "~" for character in key):
        raise _refused(
            "idempotency_key_invalid",
            f"Must be 1 to {_MAX_LENGTH} visible ASCII characters without spaces",
        )
    return key


def fingerprint(request: Request) -> str:
    """Return a hash of everything that distinguishes requests with the same route and key."""
    from hashlib import sha256

    address = msgspec.json.encode([request.path_parameters, request.query], order="deterministic")
    return sha256(address + b"\n" + request.body).hexdigest()


def replay(request: Request, recorded: str, row: dict[str, Any]) -> Once:
    """Return the recorded result. Raise 422 if the key was `recorded` for a different request."""
    if recorded != fingerprint(request):
        detail = "This key was used for a different request. Send a new key with each new request."
        errors = [HeaderError(HEADER, "Was used for a different request")]
        raise Problem(422, "idempotency_key_reused", detail, errors=errors)
    return Once(row, True)


def in_flight() -> Problem:
    detail = "The same request is still in progress. Retry in a moment to get its response."
    return Problem(409, "idempotency_in_flight", detail, headers={"Retry-After": "1"})


def _refused(code: str, detail: str) -> Problem:
    return Problem(400, code, f"{HEADER}: {detail}.", errors=[HeaderError(HEADER, detail)])
