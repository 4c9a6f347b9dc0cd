"""`python -m bench.comparison`: measure Atrium and its peers; write bench/results.

`make bench` runs it after a build.
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.comparison import builds, instructions, plots, recorded, round_trips, rows, sizes
from bench.comparison.plots import Bar
from bench.comparison.rows import Row
from bench.peers import stacks
from bench.startup import artefacts, baseline, routes, worker

RESULTS = Path(__file__).parents[1] / "results"


def main() -> int:
    started = time.monotonic()
    stacks.install()
    try:
        worker.valgrind_version()
        found = _measured()
    except worker.StartError as error:
        sys.exit(f"bench.comparison: {error}")
    load = os.getloadavg()[0]
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, {baseline.environment()}, {os.cpu_count()} cores, "
        f"load average {load:.1f} at the end, {time.monotonic() - started:.0f} s."
    )
    text = f"{_HEADING}\n{machine}\n\n{rows.markdown(found)}"
    content: dict[str, Any] = {"measured": machine, "rows": found}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.md").write_text(text)
    (RESULTS / "latest.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"
    )
    _plot(found)
    print(text)
    missed = rows.missed(found)
    print(f"{len(missed)} targets missed" + "".join(f"\n  {each}" for each in missed))
    return 0


def _measured() -> list[Row]:
    recorded_rows = list(recorded.rows())  # first, as a missing one ends the run
    with (
        tempfile.TemporaryDirectory(prefix="atrium-bench-") as folder,
        routes.serving(Path(folder)) as served,
    ):
        counted = list(instructions.rows(artefacts.build(Path(folder)), served))
    return [*counted, *round_trips.rows(), *recorded_rows, *sizes.rows(), *builds.rows()]


def _plot(found: list[Row]) -> None:
    starts = [row for row in found if row.group.startswith("Start-up")]
    bars = {row.peer or f"Atrium, {row.what.partition(':')[0]}": row for row in starts}
    plots.write(
        RESULTS, "start-up", "Process start to first response", "instructions in multiples of an empty handler",
        [Bar(name, row.theirs or row.ours, not row.peer) for name, row in bars.items()],
    )  # fmt: skip
    warm = [row for row in found if row.group.startswith("Warm")]
    plots.write(
        RESULTS, "warm", "A warm request without I/O, beyond the runtime's own work",
        "thousand instructions",
        [Bar("Atrium, with its log line", warm[0].ours, True)]
        + [Bar(row.peer, row.theirs or 0) for row in warm],
    )  # fmt: skip


_HEADING = """\
# Atrium beside its peers

Written by `make bench`; [README.md](../comparison/README.md) says what is measured.
Instructions do not depend on the machine's load; times do. `missed` marks a target that is missed.
"""

if __name__ == "__main__":
    sys.exit(main())
