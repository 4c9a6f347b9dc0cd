"""The processes of a running stack's workers."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil


def workers(function: str, state: Path) -> list[int]:
    """Return the processes that run `function` in the stack of this state folder."""
    handler = f"{function}.handler.handler"
    ours = [pid for pid, command in commands() if f"{state}/run/code/" in command]
    return [pid for pid in ours if environment(pid).get("_HANDLER") == handler]


def commands() -> Iterator[tuple[int, str]]:
    """Yield pid and command line of every readable process, without zombies and kernel threads."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if command := " ".join(process.cmdline()):
                yield process.pid, command


def environment(pid: int) -> Mapping[str, str]:
    """Return the environment of a process; empty when the process is gone or not ours."""
    try:
        return psutil.Process(pid).environ()
    except psutil.Error:
        return {}
