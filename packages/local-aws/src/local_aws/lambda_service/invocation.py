"""Results of invocations."""

from collections.abc import Callable, Sequence

import msgspec

from local_aws.spans import Span

TAIL = 4096  # bytes of log that LogType=Tail returns


class Invocation(msgspec.Struct, frozen=True):
    """The answer of Invoke.

    As on AWS, an error inside the function has status 200 and a `function_error`.
    """

    status: int
    payload: bytes
    function_error: str | None
    executed_version: str
    request_id: str
    log: Sequence[str]
    cold: bool
    duration_ms: float

    @property
    def log_tail(self) -> bytes:
        return "\n".join(self.log).encode()[-TAIL:]


class Invoked(msgspec.Struct, frozen=True):
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
    began: float = 0.0  # perf_counter() of the supervisor, when it was accepted
    waited_ms: float = 0.0  # for a worker, its start included
    init_ms: float = 0.0  # of the worker's start; 0 for a warm worker
    trace_id: str = ""
    spans: list[Span] = []


OnInvoked = Callable[[Invoked], None]
