"""Rows of benches that need a running stack or a long run, from their last recorded results."""

import re
from collections.abc import Iterator
from pathlib import Path

from bench.comparison.rows import Row

BENCH = Path(__file__).parents[1]
LAPTOP = "Laptop (recorded by the benches named in the notes)"
DECISIONS = "Access decision (recorded by bench/access)"


def rows() -> Iterator[Row]:
    yield from _gateway()
    start = _table("start")
    for what, limit in (("first `make up`", 150), ("`make up` again", 10)):
        yield Row(group=LAPTOP, what=what, unit="s", ours=_number(start[what,][0]), at_most=limit,
                  note=f"bench/start, {_date('start')}")  # fmt: skip
    reload = _table("reload")
    yield Row(group=LAPTOP, what="a saved file is served", unit="s", at_most=1.0,
              ours=_number(reload["a function's file",][0]),
              note=f"bench/reload, {_date('reload')}")  # fmt: skip
    access = _table("access", keys=3)
    for condition in ("no condition", "a stored attribute"):
        cells = access["1,000,000", "10", condition]
        yield Row(group=DECISIONS, what=f"a decision among a million users, {condition}",
                  unit="µs of the processor, with botocore's", ours=_number(cells[-1]))  # fmt: skip


def _gateway() -> Iterator[Row]:
    cells = _table("gateway", keys=2)
    note = f"bench/gateway, {_date('gateway')}"
    for callers, what, column, unit in (
        ("16", "gateway, 16 callers, of the same run's ceiling", 0, "requests/s"),
        ("1", "gateway, one caller", 1, "ms, median"),
    ):
        ours = _number(cells[callers, "atrium"][column])
        for peer in ("ceiling", "serverless-offline"):
            yield Row(group=LAPTOP, what=what, unit=unit, ours=ours, peer=peer, note=note,
                      theirs=_number(cells[callers, peer][column]),
                      at_most=1.2 if callers == "1" else None)  # fmt: skip


class _Cells(dict[tuple[str, ...], list[str]]):
    """The cells of a table, by the first cells of each row."""

    def __init__(self, bench: str) -> None:
        super().__init__()
        self._bench = bench

    def __missing__(self, row: tuple[str, ...]) -> list[str]:
        raise LookupError(
            f"bench/{self._bench}/results.md has no row {' | '.join(row)}. If its rows were renamed, "
            "name the new one in bench/comparison/recorded.py."
        )


def _table(name: str, keys: int = 1) -> _Cells:
    found = _Cells(name)
    for line in (BENCH / name / "results.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("| \n").split("|")]
        if line.startswith("|") and len(cells) > keys:
            found.setdefault(tuple(cells[:keys]), cells[keys:])
    return found


def _date(name: str) -> str:
    found = re.search(r"\d{4}-\d\d-\d\d", (BENCH / name / "results.md").read_text())
    return found[0] if found else "without a date"


def _number(cell: str) -> float:
    return float(cell.replace(",", ""))
