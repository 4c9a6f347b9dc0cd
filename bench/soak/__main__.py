"""Load on the running stack and a check for leaks.

`python -m bench.soak [--seconds 1800] [--write]`
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.soak.load import Load
from bench.soak.processes import Held, held
from local_aws.supervisor import ready as supervisor
from local_aws.supervisor.ready import StackError
from tools.deploy import stack_settings
from tools.deploy.stack_outputs import read
from tools.laptop.stack.show import access_token

CALLERS = 4
LOOKS = 120  # the number of samples, at least a second apart
PATHS = ("/v1/me", "/v1/health", "/v1/coffees", "/v1/orders", "/v1/openapi.json")
RESULTS = Path(__file__).with_name("results.md")

# The allowed growth of each minimum, from the second third of the run to the last third.
#
# The first third is the warm-up.
MOST_PROCESSES = 0
MOST_FILES = 8  # files: a connection that is being opened or closed, on both sides
MOST_MEMORY = 0.03  # the allowed share of growth


def main() -> int:
    options = _options()
    settings = stack_settings.from_environment()
    try:
        found = read(settings)
        running = supervisor.running(settings)
        if running is None:
            raise StackError("The stack is down. `make up` starts it.")
        load = Load(found.api_url, access_token(settings, found), PATHS)
        load.start(CALLERS)
        looks = list(_looks(running.pid, options.seconds))
    except (StackError, ProcessLookupError) as error:
        sys.exit(f"make proof-soak: {error}")
    load.stop()
    complaints = [*grown(looks), *bad_answers(load)]
    table = _table(looks, load, options.seconds, complaints)
    print(table)
    if options.write:
        RESULTS.write_text(f"# The last soak\n\n{datetime.now(UTC):%Y-%m-%d}. {table}\n")
    return 1 if complaints else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--write", action="store_true", help="make this run results.md")
    options = parser.parse_args()
    if options.seconds < 30:
        parser.error("--seconds must be 30 or more: a third of it is for warming up")
    return options


def _looks(supervisor: int, seconds: int) -> Iterator[Held]:
    pause = max(seconds / LOOKS, 1.0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield held(supervisor)
        time.sleep(pause)


def thirds(looks: Sequence[Held]) -> list[Held]:
    """Return the minimum of each third, which ignores short peaks such as a snapshot's fork."""
    size = len(looks) // 3
    parts = [looks[:size], looks[size : 2 * size], looks[2 * size :]]
    return [
        Held(
            processes=min(look.processes for look in part),
            files=min(look.files for look in part),
            memory=min(look.memory for look in part),
        )
        for part in parts
    ]


def grown(looks: Sequence[Held]) -> Iterator[str]:
    _, middle, last = thirds(looks)
    if last.processes > middle.processes + MOST_PROCESSES:
        yield f"processes grew from {middle.processes} to {last.processes}"
    if last.files > middle.files + MOST_FILES:
        yield f"open files grew from {middle.files} to {last.files}, by more than {MOST_FILES}"
    if last.memory > middle.memory * (1 + MOST_MEMORY):
        yield f"memory grew from {middle.memory:.0f} to {last.memory:.0f} MB, by more than {MOST_MEMORY:.0%}"


def bad_answers(load: Load) -> Iterator[str]:
    for status, count in sorted(load.answers.items()):
        if status != 200:
            yield f"{count} answers were {status or 'none: the connection broke'}"


def _table(looks: Sequence[Held], load: Load, seconds: int, complaints: Sequence[str]) -> str:
    total = sum(load.answers.values())
    lines = [f"{seconds} s, {CALLERS} callers, {total} requests ({total / seconds:.0f}/s).", ""]
    lines += ["| | processes | open files | memory, MB |", "|---|---|---|---|"]
    names = ("first third (warming up)", "middle third", "last third")
    lines += [
        f"| {name} | {part.processes} | {part.files} | {part.memory:.0f} |"
        for name, part in zip(names, thirds(looks), strict=True)
    ]
    bound = f"at most {MOST_PROCESSES} processes, {MOST_FILES} files and {MOST_MEMORY:.0%} of memory more in the last third"
    return "\n".join([*lines, "", f"Bound: {bound}.", *(f"✗ {each}" for each in complaints)])


if __name__ == "__main__":
    sys.exit(main())
