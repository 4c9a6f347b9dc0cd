"""A server process that cannot outlive us, and that never runs as root."""

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The background half waits for the end of our pipe, which comes when we close it or die in any way (SIGKILL too),
# and then signals ($0) the server. A pipe works the same on macOS, where there is no PR_SET_PDEATHSIG.
# It signals only its own parent: were the server gone already, its number might be somebody else's by now.
_WATCHED = """\
exec 3<&0
(
  read -r _ <&3
  if [ -r /proc/self/stat ]; then read -r _ _ _ parent _ </proc/self/stat
  else parent=$(ps -o ppid= -p "$(exec sh -c 'echo $PPID')"); fi
  [ "$parent" -eq $$ ] && kill -s "$0" $$
) 2>/dev/null &
exec 3<&- "$@" </dev/null
"""


@dataclass(frozen=True)
class Child:
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self, within: float = 10.0) -> None:
        """Send the signal it was started with, then SIGKILL after `within` seconds. Stopping twice is fine."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def spawn(
    command: Sequence[str | Path],
    log: Path,
    stop_signal: str,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a server in its own session (Ctrl-C reaches only us), its output appended to `log`.

    `stop_signal` (e.g. "INT") is what ends it in an orderly way.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED, stop_signal, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment or {},
            cwd="/",
            start_new_session=True,
            user=unprivileged_user(),
            group=unprivileged_group(),
            extra_groups=[] if os.geteuid() == 0 else None,
        )
    return Child(process)


def unprivileged_user() -> int | None:
    """`nobody` when we are root, whom both Postgres and PgBouncer refuse; None means: as ourselves."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def unprivileged_group() -> int | None:
    return pwd.getpwnam("nobody").pw_gid if os.geteuid() == 0 else None


def give_away(path: Path) -> None:
    """Make `path` belong to the user that servers run as."""
    user, group = unprivileged_user(), unprivileged_group()
    if user is not None and group is not None:
        os.chown(path, user, group)


def private_folder(path: Path) -> Path:
    """Make `path` (in a shared folder such as /tmp) a 0700 folder of the server's user.

    Raises:
        PermissionError: somebody else made it first.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid not in {os.geteuid(), unprivileged_user()}:
        raise PermissionError(
            f"{path} belongs to user {found.st_uid}, not to us. Remove it and start again."
        )
    path.chmod(0o700)
    give_away(path)
    return path


def command_of(pid: int) -> str:
    """Return the command line of a process, or an empty string if there is no such process."""
    import psutil  # here, since `make doctor` loads this module before anything is installed

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def interrupt(pid: int) -> None:
    """Ask a server of an earlier run to end; not finding it is fine."""
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return
