"""`python -m bench.startup [--write]`: measure each route and compare it with the baseline."""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.startup import artefacts, baseline, routes, worker
from bench.startup.artefacts import Artefacts
from bench.startup.routes import BARE, Route

ROUNDS = 11
RESULTS = Path(__file__).with_name("results.md")


def main() -> int:
    """Return 0, or 1 with a line on stderr for each route above its limit or off the baseline."""
    options = _options()
    with (
        tempfile.TemporaryDirectory(prefix="atrium-bench-") as folder,
        routes.serving(Path(folder)) as measured,
    ):
        try:
            worker.valgrind_version()
            built = artefacts.build(Path(folder))
            milliseconds = wall_clock(built, measured)
            instructions = counts(built, measured)
            imports = counts(built, [_imports(route) for route in measured])
        except worker.StartError as error:
            sys.exit(f"bench.startup: {error}")
    table = _table(measured, instructions, imports, milliseconds)
    print(table)
    if options.write:
        baseline.write(instructions)
        RESULTS.write_text(
            f"{_HEADING}\n{baseline.read().measured_on}, {baseline.environment()}, "
            f"load average {os.getloadavg()[0]:.0f}.\n\n{table}\n"
        )
    complaints = list(baseline.complaints(measured, instructions))
    print(*complaints, sep="\n", file=sys.stderr, end="\n" if complaints else "")
    return 1 if complaints else 0


def counts(built: Artefacts, measured: list[Route]) -> dict[str, int]:
    """Return the instructions by route.

    Each route is measured once, because counts are reproducible. Two run at a time, the longest
    first.
    """
    with ThreadPoolExecutor(2) as pool:
        ordered = sorted(measured, key=lambda route: -route.limit)
        counted = pool.map(lambda route: worker.instructions(built, route.start), ordered)
        return dict(zip((route.name for route in ordered), counted, strict=True))


def wall_clock(built: Artefacts, measured: list[Route]) -> dict[str, float]:
    """Return the median milliseconds by route.

    The routes alternate, so other load affects all alike.
    """
    rounds = [
        {route.name: worker.seconds(built, route.start) for route in measured}
        for _ in range(ROUNDS)
    ]
    return {
        route.name: statistics.median(each[route.name] for each in rounds) * 1000
        for route in measured
    }


def _imports(route: Route) -> Route:
    return replace(route, start=replace(route.start, requests=0))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.startup", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make this run the baseline")
    return parser.parse_args()


_HEADING = """\
# Process start → first response

Written by `python -m bench.startup --write`; what the columns mean: README.md.
"""


def _table(
    measured: list[Route],
    instructions: Mapping[str, int],
    imports: Mapping[str, int],
    milliseconds: Mapping[str, float],
) -> str:
    lines = [
        "| route | M instructions | times bare | limit | of it after the imports, M | wall, ms | times bare |",
        "|---|---|---|---|---|---|---|",
    ]
    for route in measured:
        count, ms = instructions[route.name], milliseconds[route.name]
        times = f"{baseline.ratio(instructions, route):.2f} | {route.limit}"
        name = f"`{route.name}`: {route.what}"
        lines.append(
            f"| {name} | {count / 1e6:.1f} | {times} | {(count - imports[route.name]) / 1e6:.1f} "
            f"| {ms:.0f} | {ms / milliseconds[BARE]:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
