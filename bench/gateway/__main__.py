"""`python -m bench.gateway [--rounds 3] [--seconds 5] [--write]`: measure the laptop's API Gateway."""

import argparse
import asyncio
import os
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import uvloop

from bench.gateway.candidates import (
    SERVERLESS,
    Atrium,
    Candidate,
    Target,
    ceiling,
    serverless_offline,
)
from bench.overload.load import Load
from local_aws.settings import LOOPBACK
from local_aws.supervisor.ports import free_ports
from local_aws.supervisor.ready import StackError
from tools.deploy import stack_settings
from tools.deploy.stack_outputs import read

CALLERS = (1, 16)
START_SECONDS = 180
RESULTS = Path(__file__).with_name("results.md")


@dataclass(frozen=True)
class Measured:
    """A run of one candidate with a number of callers."""

    rate: float  # answers a second
    median: float  # ms
    p99: float
    cpu: float  # ms of processor time for an answer, of all its processes
    wrong: int  # answers other than 200, which do not count


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--write", action="store_true", help="make this run results.md")
    options = parser.parse_args()
    settings = stack_settings.from_environment()
    try:
        outputs = read(settings)
        candidates: list[Candidate] = [Atrium(settings, outputs), ceiling(free_ports()[0])]
        if SERVERLESS.exists():
            candidates.append(serverless_offline(free_ports()[0]))
        else:
            print(
                "serverless-offline is not installed: npm ci --ignore-scripts in bench/gateway/peer",
                file=sys.stderr,
            )
        table = _measure(candidates, options.rounds, options.seconds)
    except StackError as error:
        sys.exit(f"bench.gateway: {error}")
    print(table)
    if options.write:
        load = os.getloadavg()[0]
        told = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, load average {load:.1f} at the end."
        RESULTS.write_text(f"# The last run\n\n{told}\n\n{table}\n")
    return 0


def _measure(candidates: Sequence[Candidate], rounds: int, seconds: float) -> str:
    found: dict[tuple[str, int], list[Measured]] = {}
    with ExitStack() as stack:
        for candidate in candidates:
            stack.enter_context(candidate)
        targets = {candidate.name: candidate.target for candidate in candidates}
        for target in targets.values():
            _await_answer(target)
            _run(_load(target, max(CALLERS), 2.0))
        for _ in range(rounds):
            for callers in CALLERS:
                for name, target in targets.items():
                    found.setdefault((name, callers), []).append(_one(target, callers, seconds))
    return _table(found)


def _await_answer(target: Target) -> None:
    request = urllib.request.Request(
        f"http://localhost:{target.port}{target.path}", headers=target.headers
    )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise StackError(
                    f"port {target.port} did not answer {target.path}: {error}"
                ) from error
            time.sleep(0.5)


def _one(target: Target, callers: int, seconds: float) -> Measured:
    before = _processor_seconds(target.process)
    load = _run(_load(target, callers, seconds))
    used = _processor_seconds(target.process) - before
    good = sum(answers[200] for answers in load.answers.values())
    wrong = sum(answers.total() for answers in load.answers.values()) - good
    if not good:
        raise StackError(f"port {target.port} never answered {target.path} with 200")
    times = sorted(load.times)
    p99 = times[int(len(times) * 0.99)]
    return Measured(
        good / seconds, statistics.median(times) * 1000, p99 * 1000, used / good * 1000, wrong
    )


def _run(load: Coroutine[Any, Any, Load]) -> Load:
    return asyncio.run(load, loop_factory=uvloop.new_event_loop)


async def _load(target: Target, callers: int, seconds: float) -> Load:
    load = Load(
        LOOPBACK if target.path.startswith("/restapis") else "localhost",
        target.port,
        target.request(),
    )
    await load.closed_loop(callers, seconds)
    load.close()
    return load


def _processor_seconds(process: int) -> float:
    """Return the processor seconds of the process and its running descendants."""
    root = psutil.Process(process)
    used = 0.0
    for each in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            used += times.user + times.system
    return used


def _table(found: dict[tuple[str, int], list[Measured]]) -> str:
    heads = [
        "callers",
        "candidate",
        "answers/s",
        "median, ms",
        "99 %, ms",
        "processor, ms",
        "not 200",
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (name, callers), runs in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        middle = [
            statistics.median(getattr(run, field) for run in runs)
            for field in ("rate", "median", "p99", "cpu")
        ]
        lines.append(
            f"| {callers} | {name} | {middle[0]:.0f} | {middle[1]:.2f} | {middle[2]:.1f} | {middle[3]:.2f} | {sum(run.wrong for run in runs)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
