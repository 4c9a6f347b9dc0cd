"""The `Idempotency-Key` of a request, and what may become of it; whatever store the operation writes.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ has quotes around the key: it is a string of
RFC 9651, section 3.3.3. They are optional here, as in most APIs: `"k"` and `k` are the same key.
"""

import re
from typing import Any, NamedTuple

import msgspec

from atrium.http.problem import HeaderError, Problem
from atrium.http.request import Request

HEADER = "Idempotency-Key"
LIFETIME_SECONDS = 24 * 3600
_MAX_LENGTH = 255
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


class Once(NamedTuple):
    """`row` is what the operation made, as the record has it: JSON values by name; `is_replay` when it was made before."""

    row: dict[str, Any]
    is_replay: bool

    @property
    def headers(self) -> dict[str, str]:
        """To be added to the answer."""
        return {"Idempotency-Replayed": "true"} if self.is_replay else {}


def of(request: Request) -> str:
    """Raises 400 when there is none, or one that is not 1 to 255 visible ASCII characters."""
    sent = request.headers.get(HEADER.lower(), "").strip()
    quoted = _QUOTED.fullmatch(sent)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else sent
    if not key:
        raise _refused(
            "idempotency_key_missing",
            "Send a new random key; repeat it when you repeat the request",
        )
    if len(key) > _MAX_LENGTH or not all("!" <= character <= "~" for character in key):
        raise _refused(
            "idempotency_key_invalid",
            f"Expected 1 to {_MAX_LENGTH} visible ASCII characters, no spaces",
        )
    return key


def fingerprint(request: Request) -> str:
    """Of everything that makes the request another one under the same route and key."""
    from hashlib import sha256

    address = msgspec.json.encode([request.path_parameters, request.query], order="deterministic")
    return sha256(address + b"\n" + request.body).hexdigest()


def replay(request: Request, recorded: str, row: dict[str, Any]) -> Once:
    """What was answered before, if the request is the `recorded` one. Raises 422 when it is not."""
    if recorded != fingerprint(request):
        detail = "This key was used for another request. Make a new key for each, and keep it only to repeat it."
        errors = [HeaderError(HEADER, "Used before, for another request")]
        raise Problem(422, "idempotency_key_reused", detail, errors=errors)
    return Once(row, True)


def in_flight() -> Problem:
    detail = "The same request is still being worked on. Repeat it in a moment to get its answer."
    return Problem(409, "idempotency_in_flight", detail, headers={"Retry-After": "1"})


def _refused(code: str, detail: str) -> Problem:
    return Problem(400, code, f"{HEADER}: {detail}.", errors=[HeaderError(HEADER, detail)])
