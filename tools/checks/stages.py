"""`make test`: every check as a stage, with its time.

`python -m tools.checks.stages lint unit` runs two stages. Two stages run in parallel, because each
one mostly waits. A stage's output is printed when it ends.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import ROOT
from tools.checks.stack import Stack

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
SPREAD = ("-n", "2", "--dist", "worksteal")
BIN = Path(sys.executable).parent
IMPORTS = (
    "env",
    "PYTHONPATH=functions",
    f"{BIN}/lint-imports",
    "--no-logo",
    "--cache-dir",
    ".venv/import_linter_cache",
)
AT_ONCE = 2
LOOK_SECONDS = 1.0
STILL_SECONDS = 60.0  # seconds without output, after which a line names the running stages

_running: set["subprocess.Popen[str]"] = set()


@dataclass(frozen=True)
class Stage:
    name: str
    # seconds, with another stage in parallel, on two quiet cores: a fifth more than measured
    budget: int
    commands: tuple[tuple[str, ...], ...]
    needs_stack: bool = False
    only_by_name: bool = False  # too long for `make test`


# In the order of their start. Long stages start early, so that none runs alone at the end. Stages
# on the stack run one at a time: story drops and restores its database, and new_service and the
# failure matrix stop the stack and copy it. With the first `make up` they are the longest chain, so
# tests that need no stack are in other stages.
STAGES = (
    Stage("story", 135, ((*PYTEST, "tests/story"),), needs_stack=True),
    Stage("contract", 60, ((*PYTEST, "tests/contract"),), needs_stack=True),
    Stage("services", 80, ((*PYTEST, "functions"),), needs_stack=True),
    Stage(
        "iam", 10, ((*PYTEST, "tests/iam"),), needs_stack=True
    ),  # reads the calls that functions made during the stages above
    Stage(
        "failures",
        1200,
        ((*PYTEST, "-n", "2", "--dist", "loadgroup", "tests/failures"),),
        needs_stack=True,
        only_by_name=True,
    ),
    Stage("new_service", 55, ((*PYTEST, "tests/new_service/test_running.py"),), needs_stack=True),
    Stage(
        "lint",
        60,
        (
            (f"{BIN}/ruff", "format", "--check"),
            (f"{BIN}/ruff", "check"),
            (sys.executable, "-m", "tools.checks.docstrings"),
            (f"{BIN}/mypy",),
            IMPORTS,
        ),
    ),
    Stage(
        "workflows",
        5,
        (
            (f"{BIN}/zizmor", "--offline", "--quiet", ".github"),
            (f"{BIN}/actionlint", "-color=false"),
        ),
    ),
    Stage("infra", 225, ((*PYTEST, *SPREAD, "tests/infra"),)),
    Stage("local", 250, ((*PYTEST, *SPREAD, "packages/local-aws/tests", "tests/laptop"),)),
    Stage("build", 55, ((*PYTEST, *SPREAD, "tests/build"),)),
    Stage("unit", 150, ((*PYTEST, *SPREAD, "tests/unit"),)),
    Stage("migrations", 50, ((*PYTEST, "-n", "2", "--dist", "loadfile", "tests/migrations"),)),
    Stage("new_sources", 15, ((*PYTEST, "tests/new_service/test_sources.py"),)),
    Stage("security", 40, ((*PYTEST, "tests/security"),)),
    Stage("pipelines", 45, ((*PYTEST, *SPREAD, "tests/pipelines"),)),
    Stage("bench", 25, ((*PYTEST, "tests/bench"),)),
    Stage("pooling", 10, ((*PYTEST, "tests/pooling"),)),
)


@dataclass(frozen=True)
class CompletedStage:
    name: str
    budget: int
    ok: bool
    seconds: float
    output: str

    @property
    def last_line(self) -> str:
        return (self.output.strip().splitlines() or [""])[-1]

    @property
    def skipped(self) -> int:
        found = re.search(r"(\d+) skipped", self.last_line)
        return int(found[1]) if found else 0

    @property
    def mark(self) -> str:
        """Return the mark of the stage. Skipped tests do not count as passed."""
        return "✗" if not self.ok else "!" if self.skipped else "✓"


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - {stage.name for stage in STAGES}
    if unknown:
        names = ", ".join(stage.name for stage in STAGES)
        sys.exit(
            f"stages: there is no stage {', '.join(sorted(unknown))}. The stages are: {names}."
        )
    chosen = [
        stage for stage in STAGES if (stage.name in wanted if wanted else not stage.only_by_name)
    ]
    started = time.monotonic()
    # The stack starts first, in the background: the Terraform provider mostly waits for RDS.
    stack = Stack(ROOT) if any(stage.needs_stack for stage in chosen) else None
    # cancelling a workflow's run counts as Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ended = [report(one) for one in run(chosen, stack)]
    finally:
        if stack:
            stack.remove()
    return _summed_up(ended, time.monotonic() - started)


def run(stages: Sequence[Stage], stack: Stack | None) -> Iterator[CompletedStage]:
    """Run the stages and yield each one when it ends."""
    waiting, under_way = list(stages), dict[Future[CompletedStage], Stage]()
    with ThreadPoolExecutor(AT_ONCE) as slots, _none_left():
        news = time.monotonic()
        while waiting or under_way:
            unfinished = [*waiting, *under_way.values()]
            may_start = [stage for stage in waiting if _may_start(stage, unfinished, stack)]
            for stage in may_start[: AT_ONCE - len(under_way)]:
                waiting.remove(stage)
                under_way[slots.submit(_ended, stage, stack)] = stage
            for done in (
                wait(under_way, LOOK_SECONDS, FIRST_COMPLETED).done if under_way else _pause()
            ):
                del under_way[done]
                yield done.result()
                news = time.monotonic()
            if time.monotonic() - news > STILL_SECONDS:
                print(f"… {_now(under_way.values(), stack)}", flush=True)
                news = time.monotonic()


@contextmanager
def _none_left() -> Iterator[None]:
    try:
        yield
    finally:
        for process in list(_running):
            process.send_signal(
                signal.SIGINT
            )  # pytest then ends its fixtures and the processes that they started


def _may_start(stage: Stage, unfinished: Collection[Stage], stack: Stack | None) -> bool:
    if not stage.needs_stack:
        return True
    earlier = STAGES[: STAGES.index(stage)]
    return not (stack and stack.starting) and not any(
        other.needs_stack and other in unfinished for other in earlier
    )


def _pause() -> Collection[Future[CompletedStage]]:
    time.sleep(LOOK_SECONDS)
    return ()


def _now(stages: Collection[Stage], stack: Stack | None) -> str:
    parts = [stage.name for stage in stages]
    if stack and stack.starting:
        parts.append(f"the stack ({stack.last_line()})")
    return ", ".join(parts)


def _ended(stage: Stage, stack: Stack | None) -> CompletedStage:
    started = time.monotonic()
    environment = pytest_environment()
    if stage.needs_stack:
        assert stack
        if not stack.started:
            return CompletedStage(
                stage.name, stage.budget, False, time.monotonic() - started, stack.output()
            )
        environment |= stack.environment
    for command in stage.commands:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        _running.add(process)
        output, _ = process.communicate()
        _running.discard(process)
        if process.returncode:
            break
    return CompletedStage(
        stage.name, stage.budget, process.returncode == 0, time.monotonic() - started, output
    )


def pytest_environment() -> dict[str, str]:
    """Return the environment of every test run."""
    # One folder of bytecode: otherwise each of hundreds of processes would compile boto3 and moto.
    environment = os.environ | {
        "PYTHONPYCACHEPREFIX": str(ROOT / ".venv/pycache"),
        "UV": f"{BIN}/uv",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def report(ended: CompletedStage) -> CompletedStage:
    """Print the output of a failed stage, and the failure matrix in any case."""
    if not ended.ok:
        print(ended.output)
    elif table := re.search(r"=+ failure matrix =+\n(.*?)\n(?==|$)", ended.output, re.DOTALL):
        print(table[1])
    over = " OVER BUDGET" if ended.seconds > ended.budget else ""
    print(
        f"{ended.mark} {ended.name:<11} {ended.seconds:6.1f} s of {ended.budget:4} s{over}   {ended.last_line}",
        flush=True,
    )
    return ended


def _summed_up(ended: Sequence[CompletedStage], seconds: float) -> int:
    failed = [one.name for one in ended if not one.ok]
    left_out = [f"{one.skipped} of {one.name}" for one in ended if one.skipped]
    print(f"\nin {seconds:.0f} s" + (f", failed: {', '.join(failed)}" if failed else ""))
    if left_out:
        print(
            f"NOT RUN on this machine: {', '.join(left_out)} (`pytest -rs` on that folder of tests says why)"
        )
    print(f"stages: {len(ended) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
