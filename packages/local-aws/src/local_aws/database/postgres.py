"""A real Postgres with RDS's roles, whose data stays in a folder and whose server ends with us."""

import asyncio
import fcntl
import hashlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path

from local_aws.database import binaries
from local_aws.database.binaries import Binaries
from local_aws.database.child import (
    Child,
    command_of,
    give_away,
    interrupt,
    private_folder,
    spawn,
    unprivileged_group,
    unprivileged_user,
)
from local_aws.settings import LOOPBACK

DATABASE = "app"
MASTER = "postgres"  # as on RDS: not a superuser, but CREATEDB, CREATEROLE and rds_superuser
SUPERUSER = "rdsadmin"  # RDS's own superuser; reachable here only through the private socket

_START_TIMEOUT = 30.0
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}

_TAKEN = "Address already in use"  # Postgres's message when the port is taken

# Postgres's messages for a failed write and for a partial write.
_DISK_FULL = ("No space left on device", "Check free disk space")

# The roles that RDS sets up before its customer sees the instance. Each statement is on one line,
# because single-user mode reads lines.
_ROLES = f"""\
CREATE ROLE rds_iam
CREATE ROLE rds_superuser
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION
CREATE ROLE {MASTER} LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser
"""
_DATABASE = f'CREATE DATABASE "{{}}" OWNER {MASTER}\n'
# From version 16 on, a grantor needs ADMIN. The grant must not make the master a member of rds_iam,
# because RDS would then allow it to log in only by IAM.
_GRANT_IAM = f"GRANT rds_iam TO {MASTER} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE\n"


class PostgresError(RuntimeError):
    pass


@dataclass(frozen=True)
class Postgres:
    """A running server.

    TCP on 127.0.0.1 requires SCRAM passwords; the socket, in a 0700 folder, trusts.
    """

    port: int
    socket_dir: Path
    data: Path  # the real location of the data: see `place`
    version: str
    bin: Path  # psql, pg_dump, …
    _child: Child
    _lock: TextIOWrapper
    database: str = DATABASE

    @property
    def socket(self) -> str:
        """Return the path of the unix socket.

        Example: `pg8000.connect(user, unix_sock=postgres.socket, database=…)`.
        """
        return str(self.socket_dir / f".s.PGSQL.{self.port}")

    @property
    def running(self) -> bool:
        return self._child.process.poll() is None

    def kill(self) -> None:
        """End the server by SIGKILL, as a crash of its host does."""
        self._child.process.kill()

    async def stop(self) -> None:
        await asyncio.to_thread(self.stop_now)

    async def pause(self) -> None:
        """Stop by fast shutdown, but keep the lock on the data until `restart`."""
        await asyncio.to_thread(self._child.stop)

    def stop_now(self) -> None:
        """Stop by fast shutdown: roll back open transactions and flush data to disk.

        A second call does nothing.
        """
        self._child.stop()
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        self._lock.close()


async def start(
    data: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    durable: bool = True,
    database: str = DATABASE,
) -> Postgres:
    """Call `start_now` in a thread."""
    return await asyncio.to_thread(
        start_now, data, port=port, log=log, durable=durable, database=database
    )


@contextmanager
def running(
    data: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    durable: bool = False,
    database: str = DATABASE,
) -> Iterator[Postgres]:
    """Provide Postgres for a test.

        with running(tmp_path / "postgres") as postgres: ...

    By default it is not durable, which is faster. Data that `place` had to put outside of the
    folder of `data` is removed at the end.
    """
    server = start_now(data, port=port, log=log, durable=durable, database=database)
    try:
        yield server
    finally:
        server.stop_now()
        if server.data != data.resolve():
            forget(data)


