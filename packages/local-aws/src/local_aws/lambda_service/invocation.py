"""What becomes known of an invocation."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Invocation:
    """What Invoke answers. A function's own failure is status 200 with `function_error`, as on AWS."""

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
    """An invocation that has ended, for whoever watches. `output` is what the function wrote, and why it was ended."""

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
