"""The recorded counts, and the comparison with new ones."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("baseline.json")
TOLERANCE = 0.03


def read() -> dict[str, int]:
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, int])


def write(counts: Mapping[str, int]) -> None:
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(counts.items())))) + b"\n")


def complaints(counts: Mapping[str, int], before: Mapping[str, int]) -> Iterator[str]:
    """Yield the routes that execute more instructions than recorded, by more than the tolerance."""
    for route, now in counts.items():
        was = before.get(route)
        if was is None or now > was * (1 + TOLERANCE):
            yield (
                f"{route} executes {now:,} bytecode instructions when warm; recorded are "
                f"{was or 0:,}. Find what was added to every request. If it is intended, record it "
                "with `make record-warm-path` and commit the file."
            )
