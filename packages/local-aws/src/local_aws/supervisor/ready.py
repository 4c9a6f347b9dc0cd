"""The ready file of a supervisor, by which other processes find it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from local_aws.database.child import command_of
from local_aws.settings import Settings

COMMAND = ("-m", "local_aws", "serve")
"""The beginning of the supervisor's command line, after the interpreter's options."""


class StackError(Exception):
    """A command on the stack failed. The message says why and what to type next."""


@dataclass(frozen=True)
class Running:
    """The content of the ready file, which the supervisor writes when it is ready."""

    pid: int
    api_port: int
    aws_port: int
    postgres_port: int
    postgres_version: str
    pooling: str  # "pgbouncer", or "none" where it is not installed
    restored: bool  # True if it continues from a snapshot
    notice: str  # a message for the user who started it
    source: str = (
        ""  # digest of the source that it was started from; empty in the file of an older release
    )


def write_ready(settings: Settings, running: Running) -> None:
    half = settings.state / "supervisor.json.part"
    half.write_text(json.dumps(asdict(running)))
    half.replace(_ready_file(settings))


def running(settings: Settings) -> Running | None:
    """Return the live supervisor of this state folder; ignore the file of a killed one."""
    try:
        found = Running(**json.loads(_ready_file(settings).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if is_alive(found.pid) else None


def was_killed(settings: Settings) -> bool:
    """Return True if the last supervisor ended by SIGKILL, a crash or a power cut."""
    return _ready_file(settings).exists()


def forget_ready(settings: Settings) -> None:
    _ready_file(settings).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Return True if `pid` is a supervisor; another process may have got the pid of an ended one."""
    return " ".join(COMMAND[1:]) in command_of(pid)


def _ready_file(settings: Settings) -> Path:
    return settings.state / "supervisor.json"