async def restart(server: Postgres, *, log: Path, durable: bool = True) -> Postgres:
    """Start a new server in place of one that was killed or paused, with its data, port and lock.

    Deleted data is created as RDS delivers it.

    Raises:
        PostgresError: it did not start in `_START_TIMEOUT` seconds. For a moment, orphans of the
            killed server may still hold its memory.
    """
    found = await asyncio.to_thread(binaries.find)
    if not server.data.is_dir():
        await asyncio.to_thread(_create, found, server.data, server.database)
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            started = await asyncio.to_thread(
                _launch, found, server.data, server.port, log, durable, server._lock
            )
            return replace(started, database=server.database)
        except PostgresError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


def start_now(
    data: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    durable: bool = True,
    database: str = DATABASE,
    free_port: Callable[[], int] | None = None,
) -> Postgres:
    """Start Postgres on `data`, which is created if absent, and wait until it is ready.

    It listens on `port` or a free one. A server left by a killed supervisor is stopped first.
    `durable=False` skips fsync.

    Raises:
        PostgresNotFoundError: no Postgres runs on this machine.
        PostgresError: `data` is in use by another stack, of another major version, or the start
            failed.
    """
    found = binaries.find()
    data = place(data)
    log = log or data.with_name(f"{data.name}.log")
    lock = _locked(data)
    try:
        _stop_leftover(data)
        if not data.is_dir():
            _create(found, data, database)
        _check_version(found, data)
        if port is not None:
            started = _launch(found, data, port, log, durable, lock)
        else:
            started = _launch_on_free_port(found, data, log, durable, lock, free_port or _free_port)
        return replace(started, database=database)
    except BaseException:
        lock.close()
        raise


def place(data: Path) -> Path:
    """Return the real location of `data`.

    It is under /var/tmp if we are root and `nobody` cannot reach `data`, for example in a checkout
    under /root. Call `forget(data)` to delete a stack.
    """
    data = data.resolve()
    user = unprivileged_user()
    if user is None or all(folder.stat().st_mode & 0o001 for folder in _existing_parents(data)):
        return data
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return binaries.public_folder(binaries.cache_folder()) / f"data-{key}"


def socket_folder(data: Path) -> Path:
    """Return the socket folder of the server on `data`, as `place` returns it.

    The name is in the command line of all its processes.
    """
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(f"/tmp/local-aws-{os.geteuid()}-{key}")  # noqa: S108  short: socket paths end at 107


def forget(data: Path) -> None:
    """Remove the data of `data` at its real location, with its copies, its log and its lock.

    Its server must be stopped.
    """
    data = place(data)
    for folder in (data, *data.parent.glob(f"{data.name}.*/")):
        shutil.rmtree(folder, ignore_errors=True)
    for suffix in ("log", "lock"):
        data.with_name(f"{data.name}.{suffix}").unlink(missing_ok=True)


def _existing_parents(path: Path) -> list[Path]:
    return [folder for folder in path.parents if folder.is_dir()]


def _locked(data: Path) -> TextIOWrapper:
    """Take a lock that the system releases when this process ends.

    Two supervisors never share a data folder.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    lock = data.with_name(f"{data.name}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise PostgresError(
            f"{data} is in use by another running stack. Stop that one first (command `down`)."
        ) from None
    return lock


def _stop_leftover(data: Path) -> None:
    """End the server of a killed supervisor.

    We hold the lock, so no living supervisor owns the server.
    """
    deadline = time.monotonic() + 15
    while (pid := _postmaster(data)) is not None:
        if time.monotonic() > deadline:
            raise PostgresError(
                f"An earlier Postgres (pid {pid}) on {data} does not stop. "
                f"Kill it: `kill -9 {pid}`."
            )
        interrupt(pid)
        time.sleep(0.05)


def _postmaster(data: Path) -> int | None:
    """Return the pid of a running Postgres on `data`.

    The pid file of a crashed server may name an unrelated process.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    command = command_of(pid)
    return pid if "postgres" in command and f" {data} " in f"{command} " else None


