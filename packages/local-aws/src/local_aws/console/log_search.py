"""The search in the log lines of the kept requests, newest first."""

from collections.abc import Iterator

import msgspec

from local_aws.console.entries import Seen, summary_of
from local_aws.console.recorder import Kept
from local_aws.console.redaction import redacted


class Line(msgspec.Struct, frozen=True):
    """A line of a function's log, with the request that it belongs to."""

    number: int
    at: float
    path: str
    text: str


def search(kept: Kept, text: str, most: int) -> list[Line]:
    """Return the newest lines that contain `text`, in upper or lower case.

    Only blocks whose JSON contains the text are decoded.
    """
    wanted = text.lower()
    escaped = msgspec.json.encode(wanted)[1:-1]
    found: list[Line] = []
    for block in kept.newest_first():
        if escaped not in block.lower():
            continue
        for seen in reversed(kept.decode(block)):
            found += _lines(seen, wanted)
            if len(found) >= most:
                return found[:most]
    return found


def _lines(seen: Seen, wanted: str) -> Iterator[Line]:
    if seen.invoked is None:
        return
    path = summary_of(seen).path
    for line in reversed(seen.invoked.output):
        if wanted in line.lower():
            yield Line(seen.number, round(seen.at, 3), redacted(path), redacted(line))
