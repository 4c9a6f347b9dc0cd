"""A terraform command that ends cleanly although its caller is interrupted."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tools.deploy import interruption

FINISHING = "Terraform finishes its running operations, saves the state and releases the lock"


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    capture: bool,
    seen: Callable[[str], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run terraform to its end. An interruption is raised after the end.

    Terraform writes to the terminal. With `capture` the result has its output instead, and `seen`
    is called with each line that it writes to the terminal.

    Terraform ends cleanly after one SIGINT: it saves the state and releases the lock. It aborts at
    a second one. So it gets a process group of its own, which a terminal's Ctrl-C does not reach,
    and exactly one SIGINT. It cannot read from a terminal, so its caller must ask all questions.
    """
    pipe = subprocess.PIPE if capture else None
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if seen else pipe,
        stderr=pipe,
        text=True,
        process_group=0,
    )
    try:
        output, errors = _communicate(process, seen)
    except KeyboardInterrupt:
        print(f"\ninterrupted: {FINISHING}.", file=sys.stderr)
        with interruption.deferred(FINISHING), suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGINT)
            _communicate(process, seen)
        raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _communicate(
    process: "subprocess.Popen[str]", seen: Callable[[str], None] | None
) -> tuple[str, str]:
    if seen is None or process.stdout is None:
        return process.communicate()
    for line in process.stdout:
        print(line, end="", flush=True)
        seen(line)
    process.stdout.close()
    process.wait()
    return "", ""
