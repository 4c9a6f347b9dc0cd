"""Results of invocations."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Invocation:
    """The answer of Invoke.

    As on AWS, an error inside the function has status 200 and a `function_error`.
    """

    status: int
    payload: bytes
    function_error: str | None
    executed_version: str
    request_id: str
    log_tail: bytes
    cold: bool
    duration_ms: float


@dataclass(frozen=True)
class Invoked:
    """A finished invocation, for watchers.

    `output` holds the function's lines and the reason if it was ended.
    """

    function: str
    request_id: str
    source: (
        str | None
    )  # the AWS service that called, as a principal; None for a caller of the Invoke API
    cold: bool
    duration_ms: float
    error: str | None  # error, timeout or init
    output: list[str]


OnInvoked = Callable[[Invoked], None]
