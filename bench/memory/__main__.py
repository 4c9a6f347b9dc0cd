"""`python -m bench.memory [--write]`: peak memory of each function, and the cost by setting."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.memory.model import SETTINGS, Work, least
from bench.startup import artefacts, routes, worker
from bench.startup.artefacts import Artefacts
from bench.startup.routes import Route
from bench.startup.worker import Start
from tools import ROOT
from tools.build import declarations

ROUNDS, REQUESTS = 5, 200
WAITING = {"no_store": 0.0, "sql": 0.002, "epoch_check": 0.006}
"""Seconds that a warm request waits for the stores: 2 ms for Postgres, 4 ms for DynamoDB."""

RESULTS = Path(__file__).with_name("results.md")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the tables in results.md")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="atrium-bench-") as folder,
        routes.serving(Path(folder)) as served,
    ):
        built = artefacts.build(Path(folder))
        works = {route.name: _work(built, route) for route in served if route.name in WAITING}
        environment = served[-1].start.environment
        peaks = {
            function.name: _peak(built, function.name, environment)
            for function in declarations.read_functions(ROOT)
        }
    text = "\n".join([*_cost_lines(works), "", *_peak_lines(peaks, works["epoch_check"])])
    print(text)
    if options.write:
        load = f"load average {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
        RESULTS.write_text(f"{_HEADING}\n{datetime.now(UTC):%Y-%m-%d}, {load}.\n\n{text}\n")
    return 0


def _work(built: Artefacts, route: Route) -> Work:
    """Return the least processor time of some starts, and of a warm request."""
    many = replace(route.start, requests=1 + REQUESTS)
    first = min(worker.run(built, route.start).processor for _ in range(ROUNDS))
    all_ = min(worker.run(built, many).processor for _ in range(ROUNDS))
    return Work(first, max(0.0, all_ - first) / REQUESTS, WAITING[route.name])


def _peak(built: Artefacts, function: str, environment: dict[str, str]) -> float:
    """Return the MB of the function after its import and the event of a GET, whatever it answers."""
    event = routes.event("GET /v1/me", routes.CLAIMS) | {"Records": []}
    return worker.run(built, Start(function, event, environment, status=0)).peak / 1e6


def _cost_lines(works: dict[str, Work]) -> Iterator[str]:
    yield "| route | " + " | ".join(f"{setting:,} MB" for setting in SETTINGS) + " |"
    yield "|---" * (len(SETTINGS) + 1) + "|"
    for name, work in works.items():
        least_cost = min(map(work.cost, SETTINGS))
        cells = [
            f"{work.cost(setting) / least_cost:.2f} · {work.request_seconds(setting) * 1000:.0f} ms"
            f" · {work.start_seconds(setting):.2f} s"
            for setting in SETTINGS
        ]
        yield f"| `{name}` | " + " | ".join(cells) + " |"


def _peak_lines(peaks: dict[str, float], work: Work) -> Iterator[str]:
    settings = {each.name: each.declaration.memory for each in declarations.read_functions(ROOT)}
    yield "| function | peak, MB | setting, MB | least cost at, MB |"
    yield "|---|---|---|---|"
    for name, peak in sorted(peaks.items()):
        yield f"| `{name}` | {peak:.0f} | {settings[name]} | {least(work, peak)} |"


_HEADING = """\
# Memory of the functions

Written by `python -m bench.memory --write`; what the cells mean: README.md.
"""

if __name__ == "__main__":
    sys.exit(main())
