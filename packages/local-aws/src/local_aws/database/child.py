"""A server process that ends with the supervisor and never runs as root."""

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The background subshell waits for the end of our pipe, which comes when we close it or end in any
# way (including SIGKILL). It then sends the signal $0 to the server. A pipe also works on macOS,
# which lacks PR_SET_PDEATHSIG. The subshell signals only its own parent: if the server has already
# ended, another process might have its number.
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
        """Send the stop signal, then SIGKILL after `within` seconds.

        A second call does nothing.
        """
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
    """Start a server in its own session, and append its output to `log`.

    Ctrl-C therefore reaches only us. `stop_signal` (e.g. "INT") is the signal for an orderly
    shutdown.
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
    """Return `nobody` if we are root, else None for our own user.

    Postgres and PgBouncer refuse to run as root.
    """
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def unprivileged_group() -> int | None:
    return pwd.getpwnam("nobody").pw_gid if os.geteuid() == 0 else None


def give_away(path: Path) -> None:
    """Change the owner of `path` to the user that servers run as."""
    user, group = unprivileged_user(), unprivileged_group()
    if user is not None and group is not None:
        os.chown(path, user, group)


def private_folder(path: Path) -> Path:
    """Make `path` (in a shared folder such as /tmp) a 0700 folder of the server's user.

    Raises:
        PermissionError: another user created it first.
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
    """Return the command line of a process, or an empty string if it does not exist."""
    # imported here, because this module is also loaded before anything is installed
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def interrupt(pid: int) -> None:
    """Ask a server of an earlier run to end; do nothing if it no longer exists."""
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return