def _create(found: Binaries, data: Path, database: str) -> None:
    """Run initdb and create RDS's roles in a temporary folder, then rename it.

    `data` is therefore complete or absent.
    """
    scratch = Path(tempfile.mkdtemp(prefix=f"{data.name}.new-", dir=data.parent))
    give_away(scratch)
    options = [
        "--username",
        SUPERUSER,
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
        "--no-instructions",
    ]
    try:
        _run(
            [
                found.folder / "initdb",
                *options,
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "-D",
                scratch,
            ]
        )
        statements = _ROLES + _DATABASE.format(database) + (_GRANT_IAM if found.major >= 16 else "")
        _run(
            [
                found.folder / "postgres",
                "--single",
                "-c",
                "exit_on_error=on",
                "-D",
                scratch,
                "postgres",
            ],
            statements,
        )
        scratch.rename(data)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(command: list[str | Path], input_text: str = "") -> None:
    done = subprocess.run(
        command,
        input=input_text,
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        cwd="/",
        check=False,
        user=unprivileged_user(),
        group=unprivileged_group(),
        extra_groups=[] if os.geteuid() == 0 else None,
    )
    if done.returncode:
        full = any(sign in done.stderr for sign in _DISK_FULL)
        advice = "\nFree disk space for the stack's folder" if full else "\nFix the cause"
        name = Path(command[0]).name
        raise PostgresError(
            f"{name} failed, so there is no database yet: {done.stderr.strip()}{advice} "
            "and try again."
        )


def _check_version(found: Binaries, data: Path) -> None:
    made_by = int((data / "PG_VERSION").read_text())
    if made_by != found.major:
        raise PostgresError(
            f"{data} was created by Postgres {made_by}, but {found.version} runs here "
            f"({found.folder}). Delete the local data (command `reset`), or install that version."
        )


def _launch_on_free_port(
    found: Binaries,
    data: Path,
    log: Path,
    durable: bool,
    lock: TextIOWrapper,
    free_port: Callable[[], int],
) -> Postgres:
    """Start on another port if one is taken between our check and Postgres's bind."""
    for _ in range(5):
        try:
            return _launch(found, data, free_port(), log, durable, lock)
        except PostgresError as error:
            if _TAKEN not in str(error):
                raise
            taken = error
    raise taken


def _launch(
    found: Binaries, data: Path, port: int, log: Path, durable: bool, lock: TextIOWrapper
) -> Postgres:
    socket_dir = private_folder(socket_folder(data))
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": str(socket_dir),
        "max_connections": "100",
        "log_timezone": "UTC",
        "timezone": "UTC",
    } | (
        {} if durable else {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    )
    options = [f"--{name}={value}" for name, value in settings.items()]
    child = spawn(
        [found.folder / "postgres", "-D", data, *options], log, "INT", _ENVIRONMENT
    )  # INT: fast shutdown
    try:
        _wait_until_ready(child, data, port, log)
    except BaseException:
        child.stop()
        shutil.rmtree(socket_dir, ignore_errors=True)
        raise
    return Postgres(port, socket_dir, data, found.version, found.folder, child, lock)


def _wait_until_ready(child: Child, data: Path, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not _ready(child, data):
        if child.process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-5:]
            raise PostgresError(
                f"Postgres did not start on port {port}. The end of {log}:\n"
                + "\n".join(last)
                + "\nRun the command again."
            )
        time.sleep(0.02)


def _ready(child: Child, data: Path) -> bool:
    """Return True if the server is ready.

    Line 8 of postmaster.pid is its state; line 1 proves that the file is this server's.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready"


def _free_port() -> int:
    """Return a port below the kernel's range for outgoing connections (32768 and up on Linux).

    An outgoing connection could take a higher one before Postgres does.
    """
    for port in random.sample(range(10000, 32768), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise PostgresError(
        "No free port between 10000 and 32767 on 127.0.0.1. Stop programs that listen there."
    )
