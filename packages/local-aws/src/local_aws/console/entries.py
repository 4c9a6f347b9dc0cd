"""Entries of the console: the stored and displayed facts of a request."""

import msgspec

from local_aws.api_gateway.app import Answered
from local_aws.console.redaction import redacted
from local_aws.lambda_service import Invoked

LONGEST = 512  # characters of a path or a reason in the list
SHORTEST_MS = 0.05  # shorter waits are not shown


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """An observed request: its answer, its invocation, or both."""

    number: int
    at: float  # epoch seconds of its beginning
    answered: Answered | None = None
    invoked: Invoked | None = None


class Summary(msgspec.Struct, frozen=True, gc=False):
    """A line of the list. An invocation without a request has the function's name as its path."""

    number: int
    at: float
    method: str
    path: str
    status: int  # 0 for an invocation without a request
    ms: float
    start: str  # cold, warm, or empty without a function
    sql: int  # round trips
    calls: int  # of AWS services
    units: float  # DynamoDB's capacity units
    id: str
    reason: str

    @property
    def is_failed(self) -> bool:
        return self.status >= 500 or (self.status == 0 and self.reason != "")

    def matches(self, text: str) -> bool:
        """Return True if the list shows `text`, in lower case."""
        return text in f"{self.method} {self.path} {self.status} {self.id} {self.reason}".lower()


class Bar(msgspec.Struct, frozen=True):
    """A bar of the waterfall; `start` is in milliseconds from the request's beginning."""

    kind: str  # gateway, authorizer, wait, start, function, sql, or an AWS service
    name: str
    start: float
    ms: float
    target: str = ""
    units: float = 0.0
    error: str = ""


class Page(msgspec.Struct, frozen=True):
    """A request's page."""

    summary: Summary
    trace_id: str
    caller: str
    function: str
    function_request_id: str
    bars: list[Bar]
    log: list[str]


def summary_of(seen: Seen) -> Summary:
    answered, invoked = seen.answered, seen.invoked
    sql = calls = 0
    units = 0.0
    start = ""
    if invoked:
        start = "cold" if invoked.cold else "warm"
        for span in invoked.spans:
            if span.kind != "sql":
                calls += 1
                units += span.units
            elif span.name != "connect":
                sql += 1
    if answered:
        return Summary(
            seen.number, seen.at, answered.method, answered.path[:LONGEST], answered.status,
            answered.duration_ms, start, sql, calls, units, answered.request_id,
            answered.reason[:LONGEST],
        )  # fmt: skip
    assert invoked, "one of both was seen"
    return Summary(
        seen.number, seen.at, _caller(invoked), invoked.function, 0,
        invoked.waited_ms + invoked.duration_ms, start, sql, calls, units, invoked.request_id,
        invoked.error or "",
    )  # fmt: skip


def _caller(invoked: Invoked) -> str:
    """Return the service that called: `cognito` for `cognito-idp.amazonaws.com`."""
    return (invoked.source or "invoke").partition(".")[0].removesuffix("-idp")


def page_of(seen: Seen) -> Page:
    """Return the page of a request, without secrets."""
    answered, invoked = seen.answered, seen.invoked
    began = answered.began if answered else invoked.began if invoked else 0.0
    bars = [*_gateway_bars(answered), *_function_bars(invoked, began)]
    if invoked:
        bars += [
            Bar(
                each.kind, redacted(each.name), (each.began - began) * 1000, each.ms, each.target,
                each.units, redacted(each.error),
            )
            for each in invoked.spans
        ]  # fmt: skip
    return Page(
        without_secrets(summary_of(seen)),
        answered.trace_id if answered else invoked.trace_id if invoked else "",
        answered.caller if answered else "",
        invoked.function if invoked else "",
        invoked.request_id if invoked else "",
        bars,
        [redacted(line) for line in invoked.output] if invoked else [],
    )


def without_secrets(summary: Summary) -> Summary:
    """Return a summary without secrets, for display."""
    return msgspec.structs.replace(
        summary,
        at=round(summary.at, 3),
        ms=round(summary.ms, 3),
        path=redacted(summary.path),
        reason=redacted(summary.reason),
    )


def _gateway_bars(answered: Answered | None) -> list[Bar]:
    if answered is None:
        return []
    bars = [
        Bar("gateway", "API Gateway", 0.0, answered.duration_ms, error=redacted(answered.reason))
    ]
    if answered.authorizer_ms:
        bars.append(
            Bar("authorizer", "Authorizer", answered.authorized_after_ms, answered.authorizer_ms)
        )
    return bars


def _function_bars(invoked: Invoked | None, began: float) -> list[Bar]:
    if invoked is None:
        return []
    accepted = (invoked.began - began) * 1000
    runs = accepted + invoked.waited_ms
    start_ms = min(invoked.init_ms, invoked.waited_ms)
    before = [
        Bar("wait", "Wait for a worker", accepted, invoked.waited_ms - start_ms),
        Bar("start", "Cold start", runs - start_ms, start_ms),
    ]
    shown = [bar for bar in before if bar.ms >= SHORTEST_MS]
    return [
        *shown,
        Bar("function", invoked.function, runs, invoked.duration_ms, error=invoked.error or ""),
    ]
