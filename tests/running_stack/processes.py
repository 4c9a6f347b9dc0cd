"""The processes of a running stack, as the machine shows them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path


def workers(function: str, state: Path) -> list[int]:
    """The processes that run `function` in the stack of this state folder."""
    handler = f"_HANDLER={function}.handler.handler"
    ours = [pid for pid, command in commands() if f"{state}/run/code/" in command]
    return [pid for pid in ours if handler in environment(pid)]


def commands() -> Iterator[tuple[int, str]]:
    """Pid and command line of everything that lives."""
    shown = subprocess.run(
        ["ps", "-Aww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True
    ).stdout
    for line in shown.splitlines():
        pid, stat, command = line.split(None, 2)
        if not stat.startswith("Z"):
            yield int(pid), command


def environment(pid: int) -> str:
    """NAME=value, with a NUL behind each; empty when the process is gone or not ours."""
    if Path("/proc").is_dir():
        try:
            return Path(f"/proc/{pid}/environ").read_text(errors="replace")
        except OSError:
            return ""
    shown = subprocess.run(["ps", "-Eww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.replace(" ", "\0")
