"""A row of the comparison, and the tables of all rows."""

from collections.abc import Iterable
from itertools import groupby
from typing import Literal

import msgspec


class Row(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A figure of Atrium's, beside a peer's if there is one.

    `at_most` is a target for our figure, `times_less` one for the peer's in multiples of ours.
    """

    group: str
    what: str
    unit: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    at_most: float | None = None
    times_less: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.theirs / self.ours if self.theirs is not None and self.ours else None

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "" if self.times_less is None else f"≥ {self.times_less:g} times less"

    @property
    def verdict(self) -> Literal["met", "missed", ""]:
        if self.at_most is not None:
            return "met" if self.ours <= self.at_most else "missed"
        if self.times_less is None or self.ratio is None:
            return ""
        return "met" if self.ratio >= self.times_less else "missed"


def markdown(rows: Iterable[Row]) -> str:
    """Return a table for each group of rows, which must be sorted by group."""
    parts = []
    for group, members in groupby(rows, key=lambda row: row.group):
        lines = [
            f"## {group}",
            "",
            "| what | unit | Atrium | peer | peer's | peer ÷ Atrium | target | |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in members:
            theirs = "" if row.theirs is None else _figure(row.theirs)
            ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
            what = f"{row.what} ({row.note})" if row.note else row.what
            lines.append(
                f"| {what} | {row.unit} | {_figure(row.ours)} | {row.peer} | {theirs} | {ratio} "
                f"| {row.target} | {row.verdict} |"
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def missed(rows: Iterable[Row]) -> list[str]:
    return [f"{row.group}: {row.what}" for row in rows if row.verdict == "missed"]


def _figure(number: float) -> str:
    if number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"
