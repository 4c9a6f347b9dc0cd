"""The table of the failure matrix: a row a failure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import shorten

SAID_WIDTH = 110


@dataclass(frozen=True)
class Row:
    what: str  # was done
    said: str  # to whoever was there
    next_up: str  # what became of the next `make up`
    seconds: float
    mark: str = "✓"  # "✗" failed, "!" not tried


def text(rows: list[Row]) -> Iterator[str]:
    """For a terminal: what was said is cut to its beginning."""
    what = max(len(row.what) for row in rows)
    next_up = max(len(_first(row.next_up)) for row in rows)
    yield f"  {'':8}  {'what was done':<{what}}  {'the next make up':<{next_up}}  what was said"
    for row in rows:
        said = shorten(row.said, SAID_WIDTH, placeholder=" …")
        yield f"{row.mark} {row.seconds:6.1f} s  {row.what:<{what}}  {_first(row.next_up):<{next_up}}  {said}"
    yield summary(rows)


def markdown(rows: list[Row]) -> Iterator[str]:
    """For a page, with every word."""
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
