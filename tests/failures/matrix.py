"""The table of the failure matrix, with a row for each failure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import shorten

SAID_WIDTH = 110


@dataclass(frozen=True)
class Row:
    what: str  # the action
    said: str  # the message to the user
    next_up: str  # the result of the next `make up`
    seconds: float
    mark: str = "✓"  # "✗" for failed, "!" for not tried


def text(rows: list[Row]) -> Iterator[str]:
    """Return the row for a terminal, with the message cut."""
    what = max(len(row.what) for row in rows)
    next_up = max(len(_first(row.next_up)) for row in rows)
    yield f"  {'':8}  {'what was done':<{what}}  {'the next make up':<{next_up}}  what was said"
    for row in rows:
        said = shorten(row.said, SAID_WIDTH, placeholder=" …")
        yield f"{row.mark} {row.seconds:6.1f} s  {row.what:<{what}}  {_first(row.next_up):<{next_up}}  {said}"
    yield summary(rows)


def markdown(rows: list[Row]) -> Iterator[str]:
    """Return the row for a page, with the complete message."""
    yield "| | what was done | what was said | the next `make up` | seconds |"
    yield "|-|-|-|-|-:|"
    for row in rows:
        cells = (row.mark, row.what, row.said, row.next_up, f"{row.seconds:.1f}")
        yield (
            "| " + " | ".join(re.sub(r"\|", "\\|", " ".join(cell.split())) for cell in cells) + " |"
        )
    yield f"\n{summary(rows)}"


def summary(rows: list[Row]) -> str:
    counted = {mark: sum(row.mark == mark for row in rows) for mark in "✓✗!"}
    words = [
        f"{len(rows)} failures tried"
        if not counted["!"]
        else f"{len(rows) - counted['!']} of {len(rows)} tried"
    ]
    words += [f"{counted['✗']} not borne"] if counted["✗"] else []
    words += [f"{counted['!']} NOT TRIED on this machine"] if counted["!"] else []
    return ", ".join(words)


def _first(next_up: str) -> str:
    return next_up.split(":")[0]
