"""The supervisor of the laptop's stack, as other processes find it: its ready file and its pid."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from local_aws.database.child import command_of
from local_aws.settings import Settings

COMMAND = ("-m", "tools.laptop", "serve")
"""What the supervisor's command line ends with."""


class StackError(Exception):
    """What happened, and what to type next."""


@dataclass(frozen=True)
class Running:
    """What the supervisor wrote when it was ready."""

    pid: int
    api_port: int
    aws_port: int
    postgres_port: int
    postgres_version: str
    pooling: str  # "pgbouncer", or "none" where it is not installed
    restored: bool  # whether it goes on from a snapshot
    notice: str  # what its starter should be told
    source: str = ""  # `source.digest` when it was started; empty in the file of an older release


def write_ready(settings: Settings, running: Running) -> None:
    half = settings.state / "supervisor.json.part"
    half.write_text(json.dumps(asdict(running)))
    half.replace(_ready_file(settings))


def running(settings: Settings) -> Running | None:
    """The live supervisor of this state folder; a file left by a killed one counts as none."""
    try:
        found = Running(**json.loads(_ready_file(settings).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if is_alive(found.pid) else None


def was_killed(settings: Settings) -> bool:
    """The last supervisor ended without `forget_ready`: by SIGKILL, a crash or a power cut."""
    return _ready_file(settings).exists()


def forget_ready(settings: Settings) -> None:
    _ready_file(settings).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """A supervisor: the pid of one that is gone may be somebody else's by now."""
    return " ".join(COMMAND[1:]) in command_of(pid)


def _ready_file(settings: Settings) -> Path:
    return settings.state / "supervisor.json"
