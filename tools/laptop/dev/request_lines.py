"""One line for each request, followed by its function's output.

12:03:44 GET    /v1/me                          200     18 ms  warm  sql 1  dynamodb 1
"""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from textwrap import shorten
from typing import Literal

import msgspec

from local_aws.api_gateway.app import Answered
from local_aws.lambda_service import Invoked
from local_aws.supervisor.observations import Observation
from tools.laptop.dev.traceback_lines import readable

API_GATEWAY = "apigateway.amazonaws.com"
LONGEST_REASON = 200  # characters
ABANDONED_SECONDS = (
    1.0  # The gateway answers within milliseconds after its function, unless it has timed out.
)

Colour = Literal["red", "yellow", "green", "dim"]
Paint = Callable[[str, Colour], str]

_ANSI: dict[Colour, str] = {"red": "31", "yellow": "33", "green": "32", "dim": "2"}


class _Error(msgspec.Struct):
    stack: str


class _Record(msgspec.Struct):
    """The log record that the kernel writes for each request and trigger."""

    message: Literal["request", "trigger"]
    sql_round_trips: int
    dynamodb_calls: int
    source: str = ""
    outcome: str = ""
    reason: str = ""
    error: _Error | None = None


_decoder = msgspec.json.Decoder(_Record)


def plain(text: str, _: Colour) -> str:
    return text


def coloured(text: str, colour: Colour) -> str:
    return f"\x1b[{_ANSI[colour]}m{text}\x1b[0m"


class RequestLines:
    """The formatter of observations; `folders` maps a function's name to its folder.

    An invocation is reported before the answer that it belongs to.
    """

    def __init__(self, root: Path, folders: Mapping[str, str], paint: Paint = plain) -> None:
        self._root = root
        self._folders = folders
        self._paint = paint
        self._waiting: dict[str, tuple[float, Invoked]] = {}

    def of(self, seen: Observation) -> Iterator[str]:
        """Yield the lines to print for this observation."""
        yield from self._abandoned()
        if seen.answered:
            _, invoked = self._waiting.pop(seen.answered.function_request_id or "", (0.0, None))
            yield from self._request(seen.answered, invoked)
        if seen.invoked and seen.invoked.source == API_GATEWAY:
            self._waiting[seen.invoked.request_id] = (time.monotonic(), seen.invoked)
        elif seen.invoked:
            yield from self._invocation(seen.invoked)

    def _abandoned(self) -> Iterator[str]:
        horizon = time.monotonic() - ABANDONED_SECONDS
        for request_id in [key for key, (since, _) in self._waiting.items() if since < horizon]:
            yield from self._invocation(self._waiting.pop(request_id)[1])

    def _request(self, answered: Answered, invoked: Invoked | None) -> Iterator[str]:
        record, written = _split(invoked.output) if invoked else (None, [])
        line = f"{answered.method:<6} {answered.path:<31} {answered.status} {answered.duration_ms:6.0f} ms"
        line += f"  {_cost(invoked, record)}" if invoked else ""
        if answered.reason and not written:
            line += f"  {shorten(answered.reason, LONGEST_REASON)}"
        yield self._line(line, _colour(answered.status))
        yield from self._below(record, written)

    def _invocation(self, invoked: Invoked) -> Iterator[str]:
        """Yield the lines of an invocation without a request: a Cognito trigger or a direct call."""
        record, written = _split(invoked.output)
        name = self._folders.get(invoked.function, invoked.function)
        what = f"{name} {(record.source if record else '') or invoked.source or 'invoke'}"
        outcome = (record.outcome if record else "") or invoked.error or "done"
        line = f"{what:<38} {outcome:<7} {invoked.duration_ms:6.0f} ms  {_cost(invoked, record)}"
        if record and record.reason:
            yield self._line(f"{line}  {record.reason}", "yellow")
        else:
            yield self._line(line, "red" if invoked.error else None)
        # The runtime logs an error again that the kernel has already logged.
        is_shown = (lambda line: not line.startswith("[ERROR]")) if record else (lambda _: True)
        yield from self._below(record, list(takewhile(is_shown, written)))

    def _line(self, text: str, colour: Colour | None) -> str:
        return f"{time.strftime('%H:%M:%S')} {self._paint(text, colour) if colour else text}"

    def _below(self, record: _Record | None, written: list[str]) -> Iterator[str]:
        stack = record.error.stack.splitlines() if record and record.error else []
        yield from (f"         | {line}" for line in readable(written, self._root))
        yield from (self._paint(f"         {line}", "red") for line in readable(stack, self._root))


def _split(output: list[str]) -> tuple[_Record | None, list[str]]:
    """Return the kernel's record and all other lines."""
    record, others = None, []
    for line in output:
        try:
            record = _decoder.decode(line)
        except msgspec.DecodeError:
            others.append(line)
    return record, others


def _cost(invoked: Invoked, record: _Record | None) -> str:
    start = "cold" if invoked.cold else "warm"
    return (
        f"{start}  sql {record.sql_round_trips}  dynamodb {record.dynamodb_calls}"
        if record
        else start
    )


def _colour(status: int) -> Colour | None:
    return "red" if status >= 500 else "yellow" if status >= 400 else None
