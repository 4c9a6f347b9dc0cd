"""`python -m bench.start [--write]`: the time that a laptop's stack takes to start and to stop."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.start.terraform_waits import waits
from local_aws.settings import Settings
from local_aws.supervisor.ports import free_ports
from tools.laptop.client import client_of

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.md")
STATE = ".local-bench-start"
MEGABYTES = 50
LIMITS = {  # seconds, on a quiet machine
    "first `make up`": 150.0,
    "`make up` again": 10.0,
    "`make down`": 3.0,
    "`make up` after it": 10.0,
}


def main() -> int:
    """Return 0, or 1 with a line on stderr for each exceeded limit."""
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the table in results.md")
    wanted = parser.parse_args()
    api, aws = free_ports()
    settings = Settings(ROOT, STATE, api_port=api, aws_port=aws)
    load = f"load {os.getloadavg()[0]:.1f} before it"
    _make(settings, "reset")
    try:
        taken = _measured(settings)
        slowest = waits((settings.logs / "terraform.jsonl").read_text().splitlines())[:8]
    finally:
        _make(settings, "reset")
    lines = ["| what | seconds | limit |", "|---|---|---|"]
    lines += [f"| {what} | {taken[what]:.1f} | {limit:.0f} |" for what, limit in LIMITS.items()]
    lines += ["", "| slowest resource | from | to |", "|---|---|---|"]
    lines += [f"| `{each.address}` | {each.begin:.0f} | {each.end:.0f} |" for each in slowest]
    table = "\n".join(lines)
    print(table)
    if wanted.write:
        run = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {load}, {MEGABYTES} MB of items."
        RESULTS.write_text(f"# Start and stop of a laptop's stack\n\n{run}\n\n{table}\n")
    late = [what for what, limit in LIMITS.items() if taken[what] > limit]
    for what in late:
        print(f"bench.start: {what} took longer than {LIMITS[what]:.0f} s.", file=sys.stderr)
    return 1 if late else 0


def _measured(settings: Settings) -> dict[str, float]:
    first, again, down, after = LIMITS
    taken = {first: _seconds(lambda: _make(settings, "up"))}
    _fill(settings)
    taken[again] = _seconds(lambda: _make(settings, "up"))
    taken[down] = _seconds(lambda: _make(settings, "down"))
    taken[after] = _seconds(lambda: _make(settings, "up"))
    return taken


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _make(settings: Settings, target: str) -> None:
    ports = {"API_PORT": str(settings.api_port), "AWS_PORT": str(settings.aws_port)}
    environment = {**os.environ, **ports, "ATRIUM_STATE": STATE}
    done = subprocess.run(
        ["make", target], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"bench.start: make {target} failed:\n{done.stdout}{done.stderr}")


def _fill(settings: Settings) -> None:
    """Put items of 10 kB into the table, in a partition that no service reads."""
    client = client_of(settings)
    items = client.aws("dynamodb")
    for number in range(0, MEGABYTES * 100, 25):
        puts = [{"PutRequest": {"Item": _item(each)}} for each in range(number, number + 25)]
        items.batch_write_item(RequestItems={client.outputs.user_attributes_table: puts})


def _item(number: int) -> dict[str, Any]:
    return {"pk": {"S": "BENCH"}, "sk": {"S": str(number)}, "text": {"S": "x" * 10_000}}


if __name__ == "__main__":
    sys.exit(main())
