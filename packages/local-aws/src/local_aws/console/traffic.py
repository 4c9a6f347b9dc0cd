"""Counts of the calls between the parts of the stack, since its start."""

from collections import Counter
from collections.abc import Iterator

import msgspec

from local_aws.console.entries import Seen

API = "api"
DATABASE = "database"
FUNCTION = "function:"
OUTSIDE = "invoke"  # callers of the Invoke API, and event source mappings
MOST = 5_000  # pairs of parts

_CONDITIONS = ("ConditionalCheckFailedException", "TransactionCanceledException")

Pair = tuple[str, str]


class Count(msgspec.Struct):
    """The calls from one part to another."""

    calls: int = 0
    failed: int = 0


class Traffic:
    def __init__(self) -> None:
        self.counts: dict[Pair, Count] = {}

    def note(self, seen: Seen) -> None:
        for pair, failed in _calls(seen):
            count = self.counts.get(pair)
            if count is None:
                if len(self.counts) >= MOST:
                    continue
                count = self.counts[pair] = Count()
            count.calls += 1
            count.failed += failed

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Return (from, to, calls, failed).

        A function that another one invokes is seen twice, and counts as that one's call.
        """
        nested: Counter[str] = Counter()
        for (source, to), count in self.counts.items():
            if source.startswith(FUNCTION):
                nested[to] += count.calls
        rows = [
            (source, to, count.calls - (nested[to] if source == OUTSIDE else 0), count.failed)
            for (source, to), count in self.counts.items()
        ]
        return [row for row in rows if row[2] > 0]


def _calls(seen: Seen) -> Iterator[tuple[Pair, bool]]:
    """Yield the calls of a request: (from, to), and whether each failed."""
    answered, invoked = seen.answered, seen.invoked
    if answered:
        yield ("", API), answered.status >= 500
    if invoked is None:
        return
    function = f"{FUNCTION}{invoked.function}"
    source = API if answered else source_of(invoked.source)
    yield (source, function), invoked.error is not None
    for span in invoked.spans:
        if span.name != "connect":
            yield (function, target_of(span.kind, span.target)), _is_failure(span.error)


def _is_failure(error: str) -> bool:
    """Return True if the call failed, unless a condition in the request itself was false."""
    return error != "" and not error.startswith(_CONDITIONS)


def source_of(principal: str | None) -> str:
    """Return the part that invokes as this principal: `cognito-idp` for `cognito-idp.…`."""
    return principal.partition(".")[0] if principal else OUTSIDE


def target_of(kind: str, target: str) -> str:
    match kind:
        case "sql":
            return DATABASE
        case "dynamodb":
            return f"table:{target}"
        case "lambda":
            return f"{FUNCTION}{target.rpartition('function:')[2].partition(':')[0]}"
    return f"service:{kind}"
