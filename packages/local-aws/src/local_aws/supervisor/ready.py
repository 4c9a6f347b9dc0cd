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
    restored: bool  # True if it has restored a snapshot
    notice: str  # a message for the user who started it
    source: str = (
        ""  # digest of the source that it was started from; empty in the file of an older release
    )


def write_ready(settings: Settings, running: Running) -> None:
    half = settings.state / "supervisor.json.part"
    half.write_text(json.dumps(asdict(running)))
    half.replace(_ready_file(settings))


def running(settings: Settings) -> Running | None:
    """Return the live supervisor of this state folder.

    The file of a killed supervisor is ignored, and so is that of another folder's supervisor, which
    a copy of a checkout contains.
    """
    try:
        found = Running(**json.loads(_ready_file(settings).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    served = supervised(found.pid)
    is_ours = served is not None and served.is_of(settings)
    return found if is_ours else None


def was_killed(settings: Settings) -> bool:
    """Return True if the last supervisor ended by SIGKILL, a crash or a power cut."""
    return _ready_file(settings).exists()


def forget_ready(settings: Settings) -> None:
    _ready_file(settings).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Return True if `pid` is a supervisor; another process may have got the pid of an ended one."""
    return " ".join(COMMAND[1:]) in command_of(pid)


@dataclass(frozen=True)
class Supervised:
    """The stack that a supervisor process serves, by its command line."""

    pid: int
    root: Path  # where the folder is now, if it was moved since the start
    state_name: str
    ports: frozenset[int]

    def is_of(self, settings: Settings) -> bool:
        return (self.root / self.state_name).resolve() == settings.state.resolve()


def supervised(pid: int) -> Supervised | None:
    """Return the stack of a supervisor process; None if `pid` is another process or unreadable."""
    import psutil  # Imported here: commands do not need psutil if nothing was started.

    try:
        process = psutil.Process(pid)
        command = process.cmdline()
        if " ".join(COMMAND[1:]) not in " ".join(command):
            return None
        options = dict(
            each.split("=", 1) for each in command if each.startswith("--") and "=" in each
        )
        ports = frozenset(int(options[name]) for name in ("--api-port", "--aws-port"))
        # The supervisor never changes its folder, so this is the root also after a move.
        return Supervised(pid, Path(process.cwd()), options["--state"], ports)
    except (psutil.Error, KeyError, ValueError):
        return None


def listener(port: int) -> Supervised | None:
    """Return the stack that uses this port, of whatever checkout."""
    import psutil

    found = (supervised(pid) for pid in psutil.pids())
    return next((each for each in found if each and port in each.ports), None)


def _ready_file(settings: Settings) -> Path:
    return settings.state / "supervisor.json"
