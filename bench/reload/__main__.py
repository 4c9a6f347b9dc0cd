"""`python -m bench.reload [--write]`: time until `make dev` serves a saved file.

A cold start is measured in the same run for comparison.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_aws.settings import Settings
from local_aws.supervisor.worker_processes import workers
from tools.deploy import stack_settings

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.md")
ROUNDS = 15
LIMIT = 1.0  # seconds, for a file of the function itself
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.005
QUIET_SECONDS = 3.0
COLD = "a cold start of the same function"
WATCHING = "Saved files in functions/ are served at once"


@dataclass(frozen=True)
class Saved:
    """A file to save. Its `text` is replaced, and the answer shows the new text as `saved`."""

    what: str
    file: Path
    text: str
    changed: str
    limit: float | None = None


CASES = (
    Saved(
        "a function's file",
        ROOT / "functions/meta/health.py",
        '"status": "pass",',
        '"status": "pass", "saved": {number},',
        LIMIT,
    ),
    Saved(
        "a file of the kernel",
        ROOT / "functions/atrium/http/response.py",
        "    body = msgspec.json.encode(content, enc_hook=_plain)\n",
        '    body = msgspec.json.encode({{"saved": {number}}}, enc_hook=_plain)\n',
    ),
)


def main() -> int:
    """Return 0, or 1 with a line on stderr if the limit is exceeded."""
    parser = argparse.ArgumentParser(prog="python -m bench.reload", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the table in results.md")
    wanted = parser.parse_args()
    settings = stack_settings.from_environment()
    taken: dict[str, list[float]] = {COLD: []}
    with _watched() as wait_until_quiet:
        for number in range(ROUNDS):
            taken[COLD].append(_cold_start(settings))
            for case in CASES:
                taken.setdefault(case.what, []).append(_served(settings, case, number))
                # A changed kernel is released to every function; wait for that before the next
                # save.
                wait_until_quiet()
    table = _table(taken)
    print(table)
    if wanted.write:
        RESULTS.write_text(
            f"{_HEADING}\n{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores.\n\n{table}\n"
        )
    late = [
        case for case in CASES if case.limit and statistics.median(taken[case.what]) > case.limit
    ]
    for case in late:
        print(f"bench.reload: {case.what} took longer than {case.limit} s.", file=sys.stderr)
    return 1 if late else 0


@contextmanager
def _watched() -> Iterator[Callable[[], None]]:
    """Run `make dev`, and yield a function that waits until it has printed nothing for a while."""
    with tempfile.TemporaryFile("w+") as told:
        dev = subprocess.Popen(
            ["make", "dev"], cwd=ROOT, stdout=told, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(lambda: WATCHING in _text(told, dev), 600)
            yield lambda: _wait_until_quiet(lambda: _text(told, dev))
        finally:
            os.killpg(dev.pid, signal.SIGINT)
            dev.wait()


def _text(told: Any, dev: "subprocess.Popen[bytes]") -> str:
    told.seek(0)
    text: str = told.read()
    if dev.poll() is not None:
        sys.exit(f"bench.reload: make dev has ended:\n{text}")
    return text


def _wait_until_quiet(text: Callable[[], str]) -> None:
    before = None
    while (now := text()) != before:
        before = now
        time.sleep(QUIET_SECONDS)


def _cold_start(settings: Settings) -> float:
    """Return the seconds until a function without a worker answers."""
    for worker in workers("meta", settings.state):
        os.kill(worker, signal.SIGKILL)
    _wait(lambda: not workers("meta", settings.state), WAIT_SECONDS)
    started = time.perf_counter()
    _health(settings)
    return time.perf_counter() - started


def _served(settings: Settings, case: Saved, number: int) -> float:
    """Return the seconds from saving the file to the first answer that shows the change.

    Afterwards the file is restored, and the restored file is served.
    """
    before = case.file.read_text()
    if before.count(case.text) != 1:
        sys.exit(
            f"bench.reload: {case.file} no longer has {case.text.strip()!r} once. Correct CASES."
        )
    try:
        case.file.write_text(before.replace(case.text, case.changed.format(number=number)))
        started = time.perf_counter()
        _wait(lambda: _health(settings).get("saved") == number, WAIT_SECONDS)
        return time.perf_counter() - started
    finally:
        case.file.write_text(before)
        _wait(lambda: "saved" not in _health(settings), WAIT_SECONDS)


def _health(settings: Settings) -> dict[str, Any]:
    with urllib.request.urlopen(f"{settings.api_url}/v1/health") as answer:
        content: dict[str, Any] = json.load(answer)
    return content


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench.reload: there was no answer within {seconds:.0f} s.")
        time.sleep(LOOK_SECONDS)


_HEADING = """\
# From a saved file to the first answer that shows it

Written by `python -m bench.reload --write`; what is measured: README.md.
"""


def _table(taken: dict[str, list[float]]) -> str:
    cold = statistics.median(taken[COLD])
    lines = [
        "| what | median, s | limit, s | slowest, s | times a cold start |",
        "|---|---|---|---|---|",
    ]
    limits = {case.what: case.limit or "" for case in CASES}
    for what, seconds in taken.items():
        median = statistics.median(seconds)
        lines.append(
            f"| {what} | {median:.2f} | {limits.get(what, '')} | {max(seconds):.2f} | {median / cold:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
