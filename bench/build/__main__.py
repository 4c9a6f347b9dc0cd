"""`python -m bench.build [--write]`: measure `make build` and its peers, and check the limits."""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.md")
ROUNDS = 9


@dataclass(frozen=True)
class Taken:
    """The wall time and the processor time of a run, in seconds, including child processes."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Case:
    """A measured case. `prepare` makes the change before each run; `limit` is in seconds."""

    what: str
    command: tuple[str, ...]
    limit: float | None = None
    prepare: Callable[[int], None] = lambda number: None
    rounds: int = ROUNDS


def main() -> int:
    """Return 0, or 1 with a line on stderr for each exceeded limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.build", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the table in results.md")
    parser.add_argument(
        "--check",
        action="store_true",
        help="time make check too, twice: the first fills the caches",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atrium-bench-") as folder:
        checkout = _checkout(Path(folder))
        measured = _cases(checkout, Path(folder), options.check)
        seconds = _in_turns(measured, checkout)
    table = _table(measured, seconds)
    print(table)
    if options.write:
        RESULTS.write_text(
            f"{_HEADING}\n{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores.\n\n{table}\n"
        )
    late = [case for case in measured if case.limit and _least(seconds[case.what]) > case.limit]
    for case in late:
        least = _least(seconds[case.what])
        print(
            f"bench.build: {case.what} took {least:.2f} s, of {case.limit} s at most.",
            file=sys.stderr,
        )
    return 1 if late else 0


def _checkout(folder: Path) -> Path:
    """Yield a copy of the files that git would commit, with its own .venv and build."""
    checkout = folder / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    subprocess.run(
        ["make", "build"], cwd=checkout, env=_environment(), stdout=subprocess.DEVNULL, check=True
    )
    return checkout


def _cases(checkout: Path, folder: Path, check: bool) -> list[Case]:
    def append_to(file: str) -> Callable[[int], None]:
        def append(number: int) -> None:
            with (checkout / file).open("a") as opened:
                opened.write(f"\nMEASURED = {number}\n")

        return append

    python = str(checkout / ".venv/bin/python")
    build = ("make", "build")
    functions = str(checkout / "functions")
    return [
        Case("`python -c pass`", (python, "-c", "pass")),
        Case(
            "`python -m zipfile -c` of functions/, plain",
            (python, "-m", "zipfile", "-c", str(folder / "x.zip"), functions),
        ),
        Case("`make build`, nothing changed", build, 0.5),
        Case("`make build`, one function changed", build, 1.0, append_to("functions/users/me.py")),
        Case(
            "`make build`, one function's routes changed",
            build,
            1.0,
            append_to("functions/users/handler.py"),
        ),
        Case(
            "`make build`, the kernel changed",
            build,
            None,
            append_to("functions/atrium/http/text.py"),
        ),
        *(
            [Case("`make check`, as before a commit", ("make", "check"), 60, rounds=2)]
            if check
            else []
        ),
    ]


def _in_turns(cases: list[Case], checkout: Path) -> dict[str, list[Taken]]:
    """Return the runs of each case.

    The cases alternate, so other load affects all of them alike.
    """
    taken: dict[str, list[Taken]] = {case.what: [] for case in cases}
    for number in range(ROUNDS):
        for case in (case for case in cases if number < case.rounds):
            case.prepare(number)
            used, started = _processor(), time.perf_counter()
            subprocess.run(
                case.command,
                cwd=checkout,
                env=_environment(),
                stdout=subprocess.DEVNULL,
                check=True,
            )
            taken[case.what].append(Taken(time.perf_counter() - started, _processor() - used))
    return taken


def _processor() -> float:
    """Return the processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _least(runs: list[Taken]) -> float:
    """Return the shortest wall time, which other work on the machine affects least."""
    return min(run.clock for run in runs)


def _environment() -> dict[str, str]:
    return os.environ | {"UV": str(Path(sys.executable).with_name("uv"))}


_HEADING = """\
# `make build`, wall clock

Written by `python -m bench.build --write`; what is measured: README.md.
"""


def _table(cases: list[Case], seconds: dict[str, list[Taken]]) -> str:
    bare = statistics.median(run.processor for run in seconds[cases[0].what])
    lines = [
        "| what | least, s | limit, s | median, s | processor, s | times bare |",
        "|---|---|---|---|---|---|",
    ]
    for case in cases:
        runs = seconds[case.what]
        median, processor = (
            statistics.median(each)
            for each in zip(*((r.clock, r.processor) for r in runs), strict=True)
        )
        limits = f"{_least(runs):.3f} | {case.limit or ''}"
        lines.append(
            f"| {case.what} | {limits} | {median:.3f} | {processor:.3f} | {processor / bare:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
