"""Problem details for HTTP APIs (RFC 9457), the format of every error response."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from atrium.runtime import config

TYPES = "/docs/errors.html#"
"""The prefix of a problem's type; its code follows (RFC 9457, section 3.1.1).

Relative to the API, because a laptop serves this page. Environments name the address of theirs in
the variable PROBLEM_TYPES.
"""

RETRY_AFTER_SECONDS = 2
MAX_ERRORS = 100
"""The maximum number of errors in one response."""


class FieldError(msgspec.Struct, frozen=True):
    """An error in a field of the body.

    `pointer` is a JSON pointer in URI fragment form (`#/given_name`), as in RFC 9457.
    """

    pointer: str
    detail: str


class ParameterError(msgspec.Struct, frozen=True):
    """An error in a query or path parameter, given by name."""

    parameter: str
    detail: str


class HeaderError(msgspec.Struct, frozen=True):
    header: str
    detail: str


class Problem(Exception):  # noqa: N818  RFC 9457's own name for it
    """An error response, raised anywhere below a route.

    `detail` is shown to the client, so it must not reveal internals. `members` are RFC 9457's
    extension members.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError | ParameterError | HeaderError] = (),
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors[:MAX_ERRORS]
        self.members = members or {}
        self.headers = dict(headers or {})

    def document(self, request_id: str) -> dict[str, Any]:
        from http import (
            HTTPStatus,
        )  # imported here: building its enumeration at import costs time

        members = {
            "type": config.optional("PROBLEM_TYPES", TYPES) + self.code,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            **self.members,
        }
        return {**members, "errors": list(self.errors)} if self.errors else members


def invalid_parameters(errors: Sequence[ParameterError]) -> Problem:
    return Problem(
        400,
        "parameters_invalid",
        "Some parameters are invalid; see `errors`.",
        errors=errors,
    )


def unavailable(what: str) -> Problem:
    """Return a 503 for a store that does not respond."""
    return _try_again(f"{what} is not available. Retry in a few seconds.")


def out_of_time() -> Problem:
    """Return a 503 for a deadline that passed. Whether the operation was completed is unknown."""
    return _try_again(
        "The request timed out. Retry in a few seconds with the same Idempotency-Key."
    )


def _try_again(detail: str) -> Problem:
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
