"""Problem details for HTTP APIs (RFC 9457): the one shape of every error we answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

RETRY_AFTER_SECONDS = 2


class FieldError(msgspec.Struct, frozen=True):
    """`pointer` is a JSON pointer in URI fragment form (`#/given_name`), as in RFC 9457's own example."""

    pointer: str
    detail: str


class ParameterError(msgspec.Struct, frozen=True):
    """`parameter` is a name in the query or the path."""

    parameter: str
    detail: str


class HeaderError(msgspec.Struct, frozen=True):
    header: str
    detail: str


class Problem(Exception):  # noqa: N818  RFC 9457's own name for it
    """Raise it anywhere below a route; the kernel answers it. `detail` is for the caller's eyes: no internals."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError | ParameterError | HeaderError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def document(self, request_id: str) -> dict[str, Any]:
        from http import (
            HTTPStatus,
        )  # an enumeration of sixty, made at import, for the one phrase of an error

        members = {
            "type": "about:blank",  # `code` tells the kinds apart; a URL nobody serves would not
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        return {**members, "errors": list(self.errors)} if self.errors else members


def invalid_parameters(errors: Sequence[ParameterError]) -> Problem:
    return Problem(
        400,
        "parameters_invalid",
        "Some parameters are not acceptable: see `errors`.",
        errors=errors,
    )


def unavailable(what: str) -> Problem:
    """503 for a store that does not answer now."""
    return _try_again(f"{what} is not available right now. Try again in a few seconds.")


def out_of_time() -> Problem:
    """503 for what the function's timeout was too short for. Whether it was done is unknown."""
    return _try_again(
        "This took too long. Try again in a few seconds, with the same Idempotency-Key if there was one."
    )


def _try_again(detail: str) -> Problem:
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
