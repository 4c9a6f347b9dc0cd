"""The lock that lets one command at a time change a stack; it ends with its holder's process."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_aws.settings import Settings
from local_aws.supervisor.ready import StackError


@contextmanager
def locked(settings: Settings, command: str) -> Iterator[None]:
    """Lock the state folder for a command of the program, such as `up`.

    Raises:
        StackError: Another command holds the lock. The message names it and its pid.
    """
    folder = _lock_folder(settings)
    try:
        _holder(settings).write_text(json.dumps({"pid": os.getpid(), "command": command}))
        yield
    finally:
        # The file is missing after `reset`, which deletes the folder.
        _holder(settings).unlink(missing_ok=True)
        os.close(folder)


def _lock_folder(settings: Settings) -> int:
    """Lock the folder itself, which leaves no stale lock file, and return its descriptor."""
    while True:
        settings.state.mkdir(parents=True, exist_ok=True)
        folder = os.open(settings.state, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            raise StackError(_busy(settings)) from None
        if settings.state.exists() and os.path.samestat(os.fstat(folder), settings.state.stat()):
            return folder
        os.close(folder)  # a `reset` has just removed it


def _busy(settings: Settings) -> str:
    try:
        held = json.loads(_holder(settings).read_text())
    except (FileNotFoundError, ValueError):
        return (
            f"Another command is using {settings.state_name}. Wait for it, then run this one again."
        )
    return (
        f"`{settings.program.name} {held['command']}` (pid {held['pid']}) is using {settings.state_name}. Wait for it, "
        f"or stop it (Ctrl-C there, or `kill -INT {held['pid']}`), then run this again.\n"
        f"  To start a second stack: {settings.program.variables}_STATE={settings.state_name}-two"
        f" API_PORT=3001 AWS_PORT=4567 {settings.program.name} up"
    )


def _holder(settings: Settings) -> Path:
    return settings.state / "command.json"
