"""The committed figures, and the comparison with new ones."""

import platform
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.startup.routes import BARE, Route
from bench.startup.worker import valgrind_version

FILE = Path(__file__).with_name("baseline.json")
TOLERANCE = 0.03
_ACCEPT = "If that is intended, accept it with `.venv/bin/python -m bench.startup --write` and commit what it wrote."


class Baseline(msgspec.Struct, frozen=True):
    """The instructions by route. Only ratios to `bare` are compared, as they hold everywhere."""

    measured_on: str
    environment: str
    instructions: dict[str, int]


def environment() -> str:
    python = f"CPython {platform.python_version()} on {platform.machine()}"
    return f"{python}, {sys.platform}, {valgrind_version()}"


def read() -> Baseline:
    return msgspec.json.decode(FILE.read_bytes(), type=Baseline)


def write(instructions: Mapping[str, int]) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    content = msgspec.json.encode(Baseline(today, environment(), dict(instructions)))
    FILE.write_bytes(msgspec.json.format(content, indent=2) + b"\n")


def ratio(instructions: Mapping[str, int], route: Route) -> float:
    """Return the route's instructions in multiples of the bare handler's."""
    return instructions[route.name] / instructions[BARE]


def complaints(routes: list[Route], instructions: Mapping[str, int]) -> Iterator[str]:
    """Yield the routes above their limit or off the baseline by more than the tolerance."""
    before = read()
    for route in routes:
        now = ratio(instructions, route)
        if now > route.limit:
            yield f"{route.name} takes {now:.2f} times bare, and {route.limit} is the limit. Find what is imported: see README.md."
        if route.name not in before.instructions:
            yield f"{route.name} is not in the baseline. {_ACCEPT}"
        elif abs(change := now / ratio(before.instructions, route) - 1) > TOLERANCE:
            was = f"{ratio(before.instructions, route):.2f} on {before.measured_on} ({before.environment})"
            yield f"{route.name} takes {now:.2f} times bare, {change:+.1%}; it was {was}, here is {environment()}. {_ACCEPT}"
