"""`make test`: every check as a stage, each with its time. `python -m tests.stages lint unit` runs just those.

`make failure-matrix` stands beside it: breaking a stack in every way takes minutes more than a test run may.
The stack for the story starts first and in the background: most of its start is the Terraform provider waiting for RDS.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
BIN = Path(sys.executable).parent
STACK_SECONDS = 600


@dataclass(frozen=True)
class Stage:
    name: str
    commands: tuple[tuple[str, ...], ...]
    needs_stack: bool = False


STAGES = (
    Stage("lint", ((f"{BIN}/ruff", "format", "--check"), (f"{BIN}/ruff", "check"), (f"{BIN}/mypy",))),
    Stage("workflows", ((f"{BIN}/zizmor", "--offline", "--quiet", ".github"), (f"{BIN}/actionlint", "-color=false"))),
    Stage("unit", ((*PYTEST, "-n", "2", "tests/unit"),)),
    Stage("build", ((*PYTEST, "-n", "2", "tests/build"),)),
    Stage("bench", ((*PYTEST, "tests/bench"),)),
    Stage("pooling", ((*PYTEST, "tests/pooling"),)),
    Stage("local", ((*PYTEST, "-n", "2", "tests/local"),)),
    Stage("infra", ((*PYTEST, "-n", "2", "tests/infra"),)),
    Stage("migrations", ((*PYTEST, "-n", "2", "--dist", "loadfile", "tests/migrations"),), needs_stack=True),
    Stage("story", ((*PYTEST, "tests/story"),), needs_stack=True),
    Stage("contract", ((*PYTEST, "tests/contract"),), needs_stack=True),
)


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - {stage.name for stage in STAGES}
    if unknown:
        names = ", ".join(stage.name for stage in STAGES)
        sys.exit(f"tests.stages: no stage is called {', '.join(sorted(unknown))}. There are: {names}.")
    chosen = [stage for stage in STAGES if not wanted or stage.name in wanted]
    started = time.monotonic()
    stack = Stack() if any(stage.needs_stack for stage in chosen) else None
    try:
        failed = [stage.name for stage in chosen if not passes(stage, stack)]
    finally:
        if stack:
            stack.forget()
    print(f"\nin {time.monotonic() - started:.0f} s" + (f", failed: {', '.join(failed)}" if failed else ""))
    print(f"stages: {len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def passes(stage: Stage, stack: "Stack | None") -> bool:
    started = time.monotonic()
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "UV": f"{BIN}/uv"}
    if stage.needs_stack:
        assert stack
        if not stack.ready():
            _report(stage, started, ok=False, output=stack.output())
            return False
        environment |= stack.environment
    for command in stage.commands:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            _report(stage, started, ok=False, output=done.stdout + done.stderr)
            return False
    _report(stage, started, ok=True, output=done.stdout)
    return True


def _report(stage: Stage, started: float, *, ok: bool, output: str) -> None:
    if not ok:
        print(output)
    lines = output.strip().splitlines()
    print(
        f"{'✓' if ok else '✗'} {stage.name:<10} {time.monotonic() - started:6.1f} s   {lines[-1] if lines else ''}",
        flush=True,
    )


class Stack:
    """A stack of the tests' own: its own state folder, on free ports, started by the command that users type."""

    def __init__(self) -> None:
        self.state = ROOT / ".local-test"
        api, aws = _free_ports()
        self.environment = {"ATRIUM_STATE": self.state.name, "API_PORT": str(api), "AWS_PORT": str(aws)}
        self._env = os.environ | self.environment
        subprocess.run(
            [sys.executable, "-m", "local", "reset"], cwd=ROOT, env=self._env, check=True, capture_output=True
        )
        self._log = ROOT / ".local-test-up.log"
        with self._log.open("wb") as log:
            self._up = subprocess.Popen(
                ["make", "--no-print-directory", "up"],
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self) -> bool:
        return self._up.wait(timeout=STACK_SECONDS) == 0

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def forget(self) -> None:
        if self._up.poll() is None:
            os.killpg(self._up.pid, signal.SIGTERM)
            self._up.wait()
        subprocess.run(
            [sys.executable, "-m", "local", "reset"], cwd=ROOT, env=self._env, check=False, capture_output=True
        )
        self._log.unlink(missing_ok=True)


def _free_ports() -> list[int]:
    """Two ports that were free a moment ago."""
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        return [first.getsockname()[1], second.getsockname()[1]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
