"""The calls that a function makes while it handles an event.

A worker handles one event at a time and has credentials of its own. So the access key that signs a
call, or a database connection's token, names the event. Times are `time.perf_counter()` of the
supervisor, in which the gateway, the AWS endpoint and the database proxy all run.
"""

import msgspec

MOST = 200  # spans that one event may have


class Span(msgspec.Struct, frozen=True, gc=False):
    """A call that was answered. `error` explains a failed one."""

    kind: str  # `sql`, or the signing name of an AWS service
    name: str  # the operation, or the statements of one round trip
    target: str  # the table, function or database user
    began: float
    ms: float
    units: float = 0.0  # DynamoDB's capacity units
    error: str = ""


class OpenSpans:
    """The spans of the events that are being handled, by access key."""

    def __init__(self) -> None:
        self._spans: dict[str, list[Span]] = {}

    def begin(self, access_key: str, spans: list[Span] | None = None) -> None:
        """Open an event, whose spans are appended to `spans`."""
        self._spans[access_key] = [] if spans is None else spans

    def end(self, access_key: str) -> list[Span]:
        return self._spans.pop(access_key, [])

    def of(self, access_key: str | None) -> list[Span] | None:
        """Return the list to append to; None if no event is handled, or it has too many."""
        spans = self._spans.get(access_key or "")
        return None if spans is None or len(spans) >= MOST else spans
